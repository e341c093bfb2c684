import { describe, expect, it } from 'vitest';
import { askForResends } from './sdp';

const lines = (...all: string[]) => all.join('\r\n') + '\r\n';

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
