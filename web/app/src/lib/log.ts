// How the account's log changes what this device has stored. Every function
// works inside a transaction of its caller, together with the cursor.

import { chunksOf, type Database, type Writing } from './database';
import type * as wire from './wire';

/** Applied says what became of some events. */
export interface Applied {
  /** position up to which everything is stored; 0 when there was nothing to store */
  stored: number;
  /** messages that were not there before */
  fresh: wire.Message[];
  /** an event was out of place: something was missed before it */
  gap: boolean;
}

/** Reader is whose log it is, and what that person calls others. */
export interface Reader {
  account: wire.AccountID;
  nameOf: (account: wire.AccountID) => string;
}

/**
 * applyEvents takes in events in order, up to the first that is not the next.
 * Its position tells: lower ones are known, a higher one is a gap.
 */
export async function applyEvents(tx: Writing, reader: Reader, events: wire.Event[]): Promise<Applied> {
  const cursors = tx.objectStore('cursor');
  const applied: Applied = { stored: 0, fresh: [], gap: false };
  let cursor = await cursors.get('cursor');
  for (const event of events) {
    if (cursor === undefined || event.pos > cursor.pos + 1) {
      return { ...applied, gap: true };
    }
    if (event.pos === cursor.pos + 1) {
      const fresh = await applyEvent(tx, reader, event);
      cursor = { ...cursor, pos: event.pos };
      await cursors.put(cursor, 'cursor');
      if (fresh && event.message) {
        applied.fresh.push(event.message);
      }
    }
    applied.stored = event.pos;
  }
  return applied;
}

/** applyEvent reports whether it brought a message to show that was not there. */
async function applyEvent(tx: Writing, reader: Reader, event: wire.Event): Promise<boolean> {
  if (event.receipt) {
    await takeReceipt(tx, reader, event.receipt);
  }
  return event.message !== undefined && (await takeMessage(tx, reader, event.message));
}

/** clear makes room for a snapshot. What waits to be sent stays: the server answers a cid it knows in the same way again. */
export async function clear(tx: Writing): Promise<void> {
  await Promise.all((['cursor', 'conversations', 'messages'] as const).map((store) => tx.objectStore(store).clear()));
  for (const pending of await tx.objectStore('outbox').getAll()) {
    if (pending.state === 'accepted') {
      await tx.objectStore('outbox').delete(pending.order!);
      await tx.objectStore('chunks').delete(chunksOf(pending.cid));
    }
  }
}

/** applySnapshot stores a page of the server's state; with the last one the cursor is good. */
export async function applySnapshot(tx: Writing, epoch: string, snapshot: wire.Snapshot): Promise<void> {
  for (const conversation of snapshot.conversations) {
    await tx.objectStore('conversations').put(conversation);
    if (conversation.last) {
      await tx.objectStore('messages').put(conversation.last);
    }
  }
  if (!snapshot.more) {
    await tx.objectStore('cursor').put({ epoch, pos: snapshot.pos }, 'cursor');
  }
}

/** applyHistory stores messages that are not held. Those that are, the log has brought, and keeps as they are now. */
export async function applyHistory(tx: Writing, messages: wire.Message[]): Promise<void> {
  const store = tx.objectStore('messages');
  for (const message of messages) {
    if ((await store.getKey([message.conv, message.seq])) === undefined) {
      await store.put(message);
    }
  }
}

/**
 * newest reads the newest messages of a conversation that are held without a
 * gap, at most limit, in ascending order. Gaps show as missing numbers: seq is
 * dense.
 */
export async function newest(db: Database, conversation: wire.Conversation, limit: number): Promise<wire.Message[]> {
  const { conv, head } = conversation;
  const low = Math.max(1, head - limit + 1);
  const held = await db.getAll('messages', IDBKeyRange.bound([conv, low], [conv, head]));
  let first = held.length;
  while (first > 0 && held[first - 1]!.seq === head - (held.length - first)) {
    first--;
  }
  return held.slice(first);
}

/** received reports whether a message is for this account: of somebody else, or of an own program. */
export function received(message: wire.Message, me: wire.AccountID): boolean {
  return message.from !== me || message.with === me;
}

/**
 * visible reports whether there is something of a message to show in its
 * conversation: what is gone or in the bin is not, except to a sender what was
 * not delivered in time.
 */
export function visible(message: wire.Message, me: wire.AccountID): boolean {
  if (message.folder === 'bin') {
    return false;
  }
  return !message.gone || (message.gone === 'expired' && message.from === me && !!message.text);
}

/** stateOf is what can change of a message: the same state is drawn in the same way. */
export function stateOf({ mid, played, gone, folder, resume_ms, voice }: wire.Message): string {
  return [mid, played, gone, folder, resume_ms, voice?.transcription].join(' ');
}

