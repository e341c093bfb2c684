import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { Chat, linesProtocol } from './chat';
import { FakeChannel } from './connection.fake';

/** Wire carries what is sent on a pair of channels, as long as it is whole. */
class Wire {
  whole = true;
  readonly ends: [FakeChannel, FakeChannel];
  constructor(label: string, protocol: string) {
    this.ends = [new FakeChannel(label, protocol), new FakeChannel(label, protocol)];
    this.ends.forEach((end, i) => {
      end.send = (data) => {
        end.sent.push(data);
        if (this.whole) {
          this.ends[1 - i]!.onmessage?.({ data });
        }
      };
    });
  }
  open(): void {
    this.ends.forEach((end) => end.become('open'));
  }
}

class Side {
  typing = true;
  held = new Map<string, string>(); // by cid, what is kept of lines on their way
  undelivered: string[] = [];
  chat = new Chat({
    typing: () => this.typing,
    holding: {
      hold: async ({ cid, text }) => void this.held.set(cid, text),
      delivered: (cid) => void this.held.delete(cid),
      undelivered: (cids) => this.undelivered.push(...cids),
    },
  });
  /** say sends a line and waits until it has gone. */
  async say(text: string): Promise<boolean> {
    const sent = this.chat.send(text);
    await vi.advanceTimersByTimeAsync(0);
    return sent;
  }
  get lines(): string[] {
    return get(this.chat.lines).map(({ mine, text, state }) => `${mine ? 'me' : 'you'}: ${text} (${state})`);
  }
}

