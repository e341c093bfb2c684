import { beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { FakeConnection } from './connection.fake';
import { Line } from './line';

/** Connection describes itself with a fingerprint, and has what it was told in force. */
class Connection extends FakeConnection {
  fingerprint = '';
  get currentLocalDescription() {
    return { sdp: described(this.fingerprint) };
  }
  get currentRemoteDescription() {
    return this.remote.length > 0 ? { sdp: this.remote.at(-1)! } : null;
  }
  getReceivers = () => [];
  override createOffer = () => Promise.resolve({ type: 'offer', sdp: described(this.fingerprint) });
  override createAnswer = () => Promise.resolve({ type: 'answer', sdp: described(this.fingerprint) });
}

const described = (fingerprint: string) => `v=0\r\na=fingerprint:sha-256 ${fingerprint}\r\nm=application 9 x 0\r\n`;

function lineOf(fingerprint: string): Line {
  return new Line({
    ice: () => [],
    relayOnly: () => false,
    connection: (config) => Object.assign(new Connection(config), { fingerprint }) as unknown as RTCPeerConnection,
    onCandidate: () => {},
    onDescription: () => {},
    onState: () => {},
    onLost: () => {},
    onNotice: () => {},
    holding: { hold: async () => {}, delivered: () => {}, undelivered: () => {} },
  });
}

describe('Line', () => {
  let ann: Line;
  let bob: Line;

  beforeEach(() => {
    [ann, bob] = [lineOf('AA:01'), lineOf('BB:02')];
    return () => [ann, bob].forEach((line) => line.close());
  });

  /** write begins a text call, in which nothing is negotiated later. */
  async function write(): Promise<void> {
    ann.connect(false);
    bob.connect(true);
    await ann.answered(await bob.answer(await ann.offer()));
    const { nonce } = ann.reveal();
    ann.began();
    bob.began(nonce);
    await vi.waitFor(() => [ann, bob].forEach((line) => expect(get(line.words)).not.toBeNull()));
  }

  it('has words to compare in a text call, the same on both sides', async () => {
    await write();
    expect(get(ann.words)).toHaveLength(4);
    expect(get(bob.words)).toEqual(get(ann.words));
  });

  it('keeps them while the far end stays, and warns when another is named', async () => {
    await write();
    const words = get(bob.words);
    await bob.described({ kind: 'offer', sdp: described('AA:01'), negotiation: '1' });
    expect(get(bob.words)).toEqual(words);
    await expect(bob.described({ kind: 'offer', sdp: described('EE:03'), negotiation: '2' })).rejects.toThrow('another end');
    expect(get(bob.words)).toBe('another');
    await bob.described({ kind: 'offer', sdp: described('AA:01'), negotiation: '3' });
    expect(get(bob.words)).toBe('another');
  });

  it('forgets them with the leg', async () => {
    await write();
    ann.drop();
    expect(get(ann.words)).toBeNull();
  });
});
