import { beforeEach, describe, expect, it } from 'vitest';
import { Leg, type Config } from './leg';

const opus = 'v=0\r\na=rtpmap:111 opus/48000/2\r\n';

/** FakeConnection remembers what it was told, and can refuse it. */
class FakeConnection {
  onicecandidate: ((event: { candidate: object | null }) => void) | null = null;
  log: string[] = [];
  refuse = (_what: string) => false;
  connectionState = 'new';
  addTrack(): void {}
  setConfiguration(config: RTCConfiguration): void {
    this.log.push(`policy ${config.iceTransportPolicy}`);
  }
  createOffer = () => Promise.resolve({ type: 'offer', sdp: opus });
  createAnswer = () => Promise.resolve({ type: 'answer', sdp: opus });
  setLocalDescription = ({ sdp }: { sdp: string }) => this.told(sdp.includes('nack') ? 'local with nack' : 'local');
  setRemoteDescription = ({ sdp }: { sdp: string }) => this.told(`remote ${sdp}`);
  addIceCandidate = ({ candidate }: { candidate: string }) => this.told(`candidate ${candidate}`);
  close(): void {
    this.log.push('closed');
  }
  gather(candidate: string | null): void {
    this.onicecandidate?.({ candidate: candidate === null ? null : { candidate, sdpMid: '0', sdpMLineIndex: 0 } });
  }
  private told(what: string): Promise<void> {
    if (this.refuse(what)) {
      return Promise.reject(new DOMException(what, 'OperationError'));
    }
    this.log.push(what);
    return Promise.resolve();
  }
}

describe('Leg', () => {
  let connection: FakeConnection;
  let own: string[];
  let leg: Leg;

  beforeEach(() => {
    connection = new FakeConnection();
    own = [];
    const config: Config = {
      ice: [],
      relayOnly: false,
      microphone: { getAudioTracks: () => [] } as unknown as MediaStream,
      open: () => connection as unknown as RTCPeerConnection,
    };
    leg = new Leg(config, { onCandidate: ({ candidate }) => own.push(candidate), onState: () => {}, onSound: () => {} });
  });

  it('holds own candidates until the description has left, then sends them in order', async () => {
    await leg.offer();
    connection.gather('a');
    connection.gather('');
    connection.gather('b');
    expect(own).toEqual([]);
    leg.release();
    connection.gather('c');
    connection.gather(null);
    expect(own).toEqual(['a', 'b', 'c', '']);
  });

  it('holds them again during a restart', async () => {
    await leg.offer();
    leg.release();
    const restarted = leg.restart(true);
    await restarted;
    connection.gather('new');
    expect(own).toEqual([]);
    expect(connection.log).toContain('policy relay');
    leg.release();
    expect(own).toEqual(['new']);
  });

  it('applies what comes from the far end in its order', async () => {
    leg.candidate({ candidate: 'early' });
    const answered = leg.answered('answer');
    leg.candidate({ candidate: 'meanwhile' });
    await answered;
    leg.candidate({ candidate: 'late' });
    await leg.offer();
    expect(connection.log.filter((line) => !line.startsWith('local'))).toEqual([
      'remote answer',
      'candidate early',
      'candidate meanwhile',
      'candidate late',
    ]);
  });

  it('offers resends, and does without where the browser refuses', async () => {
    expect(await leg.offer()).toContain('a=rtcp-fb:111 nack');
    expect(connection.log).toEqual(['local with nack']);
    connection.refuse = (what) => what === 'local with nack';
    expect(await leg.answer('theirs')).toBe(opus);
    expect(connection.log.at(-1)).toBe('local');
  });

  it('survives a refused candidate, and rejects a refused description', async () => {
    connection.refuse = (what) => what === 'candidate old' || what === 'remote broken';
    await leg.answered('answer');
    leg.candidate({ candidate: 'old' });
    leg.candidate({ candidate: 'new' });
    await expect(leg.answered('broken')).rejects.toThrow('remote broken');
    expect(connection.log).toEqual(['remote answer', 'candidate new']);
  });

  it('does nothing after it was closed', async () => {
    leg.close();
    await expect(leg.offer()).rejects.toThrow('closed');
    expect(connection.log).toEqual(['closed']);
  });
});