describe('Chat', () => {
  let ann: Side;
  let bob: Side;
  let lines: Wire;
  let typing: Wire;

  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
    [ann, bob] = [new Side(), new Side()];
    lines = new Wire('lines', linesProtocol);
    typing = new Wire('typing', 't140');
    [ann, bob].forEach(({ chat }, i) => [lines, typing].forEach((wire) => chat.attach(wire.ends[i] as unknown as RTCDataChannel)));
  });
  afterEach(() => vi.useRealTimers());

  function open(): void {
    lines.open();
    typing.open();
  }

  it('carries lines both ways and knows which arrived', async () => {
    expect(await ann.say('too early')).toBe(false);
    open();
    expect(await ann.say('hello')).toBe(true);
    expect(await bob.say('hi')).toBe(true);
    expect(ann.lines).toEqual(['me: hello (there)', 'you: hi (there)']);
    expect(bob.lines).toEqual(['you: hello (there)', 'me: hi (there)']);
    expect(await ann.say('x'.repeat(20_000))).toBe(false);
  });

  it('hands over once what was not acknowledged when the channel breaks', async () => {
    open();
    await ann.say('arrives');
    lines.whole = false;
    await ann.say('is lost');
    expect(ann.lines.at(-1)).toBe('me: is lost (sending)');
    lines.ends[0].become('closed');
    ann.chat.close();
    expect(ann.undelivered.map((cid) => ann.held.get(cid))).toEqual(['is lost']);
    expect([...ann.held]).toEqual([[expect.stringMatching(/^[0-9a-f]{32}$/), 'is lost']]);
    expect(ann.lines).toEqual(['me: arrives (there)', 'me: is lost (mailbox)']);
    expect(await ann.say('later')).toBe(false);
  });

  it('holds on to a line that waits, however much comes meanwhile', async () => {
    open();
    lines.whole = false;
    await ann.say('waits');
    for (let i = 0; i < 2_100; i++) {
      lines.ends[0].onmessage!({ data: JSON.stringify({ type: 'line', cid: i.toString(16).padStart(32, '0'), text: `${i}` }) });
    }
    expect(ann.lines.length).toBe(2_000);
    expect(ann.lines.slice(0, 2)).toEqual(['me: waits (sending)', 'you: 101 (there)']);
    ann.chat.close();
    expect(ann.undelivered.length).toBe(1);
  });

  it('keeps a line before it leaves', async () => {
    open();
    ann.chat.send('first kept');
    expect([...ann.held.values()]).toEqual(['first kept']);
    expect(bob.lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(0);
    expect(bob.lines).toEqual(['you: first kept (there)']);
    expect(ann.held.size).toBe(0);
  });

  it('shows once what arrived and went through the mailbox, too', async () => {
    open();
    lines.ends[1].send = () => {}; // the acknowledgement is lost
    await ann.say('twice');
    ann.chat.close();
    expect(bob.lines).toEqual(['you: twice (there)']);
    bob.chat.kept(ann.undelivered);
    expect(bob.lines).toEqual([]);
  });

  it('shows what is typed as it is typed, where both want that', async () => {
    open();
    ann.chat.type('hel');
    vi.advanceTimersByTime(300);
    expect(get(bob.chat.theirs)).toBe('hel');
    await ann.say('hello');
    expect(get(bob.chat.theirs)).toBe('');
    bob.typing = false;
    bob.chat.tellTyping();
    ann.chat.type('again');
    vi.advanceTimersByTime(300);
    expect(typing.ends[0].sent.filter((block) => block.includes('again'))).toEqual([]);
    expect(get(bob.chat.theirs)).toBe('');
  });

  it('shows what is typed again after a line in which that was switched off', async () => {
    open();
    ann.chat.type('hel');
    vi.advanceTimersByTime(300);
    bob.typing = false;
    bob.chat.tellTyping();
    await ann.say('hello');
    expect(get(bob.chat.theirs)).toBe('');
    bob.typing = true;
    bob.chat.tellTyping();
    ann.chat.type('next');
    vi.advanceTimersByTime(300);
    expect(get(bob.chat.theirs)).toBe('next');
  });

  it.each(['line first', 'end first'])('shows no line twice: %s', async (order) => {
    open();
    ann.chat.type('hello');
    vi.advanceTimersByTime(300);
    [lines, typing].forEach((wire) => (wire.whole = false));
    await ann.say('hello');
    const steps = [() => lines.ends[1].onmessage!({ data: lines.ends[0].sent.at(-1) }), () => typing.ends[1].onmessage!({ data: typing.ends[0].sent.at(-1) })];
    (order === 'line first' ? steps : steps.reverse()).forEach((step) => {
      step();
      expect(get(bob.chat.theirs)).toBe('');
    });
    typing.ends[1].onmessage!({ data: 'next' });
    expect(get(bob.chat.theirs)).toBe('next');
  });

  it('keeps what is half written until it is sent, or forgotten with the lines', async () => {
    open();
    ann.chat.type('half a line');
    ann.chat.close(); // the call is over; it can still be read
    expect(await ann.say('half a line')).toBe(false);
    expect(get(ann.chat.draft)).toBe('half a line');
    ann.chat.clear();
    expect(get(ann.chat.draft)).toBe('');
    bob.chat.attach(lines.ends[1] as unknown as RTCDataChannel);
    bob.chat.type('whole');
    expect(await bob.say('whole')).toBe(true);
    expect(get(bob.chat.draft)).toBe('');
  });

  it('marks where typing may have been lost', async () => {
    open();
    ann.chat.type('half');
    vi.advanceTimersByTime(300);
    const anew = new Wire('typing', 't140');
    bob.chat.attach(anew.ends[1] as unknown as RTCDataChannel);
    expect(get(bob.chat.theirs)).toBe('half\uFFFD');
  });

  it('takes nothing that makes no sense', async () => {
    open();
    const long = JSON.stringify({ type: 'line', cid: '0'.repeat(32), text: 'x'.repeat(17_000) });
    for (const data of ['', '{', 'null', '[]', '{"type":"line","cid":"../x","text":"a"}', `{"type":"line","cid":"${'0'.repeat(32)}","text":7}`, long, new ArrayBuffer(8)]) {
      lines.ends[1].onmessage!({ data });
    }
    expect(bob.lines).toEqual([]);
    const stranger = new FakeChannel('x', 'unknown');
    bob.chat.attach(stranger as unknown as RTCDataChannel);
    expect(stranger.readyState).toBe('closed');
  });
});
