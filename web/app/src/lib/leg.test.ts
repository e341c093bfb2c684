import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeConnection } from './connection.fake';
import { Leg, type Description } from './leg';

const settle = () => vi.advanceTimersByTimeAsync(0);

/** Side is one leg and what it says. */
class Side {
  readonly connection = new FakeConnection({});
  candidates: string[] = [];
  descriptions: Description[] = [];
  settled = 0;
  others = 0;
  leg: Leg;
  constructor(polite: boolean) {
    let id = 0;
    this.leg = new Leg(
      {
        ice: () => [],
        relayOnly: false,
        polite,
        open: () => this.connection as unknown as RTCPeerConnection,
        newID: () => `${polite ? 'callee' : 'caller'}-${++id}`,
      },
      {
        onCandidate: ({ candidate }) => this.candidates.push(candidate),
        onDescription: (description) => this.descriptions.push(description),
        onAnother: () => this.others++,
        onSettled: () => this.settled++,
        onState: () => {},
        onTrack: () => {},
        onChannel: () => {},
      },
    );
  }
  get said(): string[] {
    return this.descriptions.map(({ kind, negotiation }) => `${kind} ${negotiation}`);
  }
}

describe('Leg', () => {
  let caller: Side;
  let callee: Side;

  beforeEach(() => {
    vi.useFakeTimers();
    FakeConnection.all = [];
    caller = new Side(false);
    callee = new Side(true);
  });
  afterEach(() => vi.useRealTimers());

  async function talk(): Promise<void> {
    await caller.leg.answered(await callee.leg.answer(await caller.leg.offer()));
    caller.leg.release();
    callee.leg.release();
    await settle();
  }

  /** pass gives each side what the other has said since. */
  async function pass(): Promise<void> {
    const [to, back] = [caller.descriptions, callee.descriptions];
    [caller.descriptions, callee.descriptions] = [[], []];
    await Promise.all([...to.map((one) => callee.leg.describe(one)), ...back.map((one) => caller.leg.describe(one))]);
    await settle();
  }

  it('refuses a description that names another far end, and goes on with the first', async () => {
    const end = (name: string) => `v=0\r\na=fingerprint:sha-256 ${name}\r\n`;
    await callee.leg.answer(end('AA:01'));
    await callee.leg.describe({ kind: 'offer', sdp: `${end('AA:01')}a=more\r\n`, negotiation: '1' });
    expect(callee.said).toEqual(['answer 1']);
    for (const sdp of [end('EE:03'), end('AA:01') + end('EE:03'), 'v=0']) {
      await expect(callee.leg.describe({ kind: 'offer', sdp, negotiation: '2' })).rejects.toThrow('another end');
    }
    expect(callee.others).toBe(3);
    expect(callee.said).toEqual(['answer 1']);
    expect(callee.connection.remote).toHaveLength(2);
    expect(callee.connection.signalingState).toBe('stable');

    await caller.leg.offer();
    await caller.leg.answered(end('BB:02'));
    caller.connection.need();
    await settle();
    const { negotiation } = caller.descriptions.at(-1)!;
    await expect(caller.leg.describe({ kind: 'answer', sdp: end('EE:03'), negotiation })).rejects.toThrow('another end');
    expect(caller.others).toBe(1);
    await caller.leg.describe({ kind: 'answer', sdp: end('BB:02'), negotiation });
    expect(caller.connection.signalingState).toBe('stable');
  });

  it('holds own candidates until the description has left, then sends them in order', async () => {
    await caller.leg.offer();
    caller.connection.gather('a');
    caller.connection.gather('');
    caller.connection.gather('b');
    expect(caller.candidates).toEqual([]);
    caller.leg.release();
    caller.connection.gather('c');
    caller.connection.gather(null);
    expect(caller.candidates).toEqual(['a', 'b', 'c', '']);
  });

  it('applies what comes from the far end in its order', async () => {
    await caller.leg.offer();
    caller.leg.candidate({ candidate: 'early' });
    const answered = caller.leg.answered('answer');
    caller.leg.candidate({ candidate: 'meanwhile' });
    await answered;
    caller.leg.candidate({ candidate: 'late' });
    await settle();
    expect(caller.connection.log.slice(1)).toEqual(['remote answer', 'candidate early', 'candidate meanwhile', 'candidate late']);
  });

  it('asks for resends, and does without where the browser refuses', async () => {
    caller.connection.codec = callee.connection.codec = 'v=0\r\na=rtpmap:111 opus/48000/2\r\n';
    expect(await caller.leg.offer()).toContain('a=rtcp-fb:111 nack');
    callee.connection.refuse = (what) => what === 'local with nack';
    expect(await callee.leg.answer('theirs')).not.toContain('nack');
    expect(callee.connection.log.at(-1)).toBe('local answer');
  });

  it('survives a refused candidate, and rejects a refused description', async () => {
    await talk();
    caller.connection.refuse = (what) => what === 'candidate old' || what === 'remote broken';
    caller.leg.candidate({ candidate: 'old' });
    caller.leg.candidate({ candidate: 'new' });
    await expect(caller.leg.describe({ kind: 'offer', sdp: 'broken', negotiation: 'x' })).rejects.toThrow('remote broken');
    expect(caller.connection.candidates).toEqual(['new']);
  });

  it('does nothing after it was closed', async () => {
    caller.leg.close();
    await expect(caller.leg.offer()).rejects.toThrow('closed');
    caller.leg.restart();
    expect(caller.connection.log).toEqual(['closed']);
  });

  it('offers nothing later before the first offer is answered', async () => {
    await caller.leg.offer();
    caller.connection.need();
    await settle();
    expect(caller.said).toEqual([]);
    await caller.leg.answered('answer');
    await settle();
    expect(caller.said).toEqual(['offer caller-1']);
  });

  it('takes the first answer once', async () => {
    await talk();
    await caller.leg.answered('again');
    expect(caller.connection.remote).toHaveLength(1);
  });

  it('restarts from either side, through the relay if asked to', async () => {
    await talk();
    callee.leg.restart(true);
    await settle();
    expect(callee.connection.log).toContain('policy relay');
    expect(callee.descriptions).toEqual([{ kind: 'offer', sdp: 'offer 2 restart', negotiation: 'callee-1' }]);
    callee.connection.gather('new');
    expect(callee.candidates).toEqual(['new']); // after the offer
    await pass();
    expect(caller.said).toEqual(['answer callee-1']);
    await pass();
    expect(callee.connection.signalingState).toBe('stable');
    expect([caller.settled, callee.settled]).toEqual([2, 1]);
  });

  it('sorts out offers that cross: the caller prevails, and the callee offers again', async () => {
    await talk();
    caller.connection.need();
    callee.connection.need();
    await settle();
    expect([...caller.said, ...callee.said]).toEqual(['offer caller-1', 'offer callee-1']);
    await pass();
    expect(caller.said).toEqual([]);
    expect(callee.said).toEqual(['answer caller-1', 'offer callee-2']);
    await pass();
    await pass();
    expect([caller.connection.signalingState, callee.connection.signalingState]).toEqual(['stable', 'stable']);
    expect([...caller.said, ...callee.said]).toEqual([]);
  });

  it('throws away an answer that comes late', async () => {
    await talk();
    caller.connection.need();
    await settle();
    await caller.leg.describe({ kind: 'answer', sdp: 'to another', negotiation: 'caller-0' });
    await caller.leg.describe({ kind: 'answer', sdp: 'to none' });
    expect(caller.connection.signalingState).toBe('have-local-offer');
    await caller.leg.describe({ kind: 'answer', sdp: 'right', negotiation: 'caller-1' });
    await caller.leg.describe({ kind: 'answer', sdp: 'twice', negotiation: 'caller-1' });
    expect(caller.connection.remote.slice(1)).toEqual(['right']);
  });

  it('offers again at once when it is asked to, and only what is open', async () => {
    await talk();
    caller.leg.again();
    await settle();
    expect(caller.said).toEqual([]);
    caller.leg.restart();
    await settle();
    caller.leg.again();
    await settle();
    expect(caller.said).toEqual(['offer caller-1', 'offer caller-2']);
    expect(caller.descriptions[1]!.sdp).toContain('restart');
    await pass();
    await pass();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(caller.said).toEqual([]);
  });

  it('offers again what nobody answers', async () => {
    await talk();
    caller.leg.restart();
    await vi.advanceTimersByTimeAsync(7_999);
    expect(caller.said).toEqual(['offer caller-1']);
    await vi.advanceTimersByTimeAsync(1);
    expect(caller.said).toEqual(['offer caller-1', 'offer caller-2']);
    expect(caller.descriptions[1]!.sdp).toContain('restart');
    await pass(); // the first of them came late after all
    await pass();
    expect(caller.connection.signalingState).toBe('stable');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(caller.said).toEqual([]);
  });
});
