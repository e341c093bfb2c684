import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { Chat, linesProtocol, type PrivateLine } from './chat';
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
  undelivered: PrivateLine[] = [];
  chat = new Chat({ typing: () => this.typing, onUndelivered: (lines) => this.undelivered.push(...lines) });
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

  it('carries lines both ways and knows which arrived', () => {
    expect(ann.chat.send('too early')).toBe(false);
    open();
    expect(ann.chat.send('hello')).toBe(true);
    expect(bob.chat.send('hi')).toBe(true);
    expect(ann.lines).toEqual(['me: hello (there)', 'you: hi (there)']);
    expect(bob.lines).toEqual(['you: hello (there)', 'me: hi (there)']);
    expect(ann.chat.send('x'.repeat(20_000))).toBe(false);
  });

  it('hands over once what was not acknowledged when the channel breaks', () => {
    open();
    ann.chat.send('arrives');
    lines.whole = false;
    ann.chat.send('is lost');
    expect(ann.lines.at(-1)).toBe('me: is lost (sending)');
    lines.ends[0].become('closed');
    ann.chat.close();
    expect(ann.undelivered.map(({ text }) => text)).toEqual(['is lost']);
    expect(ann.undelivered[0]!.cid).toMatch(/^[0-9a-f]{32}$/);
    expect(ann.lines).toEqual(['me: arrives (there)', 'me: is lost (mailbox)']);
    expect(ann.chat.send('later')).toBe(false);
  });

  it('shows once what arrived and went through the mailbox, too', () => {
    open();
    lines.ends[1].send = () => {}; // the acknowledgement is lost
    ann.chat.send('twice');
    ann.chat.close();
    expect(bob.lines).toEqual(['you: twice (there)']);
    bob.chat.kept(ann.undelivered.map(({ cid }) => cid));
    expect(bob.lines).toEqual([]);
  });

  it('shows what is typed as it is typed, where both want that', () => {
    open();
    ann.chat.type('hel');
    vi.advanceTimersByTime(300);
    expect(get(bob.chat.theirs)).toBe('hel');
    ann.chat.send('hello');
    expect(get(bob.chat.theirs)).toBe('');
    bob.typing = false;
    bob.chat.tellTyping();
    ann.chat.type('again');
    vi.advanceTimersByTime(300);
    expect(typing.ends[0].sent.filter((block) => block.includes('again'))).toEqual([]);
    expect(get(bob.chat.theirs)).toBe('');
  });

  it.each(['line first', 'end first'])('shows no line twice: %s', (order) => {
    open();
    ann.chat.type('hello');
    vi.advanceTimersByTime(300);
    [lines, typing].forEach((wire) => (wire.whole = false));
    ann.chat.send('hello');
    const steps = [() => lines.ends[1].onmessage!({ data: lines.ends[0].sent.at(-1) }), () => typing.ends[1].onmessage!({ data: typing.ends[0].sent.at(-1) })];
    (order === 'line first' ? steps : steps.reverse()).forEach((step) => {
      step();
      expect(get(bob.chat.theirs)).toBe('');
    });
    typing.ends[1].onmessage!({ data: 'next' });
    expect(get(bob.chat.theirs)).toBe('next');
  });

  it('marks where typing may have been lost', () => {
    open();
    ann.chat.type('half');
    vi.advanceTimersByTime(300);
    const anew = new Wire('typing', 't140');
    bob.chat.attach(anew.ends[1] as unknown as RTCDataChannel);
    expect(get(bob.chat.theirs)).toBe('half\uFFFD');
  });

  it('takes nothing that makes no sense', () => {
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
