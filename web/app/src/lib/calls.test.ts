import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { brokenOff, mayMute, type CallFrame } from './call';
import { Calls, maySwap } from './calls';
import { FakeConnection } from './connection.fake';
import { Problem } from './errors';
import type { LiveCall } from './livecall';
import type { Ring } from './ringing';
import type { Reply, Request } from './socket';
import type * as wire from './wire';

class FakeMicrophone {
  static open = 0;
  static last: FakeMicrophone;
  enabled = true;
  onended = null;
  constructor() {
    FakeMicrophone.open++;
    FakeMicrophone.last = this;
  }
  stop(): void {
    FakeMicrophone.open--;
  }
  getTracks = () => [this];
  getAudioTracks = () => [this];
  clone = () => ({ getTracks: () => [] });
}

describe('Calls', () => {
  let calls: Calls;
  let posted: wire.ClientFrame[];
  let invites: { frame: Request; reply: (reply: Reply) => void; fail: (problem: Problem) => void }[];
  let microphone: () => Promise<MediaStream>;
  let relayOnly: boolean;
  let undelivered: string[];
  let held: Map<string, string>;
  let endedBeside: string[];

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000 });
    FakeConnection.all = [];
    FakeMicrophone.open = 0;
    posted = [];
    invites = [];
    undelivered = [];
    endedBeside = [];
    held = new Map();
    relayOnly = false;
    microphone = () => Promise.resolve(new FakeMicrophone() as unknown as MediaStream);
    let id = 0;
    calls = new Calls({
      post: (frame) => posted.push(frame),
      request: (frame) => new Promise((reply, fail) => invites.push({ frame, reply, fail })),
      ice: () => [{ urls: 'turn:relay' }],
      relayOnly: () => relayOnly,
      microphone: () => microphone(),
      connection: (config) => new FakeConnection(config) as unknown as RTCPeerConnection,
      newID: () => `call-${++id}`,
      onEndedBeside: ({ name, end }) => endedBeside.push(`${name} ${end?.reason}`),
      holding: {
        hold: async (to, { cid, text }) => void held.set(cid, `${to}: ${text}`),
        delivered: (cid) => void held.delete(cid),
        undelivered: (cids) => undelivered.push(...cids.map((cid) => held.get(cid)!)),
      },
    });
  });
  afterEach(() => vi.useRealTimers());

  const settle = () => vi.advanceTimersByTimeAsync(0);
  const current = () => get(calls.current)!;
  const now = () => get(calls.call)!;
  const types = () => posted.map((frame) => frame.type);
  const ring = (call: string): Ring => ({ call, from: 'bob', name: 'Bob', intent: 'call', offer: `their offer of ${call}`, silenced: false });

  async function take(...frames: CallFrame[]): Promise<void> {
    frames.forEach((frame) => calls.take(frame));
    await settle();
  }

  async function invite(intent: 'call' | 'text' | 'mailbox' | 'echo' = 'call'): Promise<void> {
    const started = calls.start('bob', 'Bob', intent);
    await settle();
    invites.at(-1)!.reply({ type: 'ok', re: '1' });
    await started;
  }

  async function talking(): Promise<FakeConnection> {
    await invite();
    await take({ type: 'call.alerting', call: 'call-1' }, { type: 'call.answered', call: 'call-1', answer: 'theirs', by: 'bob' });
    FakeConnection.last.become('connected');
    await take({ type: 'call.active', call: 'call-1' });
    const { negotiation } = posted.at(-1) as wire.CallDescription; // of the channels for private lines
    await take({ type: 'call.description', call: 'call-1', kind: 'answer', sdp: 'channels', negotiation: negotiation! });
    posted = posted.filter(({ type }) => type !== 'call.description');
    return FakeConnection.last;
  }

  describe('picking up', () => {
    const screen = { call: 'c9', from: 'bob', name: 'Bob' };

    it('takes the call away from the mailbox', async () => {
      await calls.pickUp(screen);
      expect(now()).toMatchObject({ id: 'c9', phase: 'connecting', incoming: true, joining: true });
      expect(posted).toEqual([{ type: 'call.pickup', call: 'c9' }]);
      await take({ type: 'call.granted', call: 'c9' }); // his offer is on its way
      await take({ type: 'call.granted', call: 'c9', offer: 'his new offer' });
      expect(FakeConnection.last.remote).toEqual(['his new offer']);
      expect(posted.at(-1)).toMatchObject({ type: 'call.accept', call: 'c9' });
      FakeConnection.last.become('connected');
      expect(types()).toContain('call.connected');
      await take({ type: 'call.active', call: 'c9' });
      expect(now()).toMatchObject({ phase: 'active', joining: false });
    });

    it('is asked again in a new session, until it is granted', async () => {
      await calls.pickUp(screen);
      calls.resumed();
      expect(types().filter((type) => type === 'call.pickup')).toHaveLength(2);
      await take({ type: 'call.granted', call: 'c9' });
      calls.resumed();
      expect(types().filter((type) => type === 'call.pickup')).toHaveLength(2);
    });

    it('may come too late', async () => {
      await calls.pickUp(screen);
      await take({ type: 'call.stop', call: 'c9', reason: 'message_left' });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'message_left' } });
      expect(FakeMicrophone.open).toBe(0);
    });

    it('gives the caller who speaks to the mailbox somebody to talk to', async () => {
      await invite();
      await take(
        { type: 'call.diverted', call: 'call-1', outcome: 'no_answer', mailbox: true, may_listen: true },
        { type: 'call.answered', call: 'call-1', answer: 'of the server' },
        { type: 'call.recording', call: 'call-1', phase: 'recording', elapsed_ms: 900 },
      );
      const server = FakeConnection.last;
      server.become('connected');
      expect(now().diversion?.mayListen).toBe(true);
      await take({ type: 'call.pickedup', call: 'call-1', by: 'bob', negotiation: '2' });
      expect(server.closed).toBe(true);
      expect(FakeMicrophone.open).toBe(1);
      expect(now()).toMatchObject({ phase: 'connecting', joining: true });
      expect(now().recording).toBeUndefined();
      expect(posted.find(({ type }) => type === 'call.description')).toMatchObject({ kind: 'offer', negotiation: '2' });
      await take({ type: 'call.answered', call: 'call-1', answer: 'his', by: 'bob' });
      expect(FakeConnection.last.remote).toEqual(['his']);
      FakeConnection.last.become('connected');
      expect(types()).toContain('call.connected');
    });

    it('crosses a caller who hangs up', async () => {
      await invite();
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'no_answer', mailbox: true }, { type: 'call.recording', call: 'call-1', phase: 'recording' });
      current().hangUp();
      const before = FakeConnection.all.length;
      await take({ type: 'call.pickedup', call: 'call-1', by: 'bob' });
      expect(FakeConnection.all).toHaveLength(before);
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup' });
      expect(now().phase).toBe('over');
    });
  });

  describe('calling', () => {
    it('goes from the invite to the conversation', async () => {
      const started = calls.start('bob', 'Bob', 'call');
      expect(now().phase).toBe('preparing');
      expect(calls.known()).toEqual([]); // the server does not know of it yet
      await settle();
      expect(now().phase).toBe('calling');
      expect(calls.known()).toEqual(['call-1']);
      expect(invites[0]!.frame).toEqual({ type: 'call.invite', call: 'call-1', to: 'bob', intent: 'call', offer: 'offer 1', screening: true });
      invites[0]!.reply({ type: 'ok', re: '1' });
      await started;
      await take({ type: 'call.alerting', call: 'call-1' });
      expect(now().phase).toBe('ringing');
      await take({ type: 'call.answered', call: 'call-1', answer: 'theirs', by: 'bob' });
      expect(now().phase).toBe('connecting');
      expect(FakeConnection.last.remote).toEqual(['theirs']);
      FakeConnection.last.become('connected');
      expect(types()).toEqual(['call.connected']);
      vi.setSystemTime(5_000);
      await take({ type: 'call.active', call: 'call-1' });
      expect(now()).toMatchObject({ phase: 'active', since: 5_000 });
      expect(calls.known()).toEqual(['call-1']);
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup', duration_ms: 7 });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'hangup', durationMs: 7 } });
      expect(FakeConnection.last.closed).toBe(true);
      expect(FakeMicrophone.open).toBe(0);
      expect(calls.known()).toEqual([]);
      await vi.advanceTimersByTimeAsync(7_000);
      expect(get(calls.call)).toBeNull();
    });

    it('puts the other on hold and goes on, muted as before', async () => {
      await talking();
      current().silence.mute(true);
      current().silence.hold(true);
      expect(now()).toMatchObject({ holding: true, muted: true });
      current().silence.mute(false);
      expect(FakeMicrophone.last.enabled).toBe(false);
      await take({ type: 'call.hold', call: 'call-1', held: true });
      expect(now().theirHolding).toBe(true);
      posted = [];
      calls.resumed();
      expect(posted).toContainEqual({ type: 'call.hold', call: 'call-1', held: true });
      current().silence.hold(false);
      expect(FakeMicrophone.last.enabled).toBe(true);
      expect(posted.at(-1)).toEqual({ type: 'call.hold', call: 'call-1', held: false });
    });

    it('says the rest of a conversation that broke off as a message of the same call', async () => {
      const leg = await talking();
      current().silence.hold(true);
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'lost', mailbox: true, ask: true });
      expect(now()).toMatchObject({ phase: 'diverted', holding: false, diversion: { asks: true } });
      expect(leg.closed).toBe(true);
      expect(FakeMicrophone.open).toBe(0);
      posted = [];
      current().divert();
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'lost', mailbox: true, reoffer: true });
      expect(FakeMicrophone.open).toBe(1);
      expect(FakeMicrophone.last.enabled).toBe(true);
      await vi.waitFor(() => expect(types()).toEqual(['call.divert', 'call.description'])); // its words take their time
      expect(now().diversion?.asks).toBe(false);
    });

    it('lets a server that asks for the rest bring nobody else, and open no microphone', async () => {
      await talking();
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'lost', mailbox: true, ask: true });
      posted = [];
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'lost', mailbox: true, reoffer: true });
      expect(now().diversion?.asks).toBe(true);
      current().divert();
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'lost', mailbox: true, reoffer: true });
      await vi.waitFor(() => expect(FakeMicrophone.open).toBe(1));
      for (const type of ['call.pickedup', 'call.answered'] as const) {
        await take({ type, call: 'call-1', by: 'bob', answer: 'of whoever' } as never);
      }
      await take({ type: 'call.granted', call: 'call-1' });
      await take({ type: 'call.active', call: 'call-1' });
      expect(now().phase).toBe('diverted');
    });

    it('tests the sound with the server, and lets go of it at once', async () => {
      await invite('echo');
      await take({ type: 'call.answered', call: 'call-1', answer: 'of the server' });
      expect(FakeConnection.last.remote).toEqual(['of the server']);
      FakeConnection.last.become('connected');
      await take({ type: 'call.recording', call: 'call-1', phase: 'recording', level: 30, elapsed_ms: 1_000, limit_ms: 5_000 });
      expect(now()).toMatchObject({ phase: 'recording', recording: { level: 30 } });
      await take({ type: 'call.recording', call: 'call-1', phase: 'playback' });
      expect(now().phase).toBe('playback');
      expect(types()).toEqual([]); // nobody has to be told that it is up
      current().hangUp();
      expect(types()).toEqual(['call.hangup']);
      expect(FakeConnection.last.closed).toBe(true);
      expect(FakeMicrophone.open).toBe(0);
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup' });
      expect(now().phase).toBe('over');
    });

    it('sends candidates with the invite, and keeps theirs until the answer', async () => {
      void calls.start('bob', 'Bob', 'call');
      await settle();
      expect(invites).toHaveLength(1);
      FakeConnection.last.gather('mine');
      expect(posted).toEqual([{ type: 'call.candidate', call: 'call-1', candidate: 'mine', mid: '0' }]);
      await take({ type: 'call.candidate', call: 'call-1', candidate: 'theirs' });
      expect(FakeConnection.last.candidates).toEqual([]);
      await take({ type: 'call.answered', call: 'call-1', answer: 'a', by: 'bob' });
      expect(FakeConnection.last.candidates).toEqual(['theirs']);
    });

    it('tells its part of the words when media is up and the callee has told its own', async () => {
      await invite();
      await take({ type: 'call.answered', call: 'call-1', answer: `v=0\r\na=parley-nonce:${'1'.repeat(64)}\r\n`, by: 'bob' });
      FakeConnection.last.become('connected');
      expect(posted).toMatchObject([{ type: 'call.connected', nonce: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
      const [first] = posted;
      posted = [];
      calls.resumed();
      expect(posted).toContainEqual(first);
    });

    it('sends no invite without a microphone', async () => {
      microphone = () => Promise.reject(new Problem('microphone', 'It is blocked.'));
      await expect(calls.start('bob', 'Bob', 'call')).rejects.toThrow('It is blocked.');
      expect(invites).toEqual([]);
      expect(get(calls.call)).toBeNull();
    });

    it('leaves nothing behind when the invite is refused', async () => {
      const started = calls.start('bob', 'Bob', 'call');
      const refused = expect(started).rejects.toThrow('Only contacts.');
      await settle();
      invites[0]!.fail(new Problem('not_contact', 'Only contacts.'));
      await refused;
      expect(get(calls.call)).toBeNull();
      expect(FakeMicrophone.open).toBe(0);
      expect(FakeConnection.last.closed).toBe(true);
    });

    it('refuses a second call with a sentence', async () => {
      await invite();
      await expect(calls.start('ann', 'Ann', 'call')).rejects.toMatchObject({ code: 'already_in_call' });
      expect(now().with).toBe('bob');
    });

    it('closes a microphone that opens after the person gave up', async () => {
      let open = (_: MediaStream) => {};
      microphone = () => new Promise((resolve) => (open = resolve));
      const started = calls.start('bob', 'Bob', 'call');
      current().hangUp();
      expect(get(calls.call)).toBeNull();
      open(new FakeMicrophone() as unknown as MediaStream);
      await started;
      expect(FakeMicrophone.open).toBe(0);
      expect(posted).toEqual([]);
      expect(invites).toEqual([]);
    });

    it('hides the address when asked to', async () => {
      relayOnly = true;
      await invite();
      expect(FakeConnection.last.config).toMatchObject({ iceTransportPolicy: 'relay', iceServers: [{ urls: 'turn:relay' }] });
    });

    it('ends by itself when the server never says the last word', async () => {
      await invite();
      current().hangUp();
      current().hangUp();
      expect(types()).toEqual(['call.hangup']);
      expect(now().phase).toBe('ending');
      expect(FakeMicrophone.open).toBe(0);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(now().phase).toBe('over');
    });

    it('ignores frames of other calls, and of its own after the end', async () => {
      await invite();
      await take({ type: 'call.ended', call: 'other', reason: 'hangup' });
      expect(now().phase).toBe('calling');
      await take({ type: 'call.ended', call: 'call-1', reason: 'offline' }, { type: 'call.active', call: 'call-1' });
      expect(now().phase).toBe('over');
    });

    it('is over when the server does not know the call, and only then', async () => {
      await invite();
      calls.take({ type: 'error', call: 'call-1', code: 'rate_limited', message: '' });
      expect(now().phase).toBe('calling');
      calls.take({ type: 'error', call: 'call-1', code: 'no_such_call', message: '' });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'lost' } });
    });
  });

  describe('leaving a message', () => {
    const diverted: CallFrame = { type: 'call.diverted', call: 'call-1', outcome: 'no_answer', mailbox: true };

    it('is taken by the server on the same offer', async () => {
      await invite();
      await take({ type: 'call.alerting', call: 'call-1' }, diverted);
      expect(now()).toMatchObject({ phase: 'diverted', diversion: { outcome: 'no_answer', mailbox: true } });
      await take({ type: 'call.answered', call: 'call-1', answer: 'server' });
      expect(FakeConnection.all).toHaveLength(1);
      expect(FakeConnection.last.remote).toEqual(['server']);
      FakeConnection.last.become('connected');
      expect(types()).not.toContain('call.connected');
      await take({ type: 'call.recording', call: 'call-1', phase: 'greeting' });
      expect(now().phase).toBe('greeting');
      current().divert();
      await take({ type: 'call.recording', call: 'call-1', phase: 'recording', level: 40, elapsed_ms: 900, limit_ms: 180_000 });
      expect(now()).toMatchObject({ phase: 'recording', recording: { level: 40, elapsedMs: 900, limitMs: 180_000 } });
      current().hangUp();
      expect(types()).toEqual(['call.divert', 'call.hangup']);
      await take({ type: 'call.ended', call: 'call-1', reason: 'message_left', mid: 'm' });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'message_left' } });
    });

    it('makes a new offer when the first was used', async () => {
      await invite();
      await take({ type: 'call.answered', call: 'call-1', answer: 'theirs', by: 'bob' });
      const [first] = FakeConnection.all;
      await take({ ...diverted, outcome: 'unreachable', reoffer: true } as CallFrame);
      expect(first!.closed).toBe(true);
      expect(posted).toContainEqual({ type: 'call.description', call: 'call-1', kind: 'offer', sdp: 'offer 2' });
      FakeConnection.last.gather('new');
      expect(posted.at(-1)).toMatchObject({ type: 'call.candidate', candidate: 'new' });
      await take({ type: 'call.answered', call: 'call-1', answer: 'server' });
      expect(FakeConnection.last.remote).toEqual(['server']);
      expect(first!.remote).toEqual(['theirs']);
      expect(FakeMicrophone.open).toBe(1);
    });

    it('discards with a frame of its own', async () => {
      await invite('mailbox');
      await take({ ...diverted, outcome: 'mailbox' } as CallFrame, { type: 'call.recording', call: 'call-1', phase: 'recording' });
      current().discard();
      expect(types()).toEqual(['call.discard']);
      expect(FakeMicrophone.open).toBe(0);
    });

    it.each(['discard', 'hangUp'] as const)('keeps the line to the server after %s until the server has answered', async (leave) => {
      await invite('mailbox');
      await take({ ...diverted, outcome: 'mailbox' } as CallFrame, { type: 'call.recording', call: 'call-1', phase: 'recording' });
      current()[leave]();
      expect(FakeMicrophone.open).toBe(0);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(now().phase).toBe('ending');
      expect(FakeConnection.last.closed).toBe(false);
      await take({ type: 'call.ended', call: 'call-1', reason: leave === 'discard' ? 'discarded' : 'message_left' });
      expect(FakeConnection.last.closed).toBe(true);
    });

    it('says that it is muted since before, and can be opened', async () => {
      await invite();
      await take({ type: 'call.answered', call: 'call-1', answer: 'theirs', by: 'bob' });
      current().silence.mute(true);
      await take({ ...diverted, outcome: 'unreachable', reoffer: true } as CallFrame, { type: 'call.answered', call: 'call-1', answer: 'server' });
      await take({ type: 'call.recording', call: 'call-1', phase: 'recording', level: 0 });
      expect(FakeMicrophone.last.enabled).toBe(false); // nothing but the person opens it
      expect(mayMute(now())).toBe(true);
      current().silence.mute(false);
      expect(FakeMicrophone.last.enabled).toBe(true);
      expect(mayMute(now())).toBe(false); // there is a pause for that
    });

    describe('throwing it away', () => {
      it('is not undone by a leg that closes first when another call is answered', async () => {
        await invite('mailbox');
        await take(
          { type: 'call.diverted', call: 'call-1', outcome: 'mailbox' as wire.Outcome, mailbox: true },
          { type: 'call.answered', call: 'call-1', answer: 'of the server' },
          { type: 'call.recording', call: 'call-1', phase: 'recording', elapsed_ms: 900 },
        );
        const leg = FakeConnection.last;
        current().throwAway();
        await calls.answer(ring('theirs'));
        expect(types()).toContain('call.discard');
        expect(FakeMicrophone.open).toBe(1); // of the new one
        expect(leg.closed).toBe(false);
        expect(calls.known()).toEqual(['theirs', 'call-1']);
        await take({ type: 'call.ended', call: 'call-1', reason: 'discarded' });
        expect(leg.closed).toBe(true);
        expect(endedBeside).toEqual([]);
        expect(now().id).toBe('theirs');
      });

      const recording: CallFrame = { type: 'call.recording', call: 'call-1', phase: 'recording', elapsed_ms: 900 };

      async function speak(): Promise<void> {
        await invite('mailbox');
        await take({ ...diverted, outcome: 'mailbox' } as CallFrame, { type: 'call.answered', call: 'call-1', answer: 'server' }, recording);
        current().throwAway();
      }

      it('pauses, and discards after a moment', async () => {
        await speak();
        expect(now()).toMatchObject({ discarding: true });
        expect(FakeMicrophone.last.enabled).toBe(false);
        await vi.advanceTimersByTimeAsync(4_999);
        expect(posted).toEqual([{ type: 'call.record', call: 'call-1', action: 'pause' }]);
        await vi.advanceTimersByTimeAsync(1);
        expect(types()).toEqual(['call.record', 'call.discard']);
        expect(now().phase).toBe('ending');
      });

      it('can be taken back, and what is said then is heard', async () => {
        await speak();
        await take({ ...recording, phase: 'paused' } as CallFrame);
        current().undo();
        await vi.advanceTimersByTimeAsync(60_000);
        expect(types()).toEqual(['call.record']);
        expect(now()).toMatchObject({ phase: 'paused', discarding: false });
        expect(FakeMicrophone.last.enabled).toBe(true);
      });

      it('is not sent after all when the page goes, or another call is answered', async () => {
        await speak();
        calls.left();
        expect(types()).toEqual(['call.record', 'call.discard']);
      });

      it('is the end, also for somebody who picks up meanwhile', async () => {
        await speak();
        await take({ type: 'call.pickedup', call: 'call-1', by: 'bob' });
        expect(types().at(-1)).toBe('call.hangup');
        expect(FakeMicrophone.open).toBe(0);
        expect(now().phase).toBe('ending');
      });
    });

    it('hangs up when there is nothing to discard yet', async () => {
      await invite();
      await take(diverted);
      current().discard();
      expect(types()).toEqual(['call.hangup']);
    });

    it('shows that nothing can be left', async () => {
      await invite();
      await take({ ...diverted, mailbox: false } as CallFrame, { type: 'call.ended', call: 'call-1', reason: 'no_answer' });
      expect(now()).toMatchObject({ phase: 'over', diversion: { mailbox: false } });
    });
  });

  describe('writing privately', () => {
    it('needs no microphone, and offers a channel', async () => {
      microphone = () => Promise.reject(new Problem('microphone', 'There is none.'));
      await invite('text');
      expect(invites[0]!.frame).toMatchObject({ intent: 'text' });
      expect(FakeConnection.last.channels.map(({ label, protocol }) => `${label} ${protocol}`)).toEqual(['lines parley.lines', 'typing t140']);
      await take({ type: 'call.diverted', call: 'call-1', outcome: 'no_answer', mailbox: false }, { type: 'call.ended', call: 'call-1', reason: 'no_answer' });
      expect(now()).toMatchObject({ phase: 'over', diversion: { mailbox: false } });
    });

    it('is answered without a microphone', async () => {
      microphone = () => Promise.reject(new Problem('microphone', 'There is none.'));
      await calls.answer({ ...ring('theirs'), intent: 'text' });
      expect(now()).toMatchObject({ intent: 'text', phase: 'connecting' });
    });

    it('opens its channels in a call once it is one', async () => {
      const connection = await talking();
      expect(connection.channels).toHaveLength(2);
    });

    it('hands over what was not acknowledged, and keeps the lines to be read', async () => {
      const connection = await talking();
      connection.channels[0]!.become('open');
      expect(current().line.chat.send('did you get it?')).toBe(true);
      await take({ type: 'call.ended', call: 'call-1', reason: 'lost' });
      expect(undelivered).toEqual(['bob: did you get it?']);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(now().phase).toBe('over');
      const { lines } = current().line.chat;
      current().dismiss();
      expect(get(lines)).toEqual([]);
      expect(get(calls.current)).toBeNull();
    });
  });

  describe('answering', () => {
    it('asks for the call and sends candidates once it is granted', async () => {
      await calls.answer(ring('theirs'));
      expect(posted).toEqual([{ type: 'call.accept', call: 'theirs', answer: 'answer 1 to their offer of theirs' }]);
      FakeConnection.last.gather('mine');
      expect(posted).toHaveLength(1);
      await take({ type: 'call.granted', call: 'theirs' });
      expect(posted.at(-1)).toMatchObject({ type: 'call.candidate', candidate: 'mine' });
      FakeConnection.last.become('connected');
      await take({ type: 'call.active', call: 'theirs' });
      expect(types().at(-1)).toBe('call.connected');
      expect(now()).toMatchObject({ phase: 'active', incoming: true, name: 'Bob' });
    });

    const accept = { type: 'call.accept', call: 'theirs', answer: 'answer 1 to their offer of theirs' };

    it('asks again after the connection was lost, until it is granted', async () => {
      await calls.answer(ring('theirs'));
      posted = [];
      calls.resumed();
      expect(posted).toContainEqual(accept);
      await take({ type: 'call.granted', call: 'theirs' });
      posted = [];
      calls.resumed();
      expect(posted).not.toContainEqual(accept);
    });

    it('asks again a server that was about to stop', async () => {
      await calls.answer(ring('theirs'));
      calls.take({ type: 'error', call: 'theirs', code: 'unavailable', message: '' });
      expect(now().phase).toBe('connecting');
      posted = [];
      calls.resumed();
      expect(posted).toContainEqual(accept);
    });

    it('is over when its answer is refused, and rings on elsewhere', async () => {
      await calls.answer(ring('theirs'));
      calls.take({ type: 'error', call: 'theirs', code: 'media_refused', message: '' });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'unreachable' } });
      expect(FakeMicrophone.open).toBe(0);
      expect(types()).toEqual(['call.accept']);
    });

    it('tells the server when it is given up before the microphone opens, but not when the page goes', async () => {
      let open = (_: MediaStream) => {};
      microphone = () => new Promise((resolve) => (open = resolve));
      const answering = calls.answer(ring('theirs'));
      calls.left();
      expect(posted).toEqual([]);
      current().hangUp();
      expect(posted).toEqual([{ type: 'call.hangup', call: 'theirs' }]);
      await take({ type: 'call.stop', call: 'theirs', reason: 'declined' });
      expect(now().phase).toBe('over');
      open(new FakeMicrophone() as unknown as MediaStream);
      await answering;
      expect(FakeMicrophone.open).toBe(0);
      posted = [];
      calls.resumed();
      expect(posted).toEqual([]);
    });

    it('goes on when Answer is pressed twice', async () => {
      const both = Promise.all([calls.answer(ring('theirs')), calls.answer(ring('theirs'))]);
      expect(await both).toEqual([true, false]);
      expect(types()).toEqual(['call.accept']);
      expect(now().phase).toBe('connecting');
    });

    it('answers a commitment with its part of the words, and is told what was committed to', async () => {
      const offer = `v=0\r\na=parley-commitment:${'0'.repeat(64)}\r\nm=audio 9 x 0\r\n`;
      await calls.answer({ ...ring('theirs'), offer });
      expect(posted).toMatchObject([{ type: 'call.accept', answer: expect.stringMatching(/^a=parley-nonce:[0-9a-f]{64}\r$/m) }]);
      const began = vi.spyOn(current().line, 'began');
      await take({ type: 'call.granted', call: 'theirs' });
      FakeConnection.last.become('connected');
      expect(posted.at(-1)).toEqual({ type: 'call.connected', call: 'theirs' });
      await take({ type: 'call.active', call: 'theirs', nonce: 'of the caller' });
      expect(began).toHaveBeenCalledWith('of the caller');
    });

    it('says that another device was quicker', async () => {
      await calls.answer(ring('theirs'));
      await take({ type: 'call.stop', call: 'theirs', reason: 'accepted_elsewhere' });
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'accepted_elsewhere' } });
      expect(FakeMicrophone.open).toBe(0);
    });

    it('ends what it was doing', async () => {
      await invite('mailbox');
      await calls.answer(ring('theirs'));
      expect(posted[0]).toEqual({ type: 'call.hangup', call: 'call-1' });
      expect(now()).toMatchObject({ id: 'theirs', phase: 'connecting' });
      expect(FakeMicrophone.open).toBe(1);
    });

    it('keeps no call without a microphone', async () => {
      microphone = () => Promise.reject(new Problem('microphone', 'It is blocked.'));
      await expect(calls.answer(ring('theirs'))).rejects.toThrow('It is blocked.');
      expect(posted).toEqual([]);
      expect(get(calls.call)).toBeNull();
    });

    it('answers at once, with the microphone open and still muted, a call that crossed its own', async () => {
      await invite();
      expect([calls.inviting('call-1'), calls.inviting('theirs')]).toEqual([true, false]);
      current().silence.mute(true);
      await calls.cross(ring('theirs'));
      expect(FakeConnection.all[0]!.closed).toBe(true);
      expect(FakeMicrophone.open).toBe(1);
      expect(now()).toMatchObject({ id: 'theirs', phase: 'connecting', muted: true });
      expect(FakeMicrophone.last.enabled).toBe(false);
      expect(posted.at(-1)).toMatchObject({ type: 'call.accept', call: 'theirs' });
      await take({ type: 'call.ended', call: 'call-1', reason: 'busy' });
      expect(now().phase).toBe('connecting');
    });
  });

  describe('talking', () => {
    const offers = () => posted.filter((frame) => frame.type === 'call.description').map(({ kind, sdp }) => `${kind}: ${sdp}`);

    it('restores a broken connection, after a moment', async () => {
      const connection = await talking();
      connection.become('disconnected');
      expect(now().interrupted).toBe(true);
      await vi.advanceTimersByTimeAsync(2_999);
      expect(offers()).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(offers()).toEqual(['offer: offer 1 restart']);
      const { negotiation } = posted.at(-1) as wire.CallDescription;
      await take({ type: 'call.description', call: 'call-1', kind: 'answer', sdp: 'restarted', negotiation: negotiation! });
      expect(connection.remote).toEqual(['theirs', 'channels', 'restarted']);
      connection.become('connected');
      expect(now().interrupted).toBe(false);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(now().phase).toBe('active');
      expect(offers()).toHaveLength(1);
    });

    it('waits a little longer as the callee, and answers the restart of the caller', async () => {
      await calls.answer(ring('theirs'));
      await take({ type: 'call.granted', call: 'theirs' });
      FakeConnection.last.become('connected');
      await take({ type: 'call.active', call: 'theirs' });
      FakeConnection.last.become('disconnected');
      await vi.advanceTimersByTimeAsync(4_000);
      expect(offers()).toEqual([]);
      await take({ type: 'call.description', call: 'theirs', kind: 'offer', sdp: 'again', negotiation: 'n' });
      expect(posted.at(-1)).toEqual({ type: 'call.description', call: 'theirs', kind: 'answer', sdp: 'answer 1 to again', negotiation: 'n' });
      await vi.advanceTimersByTimeAsync(500);
      expect(offers()).toEqual(['answer: answer 1 to again', 'offer: offer 1 restart']);
    });

    it('looks for new paths at once in another network', async () => {
      const connection = await talking();
      calls.moved();
      await settle();
      expect(offers()).toEqual(['offer: offer 1 restart']);
      expect(now().interrupted).toBe(false); // what flows goes on
      expect(connection.closed).toBe(false);
    });

    it('is given no other far end', async () => {
      const connection = await talking();
      await take(
        { type: 'call.diverted', call: 'call-1', outcome: 'unreachable', mailbox: true, reoffer: true },
        { type: 'call.pickedup', call: 'call-1', by: 'bob' },
        { type: 'call.granted', call: 'call-1', offer: 'of somebody else' },
      );
      expect(now().phase).toBe('active');
      expect(FakeConnection.last).toBe(connection);
      expect(connection.closed).toBe(false);
      expect(calls.inviting('call-1')).toBe(false); // nor does a ring take its place
    });

    it('survives a description that the browser refuses', async () => {
      const connection = await talking();
      connection.refuse = (what) => what === 'remote nonsense';
      await take({ type: 'call.description', call: 'call-1', kind: 'offer', sdp: 'nonsense' });
      expect(now().phase).toBe('active');
    });

    it('says again what a new session may not know, and never unmutes by itself', async () => {
      const connection = await talking();
      current().silence.mute(true);
      connection.become('failed');
      posted = [];
      calls.resumed();
      await settle();
      expect(posted).toMatchObject([{ type: 'call.mute', muted: true }, { type: 'call.hold', held: false }, { type: 'call.description', kind: 'offer' }]);
      connection.become('connected');
      expect(now()).toMatchObject({ muted: true, interrupted: false });
      expect(FakeMicrophone.last.enabled).toBe(false);
    });

    it('opens a muted microphone for as long as something is held down', async () => {
      await talking();
      current().silence.talk(true);
      current().silence.talk(false);
      expect(now().muted).toBe(false);
      current().silence.mute(true);
      current().silence.talk(true);
      current().silence.talk(true); // keys repeat
      expect(FakeMicrophone.last.enabled).toBe(true);
      current().silence.talk(false);
      current().silence.talk(false);
      expect(now().muted).toBe(true);
      expect(FakeMicrophone.last.enabled).toBe(false);
    });

    it('leaves the next call as it is when what was held down is let go', async () => {
      await calls.answer(ring('theirs'));
      current().silence.mute(true);
      current().silence.talk(true);
      await calls.answer(ring('next'));
      current().silence.talk(false);
      expect(now()).toMatchObject({ id: 'next', muted: false });
    });

    it('tells at the beginning that it is muted already', async () => {
      await calls.answer(ring('theirs'));
      current().silence.mute(true);
      posted = [];
      await take({ type: 'call.granted', call: 'theirs' }, { type: 'call.active', call: 'theirs' });
      expect(posted).toEqual([{ type: 'call.mute', call: 'theirs', muted: true }]);
    });

    it('gives up in the end, says so, and offers to finish as a message for a minute', async () => {
      (await talking()).become('failed');
      await vi.advanceTimersByTimeAsync(45_000);
      expect(types().at(-1)).toBe('call.hangup');
      expect(now()).toMatchObject({ phase: 'over', end: { reason: 'lost' } });
      expect(brokenOff(now())).toBe(true);
      await vi.advanceTimersByTimeAsync(59_000);
      expect(brokenOff(now())).toBe(true);
      const finished = calls.start('bob', 'Bob', 'mailbox');
      await settle();
      expect(invites.at(-1)!.frame).toMatchObject({ to: 'bob', intent: 'mailbox' });
      invites.at(-1)!.reply({ type: 'ok', re: '2' });
      await finished;
    });

    it('offers the same when the other side gave up first', async () => {
      (await talking()).become('failed');
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup', duration_ms: 9_000 });
      expect(now()).toMatchObject({ end: { reason: 'lost' } });
      expect(brokenOff(now())).toBe(true);
    });

    it('offers nothing more of a call that somebody has ended', async () => {
      await talking();
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup', duration_ms: 9_000 });
      expect(brokenOff(now())).toBe(false);
    });

    it('goes through the relay when the server asks for it', async () => {
      await invite();
      await take({ type: 'call.answered', call: 'call-1', answer: 'theirs', by: 'bob' });
      await take({ type: 'call.description', call: 'call-1', kind: 'offer', sdp: '', restart: true });
      await settle();
      expect(FakeConnection.last.config.iceTransportPolicy).toBe('relay');
      expect(posted.at(-1)).toMatchObject({ type: 'call.description', kind: 'offer', sdp: 'offer 1 restart' });
    });

    it('mutes the microphone and tells so; theirs is shown', async () => {
      await talking();
      const track = FakeMicrophone.last;
      current().silence.mute(true);
      expect(track.enabled).toBe(false);
      expect(posted.at(-1)).toEqual({ type: 'call.mute', call: 'call-1', muted: true });
      await take({ type: 'call.mute', call: 'call-1', muted: true });
      expect(now()).toMatchObject({ muted: true, theirMuted: true });
      current().silence.mute(false);
      expect(track.enabled).toBe(true);
    });
  });

  describe('a server that was away', () => {
    async function talk(): Promise<void> {
      const answering = calls.answer(ring('c'));
      await settle();
      await answering;
      await take({ type: 'call.granted', call: 'c' });
      FakeConnection.last.become('connected');
      await take({ type: 'call.active', call: 'c' });
      posted.length = 0;
    }

    it('is told what the microphone is, and changes nothing about it', async () => {
      await talk();
      current().silence.mute(true);
      posted.length = 0;
      calls.resumed();
      expect(posted).toEqual([
        { type: 'call.mute', call: 'c', muted: true },
        { type: 'call.hold', call: 'c', held: false },
      ]);
      await take({ type: 'call.active', call: 'c' }, { type: 'call.mute', call: 'c', muted: false });
      expect(now()).toMatchObject({ phase: 'active', muted: true, theirMuted: false });
    });

    it('is told again that media is up, and may tell the answer again', async () => {
      void calls.start('bob', 'Bob', 'call');
      await settle();
      invites[0]!.reply({ type: 'ok', re: '1' });
      await take({ type: 'call.answered', call: 'call-1', answer: 'their answer', by: 'bob' });
      FakeConnection.last.become('connected');
      posted.length = 0;
      calls.resumed();
      expect(types()).toEqual(['call.connected', 'call.mute']);
      await take({ type: 'call.answered', call: 'call-1', answer: 'their answer', by: 'bob' });
      expect(FakeConnection.last.remote).toEqual(['their answer']);
      expect(now().phase).toBe('connecting');
    });

    it('does not interrupt a call whose sound goes on', async () => {
      await talk();
      await take({ type: 'call.reconnecting', call: 'c' });
      expect(now()).toMatchObject({ phase: 'active', interrupted: false, theirLineLost: true });
      await take({ type: 'call.active', call: 'c' });
      expect(now().theirLineLost).toBe(false);
    });

    it('says nothing of a sound that is gone', async () => {
      await talk();
      FakeConnection.last.become('disconnected');
      await take({ type: 'call.active', call: 'c' });
      expect(now().interrupted).toBe(true);
    });

    it('is told again of a call that was ended meanwhile', async () => {
      await talk();
      current().hangUp();
      await vi.advanceTimersByTimeAsync(6_000);
      expect(now().phase).toBe('over');
      posted.length = 0;
      calls.resumed();
      expect(posted).toEqual([{ type: 'call.hangup', call: 'c' }]);
      calls.take({ type: 'call.ended', call: 'c', reason: 'hangup' });
      posted.length = 0;
      calls.resumed();
      expect(posted).toEqual([]);
    });
  });

  describe('two at once', () => {
    /** holds: talking to Bob, and with him on hold to somebody else. */
    async function both(intent = 'call'): Promise<[LiveCall, LiveCall]> {
      await talking();
      const first = current();
      await calls.answer({ ...ring('theirs'), from: 'cem', name: 'Cem', intent }, true);
      await take({ type: 'call.granted', call: 'theirs' });
      FakeConnection.last.become('connected');
      await take({ type: 'call.active', call: 'theirs' });
      return [first, current()];
    }

    const holds = () => posted.filter((frame) => frame.type === 'call.hold').map(({ call, held }) => `${call} ${held}`);
    const state = (one: LiveCall) => get(one.call)!;

    it('puts the first on hold and answers the second', async () => {
      const [bob, cem] = await both();
      expect(holds()).toEqual(['call-1 true']);
      expect(types()).not.toContain('call.hangup');
      expect(get(calls.beside)).toBe(bob);
      expect(state(bob)).toMatchObject({ phase: 'active', holding: true });
      expect(state(cem)).toMatchObject({ id: 'theirs', phase: 'active', holding: false });
      expect(FakeMicrophone.open).toBe(2);
      expect(calls.known()).toEqual(['theirs', 'call-1']);
      expect(maySwap(now())).toBe(true);
    });

    it('swaps them, and each side is told', async () => {
      const [bob, cem] = await both();
      posted = [];
      calls.swap();
      expect(holds()).toEqual(['theirs true', 'call-1 false']);
      expect(current()).toBe(bob);
      expect(get(calls.beside)).toBe(cem);
      expect(now()).toMatchObject({ id: 'call-1', holding: false });
    });

    it('goes back to the one on hold when this side ends the other', async () => {
      const [bob] = await both();
      posted = [];
      current().hangUp();
      await take({ type: 'call.ended', call: 'theirs', reason: 'hangup' });
      expect(current()).toBe(bob);
      expect(get(calls.beside)).toBeNull();
      expect(holds()).toEqual(['call-1 false']);
      expect(FakeMicrophone.open).toBe(1);
      expect(FakeMicrophone.last.enabled).toBe(true);
    });

    it('shows how the other ended before it goes back, and opens no microphone by itself', async () => {
      const [bob] = await both();
      posted = [];
      await take({ type: 'call.ended', call: 'theirs', reason: 'hangup' });
      expect(now()).toMatchObject({ id: 'theirs', phase: 'over' });
      expect(get(calls.busy)).toBe(true);
      await vi.advanceTimersByTimeAsync(7_000);
      expect(current()).toBe(bob);
      expect(now()).toMatchObject({ id: 'call-1', holding: true });
      expect(holds()).toEqual([]);
    });

    it('goes back by a press, too', async () => {
      const [bob] = await both();
      await take({ type: 'call.ended', call: 'theirs', reason: 'hangup' });
      calls.swap();
      expect(current()).toBe(bob);
      expect(now().holding).toBe(false);
      expect(get(calls.beside)).toBeNull();
    });

    it('says it when the one on hold ends', async () => {
      const [, cem] = await both();
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup', duration_ms: 3_000 });
      expect(endedBeside).toEqual(['Bob hangup']);
      expect(get(calls.beside)).toBeNull();
      expect(current()).toBe(cem);
      expect(now().phase).toBe('active');
      expect(FakeMicrophone.open).toBe(1);
    });

    it('keeps private lines of the one on hold to be read', async () => {
      await talking();
      FakeConnection.last.channels[0]!.become('open');
      const first = current();
      expect(first.line.chat.send('later')).toBe(true);
      await calls.answer(ring('theirs'), true);
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup' });
      expect(get(calls.beside)).toBe(first);
      first.dismiss();
      expect(get(calls.beside)).toBeNull();
    });

    it('tells a new session of both, on hold or not', async () => {
      await both();
      posted = [];
      calls.resumed();
      expect(holds()).toEqual(['theirs false', 'call-1 true']);
    });

    it('holds one, and ends the other for a third', async () => {
      const [bob] = await both();
      posted = [];
      await calls.answer({ ...ring('third'), from: 'dan' }, true);
      expect(posted[0]).toEqual({ type: 'call.hangup', call: 'theirs' });
      expect(get(calls.beside)).toBe(bob);
      expect(now().id).toBe('third');
    });

    it('ends instead what cannot be put on hold', async () => {
      await invite();
      await calls.answer(ring('theirs'), true);
      expect(posted[0]).toEqual({ type: 'call.hangup', call: 'call-1' });
      expect(get(calls.beside)).toBeNull();
    });

    it('begins no third, and both end with the page', async () => {
      await both();
      await expect(calls.start('dan', 'Dan', 'call')).rejects.toMatchObject({ code: 'already_in_call' });
      posted = [];
      calls.left();
      expect(posted).toEqual([
        { type: 'call.hangup', call: 'theirs' },
        { type: 'call.hangup', call: 'call-1' },
      ]);
    });

    it('keeps nothing open that was held down when the other came to the front', async () => {
      await talking();
      const bob = current();
      bob.silence.mute(true);
      bob.silence.talk(true);
      await calls.answer(ring('theirs'), true);
      await take({ type: 'call.granted', call: 'theirs' });
      FakeConnection.last.become('connected');
      await take({ type: 'call.active', call: 'theirs' });
      expect(state(bob)).toMatchObject({ muted: true, holding: true });
      const cem = current();
      cem.silence.mute(true);
      cem.silence.talk(true);
      calls.swap();
      current().silence.talk(false); // the key comes up over the other
      calls.swap();
      expect(state(cem)).toMatchObject({ muted: true, holding: false });
      expect(FakeMicrophone.last.enabled).toBe(false);
      expect(posted.filter(({ type }) => type === 'call.mute').at(-1)).toEqual({ type: 'call.mute', call: 'theirs', muted: true });
    });

    it('says it when a message came to nothing that this side has ended', async () => {
      const [bob] = await both();
      await take({ type: 'call.diverted', call: 'theirs', outcome: 'lost', mailbox: true, ask: true });
      current().divert();
      await take({ type: 'call.diverted', call: 'theirs', outcome: 'lost', mailbox: true, reoffer: true }, { type: 'call.recording', call: 'theirs', phase: 'recording', elapsed_ms: 9_000 });
      current().hangUp();
      expect(endedBeside).toEqual([]);
      await take({ type: 'call.ended', call: 'theirs', reason: 'storage_failed' });
      expect(endedBeside).toEqual(['Cem storage_failed']);
      expect(current()).toBe(bob);
      expect(now().holding).toBe(false);
    });

    it('goes back while the server has not said yet that the other has ended, but not to one that is ending', async () => {
      const [bob, cem] = await both();
      cem.hangUp();
      expect(maySwap(now())).toBe(true);
      calls.swap();
      expect(current()).toBe(bob);
      expect(now().holding).toBe(false);
      posted = [];
      calls.swap();
      expect(current()).toBe(bob);
      expect(holds()).toEqual([]);
      await take({ type: 'call.ended', call: 'theirs', reason: 'hangup' });
      expect(get(calls.beside)).toBeNull();
      expect(now()).toMatchObject({ phase: 'active', holding: false });
      expect(endedBeside).toEqual([]);
    });

    it('goes on with the first when the second cannot begin', async () => {
      await talking();
      microphone = () => Promise.reject(new Problem('media_refused', 'no'));
      await expect(calls.answer(ring('theirs'), true)).rejects.toMatchObject({ code: 'media_refused' });
      expect(holds()).toEqual(['call-1 true', 'call-1 false']);
      expect(now()).toMatchObject({ id: 'call-1', holding: false });
      expect(get(calls.beside)).toBeNull();
    });

    it('leaves on hold what the person has put there before', async () => {
      await talking();
      current().silence.hold(true);
      microphone = () => Promise.reject(new Problem('media_refused', 'no'));
      await expect(calls.answer(ring('theirs'), true)).rejects.toMatchObject({ code: 'media_refused' });
      expect(now()).toMatchObject({ id: 'call-1', holding: true });
    });

    it('goes on at once with private lines', async () => {
      await both('text');
      calls.swap(); // which puts the lines on hold
      await take({ type: 'call.ended', call: 'call-1', reason: 'hangup' });
      await vi.advanceTimersByTimeAsync(7_000);
      expect(now()).toMatchObject({ intent: 'text', holding: false });
    });

  });
});
