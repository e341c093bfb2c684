// How messages become what is seen: days, groups and marks.

import { received, visible } from './log';
import { sameDay } from './time';
import type * as wire from './wire';
import { missed } from './words';

export type Item =
  | { kind: 'day'; key: string; time: number }
  | { kind: 'new'; key: string }
  | { kind: 'message'; key: string; message: wire.Message; mine: boolean; opens: boolean; calls: number };

export type Mark = 'Waiting' | 'Sent' | 'Delivered' | 'Read' | 'Played' | 'Not delivered in time';

/** Messages of one person closer than this stand together. */
const together = 5 * 60_000;

/**
 * timeline leaves out what is gone, puts days between messages, groups what one person wrote in a row
 * (`opens` is the first of a group), and draws a line above what is new:
 * others' messages beyond `read`, the mark when the conversation was opened.
 * Missed calls in a row are one item, the last of them, with their number in `calls`.
 */
export function timeline(messages: wire.Message[], me: wire.AccountID, read: number): Item[] {
  const items: Item[] = [];
  let before: wire.Message | undefined;
  let drawn = false;
  for (const message of messages.filter((one) => visible(one, me))) {
    const mine = !received(message, me);
    let opens = before === undefined || before.from !== message.from || before.kind === 'call' || message.time - before.time > together;
    if (before === undefined || !sameDay(before.time, message.time)) {
      items.push({ kind: 'day', key: `day-${message.seq}`, time: message.time });
      opens = true;
    }
    if (!drawn && !mine && message.seq > read) {
      items.push({ kind: 'new', key: 'new' });
      drawn = opens = true;
    }
    const calls = message.kind === 'call' && message.call && missed(message.call, mine) ? 1 : 0;
    const last = items.at(-1);
    if (calls > 0 && last?.kind === 'message' && last.calls > 0) {
      items[items.length - 1] = { ...last, message, calls: last.calls + 1 };
    } else {
      items.push({ kind: 'message', key: message.mid, message, mine, opens, calls });
    }
    before = message;
  }
  return items;
}

/** markOf says how far an own message got. */
export function markOf(message: wire.Message, conversation: wire.Conversation | undefined): Mark {
  if (message.gone) {
    return 'Not delivered in time';
  }
  if (message.played) {
    return 'Played';
  }
  if (message.seq <= (conversation?.their_read ?? 0)) {
    return 'Read';
  }
  return message.seq <= (conversation?.their_delivered ?? 0) ? 'Delivered' : 'Sent';
}
