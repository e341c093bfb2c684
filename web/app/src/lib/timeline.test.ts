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
