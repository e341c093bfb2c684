import { beforeEach, describe, expect, it } from 'vitest';
import { get } from 'svelte/store';
import { Screening } from './screening';
import type * as wire from './wire';

class FakeLeg {
  static last: FakeLeg;
  closed = false;
  remote: string[] = [];
  refuses = false;
  ontrack: ((event: { track: object; streams: object[] }) => void) | null = null;
  directions: string[] = [];
  constructor(readonly config: RTCConfiguration) {
    FakeLeg.last = this;
  }
  addTransceiver(_kind: string, { direction }: { direction: string }): void {
    this.directions.push(direction);
  }
  createOffer = async () => ({ type: 'offer', sdp: 'v=0\r\na=rtpmap:111 opus/48000/2\r\n' });
  setLocalDescription = async () => {};
  async setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    if (this.refuses) {
      throw new Error('refused');
    }
    this.remote.push(sdp);
  }
  close(): void {
    this.closed = true;
  }
}

const grows = (more: Partial<wire.CallScreen> = {}): wire.CallScreen => ({ type: 'call.screen', call: 'c', from: 'ann', name: 'Ann', phase: 'recording', ...more });

describe('Screening', () => {
  let screening: Screening;
  let posted: wire.ClientFrame[];
  let nothing: string[];
  let relayOnly: boolean;

  beforeEach(() => {
    posted = [];
    nothing = [];
    relayOnly = false;
    screening = new Screening({
      post: (frame) => posted.push(frame),
      ice: () => [{ urls: 'turn:relay' }],
      relayOnly: () => relayOnly,
      connection: (config) => new FakeLeg(config) as unknown as RTCPeerConnection,
      onNothing: (name) => nothing.push(name),
    });
  });

  const shown = () => get(screening.screens);

  it('grows, and is gone when it is over', () => {
    screening.take(grows({ phase: 'greeting' }));
    screening.take(grows({ levels: [0, 100], elapsed_ms: 400, limit_ms: 180_000 }));
    screening.take(grows({ levels: [50], elapsed_ms: 600, limit_ms: 180_000, urgent: true }));
    expect(shown()).toMatchObject([{ call: 'c', name: 'Ann', phase: 'recording', levels: [0, 255, 127], elapsedMs: 600, urgent: true, listening: false }]);
    screening.take(grows({ levels: [10], elapsed_ms: 200 })); // begun anew
    expect(shown()[0]!.levels).toEqual([26]);
    screening.take(grows({ phase: 'of a later server' }));
    expect(shown()).toEqual([]);
    screening.take(grows());
    screening.take(grows({ phase: 'over' }));
    expect(shown()).toEqual([]);
  });

  it('holds as many levels as are drawn', () => {
    for (let i = 0; i < 100; i++) {
      screening.take(grows({ levels: [1, 2, 3], elapsed_ms: i * 600 }));
    }
    expect(shown()[0]!.levels).toHaveLength(120);
  });

  it('is heard when that is asked for, until it is enough', async () => {
    screening.take(grows());
    expect(posted).toEqual([]);
    await screening.listen('c');
    const leg = FakeLeg.last;
    expect(leg.directions).toEqual(['recvonly']);
    expect(leg.config.iceTransportPolicy).toBe('all');
    expect(posted).toMatchObject([{ type: 'call.listen', call: 'c' }]);
    expect((posted[0] as wire.CallListen).offer).toContain('a=rtcp-fb:111 nack');
    screening.take({ type: 'call.listening', call: 'c', answer: 'theirs' });
    await Promise.resolve();
    expect(leg.remote).toEqual(['theirs']);
    const stream = {};
    leg.ontrack!({ track: {}, streams: [stream] });
    expect(shown()[0]).toMatchObject({ listening: true, sound: stream });
    screening.unlisten('c');
    expect(posted.at(-1)).toEqual({ type: 'call.listen', call: 'c' });
    expect(leg.closed).toBe(true);
    expect(shown()[0]).toMatchObject({ listening: false, sound: null });
    screening.take({ type: 'call.listening', call: 'c', answer: 'late' }); // heard enough
    expect(leg.remote).toEqual(['theirs']);
  });

  it('hears through the relay only when it hides the address', async () => {
    relayOnly = true;
    screening.take(grows());
    await screening.listen('c');
    expect(FakeLeg.last.config.iceTransportPolicy).toBe('relay');
  });

  it('says when there is nothing to hear', async () => {
    screening.take(grows());
    await screening.listen('c');
    screening.take({ type: 'call.listening', call: 'c' });
    await new Promise((done) => setTimeout(done));
    expect(nothing).toEqual(['Ann']);
    expect(FakeLeg.last.closed).toBe(true);
    await screening.listen('c');
    FakeLeg.last.refuses = true;
    screening.take({ type: 'call.listening', call: 'c', answer: 'bad' });
    await new Promise((done) => setTimeout(done));
    expect(nothing).toEqual(['Ann', 'Ann']);
  });

  it('hears no more in the review, when it is over, or with another session', async () => {
    for (const end of [() => screening.take(grows({ phase: 'review' })), () => screening.take(grows({ phase: 'over' })), () => screening.clear()]) {
      screening.take(grows());
      await screening.listen('c');
      end();
      expect(FakeLeg.last.closed).toBe(true);
    }
  });

  it('stays hidden until it is over', () => {
    screening.take(grows());
    screening.hide('c');
    screening.take(grows());
    expect(shown()).toEqual([]);
    screening.take(grows({ phase: 'over' }));
    screening.take(grows()); // another that is left in the same call
    expect(shown()).toHaveLength(1);
  });
});
