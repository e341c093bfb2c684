import { describe, expect, it } from 'vitest';
import { markOf, timeline } from './timeline';
import type * as wire from './wire';

const noon = new Date(2026, 6, 3, 12).getTime();

function message(seq: number, from: string, minutes: number, kind = 'text'): wire.Message {
  return { mid: `m${seq}`, conv: 'c', seq, with: 'bob', from, kind, time: noon + minutes * 60_000 };
}

function shape(messages: wire.Message[], read = 99): string[] {
  return timeline(messages, 'me', read).map((item) => (item.kind === 'message' ? `${item.opens ? '+' : ' '}${item.message.seq}` : item.kind));
}

describe('timeline', () => {
  it('groups what one person wrote in a row', () => {
    expect(shape([message(1, 'me', 0), message(2, 'me', 4), message(3, 'bob', 5), message(4, 'bob', 11)])).toEqual(['day', '+1', ' 2', '+3', '+4']);
  });

  it('begins anew after a call and on another day', () => {
    expect(shape([message(1, 'me', 0, 'call'), message(2, 'me', 1), message(3, 'me', 24 * 60)])).toEqual(['day', '+1', '+2', 'day', '+3']);
  });

  it('makes one of missed calls in a row, with the time of the last', () => {
    const call = (seq: number, from: string, minutes: number, outcome: wire.Outcome): wire.Message => ({ ...message(seq, from, minutes, 'call'), call: { call: `c${seq}`, outcome } });
    const calls = (messages: wire.Message[], read = 99) =>
      timeline(messages, 'me', read).map((item) => (item.kind === 'message' ? `${item.message.seq}: ${item.calls}` : item.kind));
    const three = [call(1, 'bob', 0, 'no_answer'), call(2, 'bob', 1, 'busy'), call(3, 'bob', 2, 'cancelled')];
    expect(calls(three)).toEqual(['day', '3: 3']);
    expect(calls([...three, message(4, 'bob', 3), call(5, 'bob', 4, 'no_answer')])).toEqual(['day', '3: 3', '4: 0', '5: 1']);
    expect(calls([three[0]!, call(2, 'me', 1, 'no_answer'), call(3, 'bob', 2, 'answered'), call(4, 'bob', 3, 'dnd')])).toEqual(['day', '1: 1', '2: 0', '3: 0', '4: 1']);
    expect(calls([three[0]!, call(2, 'bob', 24 * 60, 'offline')])).toEqual(['day', '1: 1', 'day', '2: 1']);
    expect(calls(three, 1)).toEqual(['day', '1: 1', 'new', '3: 2']); // what is new stays apart
  });

  it('draws one line above what is new from the other', () => {
    const messages = [message(1, 'bob', 0), message(2, 'me', 1), message(3, 'bob', 2), message(4, 'bob', 3)];
    expect(shape(messages, 1)).toEqual(['day', '+1', '+2', 'new', '+3', ' 4']);
  });
});

describe('markOf', () => {
  const conversation = { their_delivered: 3, their_read: 2 } as wire.Conversation;
  it.each([
    [2, 'Read'],
    [3, 'Delivered'],
    [4, 'Sent'],
  ])('seq %d is %s', (seq, want) => expect(markOf(message(seq, 'me', 0), conversation)).toBe(want));

  it('knows what was played', () => {
    expect(markOf({ ...message(9, 'me', 0, 'voice'), played: true }, conversation)).toBe('Played');
  });
});
