import { describe, expect, it } from 'vitest';
import { askForResends, attributeOf, fingerprintsOf, withAttribute } from './sdp';

const lines = (...all: string[]) => all.join('\r\n') + '\r\n';

describe('fingerprintsOf', () => {
  it('reads each once, in one way of writing, wherever it stands', () => {
    const sdp = lines('a=fingerprint:SHA-256 aa:01', 'm=audio 9 x 0', 'a=fingerprint:sha-256 AA:01', 'm=video 9 x 0', 'a=fingerprint:sha-256 BB:02');
    expect(fingerprintsOf(sdp)).toEqual(['sha-256 AA:01', 'sha-256 BB:02']);
    expect(fingerprintsOf('v=0')).toEqual([]);
  });
});

describe('an attribute of the session part', () => {
  const sdp = lines('v=0', 's=-', 'm=audio 9 x 0', 'a=mid:0', 'm=video 9 x 0');

  it('goes before the media, and is found there', () => {
    const marked = withAttribute(sdp, 'parley-nonce', 'abc');
    expect(marked).toBe(lines('v=0', 's=-', 'a=parley-nonce:abc', 'm=audio 9 x 0', 'a=mid:0', 'm=video 9 x 0'));
    expect(attributeOf(marked, 'parley-nonce')).toBe('abc');
  });

  it('is not one of the media', () => {
    expect(attributeOf(sdp, 'mid')).toBeUndefined();
    expect(attributeOf('', 'mid')).toBeUndefined();
  });
});

describe('askForResends', () => {
  it('asks for Opus, with the payload type of the offer', () => {
    const offer = lines('m=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc', 'a=rtpmap:63 red/48000/2');
    expect(askForResends(offer)).toBe(
      lines('m=audio 9 UDP/TLS/RTP/SAVPF 111 63', 'a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 nack', 'a=rtcp-fb:111 transport-cc', 'a=rtpmap:63 red/48000/2'),
    );
  });

  it('does not ask twice', () => {
    const once = askForResends(lines('a=rtpmap:109 opus/48000/2'));
    expect(askForResends(once)).toBe(once);
  });

  it('does not take "nack pli" for it', () => {
    expect(askForResends(lines('a=rtpmap:1 opus/48000/2', 'a=rtcp-fb:1 nack pli'))).toContain('a=rtcp-fb:1 nack\r\n');
  });

  it('leaves other descriptions alone', () => {
    const video = lines('m=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000');
    expect(askForResends(video)).toBe(video);
  });
});