/** Counts as unread are messages of others that are there, answered calls excepted. */
function asksToBeRead(message: wire.Message, me: wire.AccountID): boolean {
  return received(message, me) && !message.gone && message.folder !== 'bin' && message.call?.outcome !== 'answered';
}

/** takeMessage stores a message, or what has become of it, and reports whether it is a new one to show. */
async function takeMessage(tx: Writing, reader: Reader, message: wire.Message): Promise<boolean> {
  const before = await tx.objectStore('messages').get([message.conv, message.seq]);
  await tx.objectStore('messages').put(message);
  await sent(tx, message);
  const conversations = tx.objectStore('conversations');
  const stored = await conversations.get(message.conv);
  const shown = visible(message, reader.account);
  if (stored === undefined && !shown) {
    return false; // nobody has said anything yet
  }
  const { last: lastOne, ...conversation } = stored ?? begin(reader, message);
  const isNew = message.seq > conversation.head; // or a snapshot has counted it already
  let { unread } = conversation;
  let last = lastOne;
  if (message.seq > conversation.read) {
    const counts = Number(asksToBeRead(message, reader.account));
    const counted = before === undefined ? counts : Number(asksToBeRead(before, reader.account));
    unread = Math.max(0, unread + (isNew ? counts : counts - counted));
  }
  if (shown && message.seq >= (last?.seq ?? 0)) {
    last = message;
  } else if (!shown && last?.seq === message.seq) {
    last = await lastBefore(tx, reader, message);
  }
  await conversations.put({
    ...conversation,
    name: reader.nameOf(message.with) || conversation.name,
    head: Math.max(conversation.head, message.seq),
    unread,
    ...(last && { last }),
  });
  return shown && isNew && before === undefined;
}

/** sent takes an own message out of the outbox, with its sound. */
async function sent(tx: Writing, message: wire.Message): Promise<void> {
  if (message.cid) {
    const order = await tx.objectStore('outbox').index('cid').getKey(message.cid);
    if (order !== undefined) {
      await tx.objectStore('outbox').delete(order);
      await tx.objectStore('chunks').delete(chunksOf(message.cid));
    }
  }
}

/** lastBefore is the newest message before one that there is something of, as far as it is held. */
async function lastBefore(tx: Writing, reader: Reader, { conv, seq }: wire.Message): Promise<wire.Message | undefined> {
  let cursor = await tx.objectStore('messages').openCursor(IDBKeyRange.bound([conv, 0], [conv, seq], false, true), 'prev');
  while (cursor && !visible(cursor.value, reader.account)) {
    cursor = await cursor.continue();
  }
  return cursor?.value;
}

/** begin is a conversation in which something is said for the first time. */
function begin(reader: Reader, message: wire.Message): wire.Conversation {
  return {
    conv: message.conv,
    with: message.with,
    name: reader.nameOf(message.with),
    head: 0,
    read: 0,
    unread: 0,
    their_read: 0,
    their_delivered: 0,
  };
}

async function takeReceipt(tx: Writing, reader: Reader, receipt: wire.Receipt): Promise<void> {
  if (receipt.played) {
    await takePlayed(tx, receipt.played);
  }
  const conversations = tx.objectStore('conversations');
  const conversation = await conversations.get(receipt.conv);
  if (conversation === undefined) {
    return;
  }
  if (receipt.account !== reader.account) {
    await conversations.put({
      ...conversation,
      their_delivered: Math.max(conversation.their_delivered, receipt.delivered ?? 0),
      their_read: Math.max(conversation.their_read, receipt.read ?? 0),
    });
    return;
  }
  const read = Math.max(conversation.read, receipt.read ?? 0);
  if (read > conversation.read) {
    const unread = await unreadAfter(tx, reader, conversation, read);
    await conversations.put({ ...conversation, read, unread });
  }
}

/** Counts what is held above the mark; where not all is held, the old count is the better bound. */
async function unreadAfter(tx: Writing, reader: Reader, conversation: wire.Conversation, read: number): Promise<number> {
  const above = conversation.head - read;
  if (above <= 0) {
    return 0;
  }
  const range = IDBKeyRange.bound([conversation.conv, read + 1], [conversation.conv, conversation.head]);
  const held = await tx.objectStore('messages').getAll(range);
  if (held.length < above) {
    return Math.min(conversation.unread, above);
  }
  return held.filter((message) => asksToBeRead(message, reader.account)).length;
}

async function takePlayed(tx: Writing, mid: string): Promise<void> {
  const message = await tx.objectStore('messages').index('mid').get(mid);
  if (message === undefined) {
    return;
  }
  const played = { ...message, played: true };
  await tx.objectStore('messages').put(played);
  const conversation = await tx.objectStore('conversations').get(message.conv);
  if (conversation?.last?.mid === mid) {
    await tx.objectStore('conversations').put({ ...conversation, last: played });
  }
}
