// What this browser keeps of an account: one IndexedDB database each, shared by
// all tabs.
//
// It is the only truth about messages on this device. The tabs' sockets write
// to it; whatever a page shows is read from it again. `cursor` is how far the
// account's log has been taken in, and moves only in the transaction that
// stores what it stands for.

import { deleteDB, openDB, type DBSchema, type IDBPDatabase, type IDBPTransaction } from 'idb';
import type * as wire from './wire';

/** Cursor is the place in the account's log up to which everything is stored. */
export interface Cursor {
  epoch: string;
  pos: number;
}

/** Pending is a text or a voice note that the server has not returned through the log yet. */
export interface Pending {
  /** in the order of writing; given by the database */
  order?: number;
  /** 128 random bits, hexadecimal: the identity of this send for ever */
  cid: string;
  to: wire.AccountID;
  /** what is said; '' for a voice note */
  text: string;
  /** set for a voice note, whose sound is in `chunks` */
  note?: Note;
  /** written or recorded at, Unix ms */
  at: number;
  /**
   * held: a private line that its call may yet bring, and that is shown there;
   * waiting: to be sent until it is answered; accepted: durable on the server;
   * failed: refused
   */
  state: 'held' | 'waiting' | 'accepted' | 'failed';
  /** why it failed, a sentence */
  reason?: string;
}

/** Note is a voice note that was recorded here. */
export interface Note {
  /** MIME type of the sound */
  type: string;
  durationMs: number;
  /** how loud it was, a byte for each 100 ms: 0 silent, 255 loud */
  levels: number[];
}

/** Draft is a voice note that is being recorded, or was and is not sent. */
export interface Draft extends Note {
  /** the identity of the send that it may become */
  cid: string;
  to: wire.AccountID;
  /** begun at, Unix ms */
  at: number;
  /** chunks that are stored */
  chunks: number;
  /** thrown away; kept for as long as that can be undone */
  discarded?: true;
}

/** Kept is what the last welcome said of people, so that the page can be opened without the server. */
export interface Kept {
  self: wire.Welcome['self'];
  contacts: wire.Person[];
}

interface Schema extends DBSchema {
  people: { key: string; value: Kept };
  cursor: { key: string; value: Cursor };
  conversations: { key: string; value: wire.Conversation; indexes: { with: string } };
  messages: { key: [conv: string, seq: number]; value: wire.Message; indexes: { mid: string; time: number } };
  outbox: { key: number; value: Pending; indexes: { cid: string } };
  /** mids of voice messages that were heard and of which the server may not know */
  heard: { key: string; value: string };
  drafts: { key: string; value: Draft };
  /** the sound of drafts and of notes in the outbox; in order, a note's chunks make one file */
  chunks: { key: [cid: string, chunk: number]; value: ArrayBuffer };
  /** where voice messages were stopped, by mid and in ms, of which the server may not know */
  places: { key: string; value: number };
}

export type Database = IDBPDatabase<Schema>;
export type Store = 'cursor' | 'conversations' | 'messages' | 'outbox' | 'chunks';
/** Writing is a transaction over what belongs to the log, or goes when it brings a message; people do not. */
export type Writing = IDBPTransaction<Schema, Store[], 'readwrite'>;

const stores: Store[] = ['cursor', 'conversations', 'messages', 'outbox', 'chunks'];

/**
 * openDatabase opens what this browser has of an account, or begins anew. It is
 * closed, and onClosed called, when a newer page in another tab changes it, or
 * the browser takes it away; and closed when another tab deletes it.
 */
export function openDatabase(account: wire.AccountID, onClosed = () => {}): Promise<Database> {
  return openDB<Schema>(nameOf(account), 5, {
    upgrade(db, from, _to, tx) {
      db.createObjectStore('places');
      if (from < 4) {
        db.createObjectStore('drafts', { keyPath: 'cid' });
        db.createObjectStore('chunks');
      }
      if (from < 3) {
        db.createObjectStore('heard');
      }
      if (from < 2) {
        db.createObjectStore('people');
      }
      if (from > 0) {
        tx.objectStore('messages').createIndex('time', 'time');
        return; // the rest is there since version 1
      }
      db.createObjectStore('cursor');
      db.createObjectStore('conversations', { keyPath: 'conv' }).createIndex('with', 'with');
      const messages = db.createObjectStore('messages', { keyPath: ['conv', 'seq'] });
      messages.createIndex('mid', 'mid');
      messages.createIndex('time', 'time');
      db.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true }).createIndex('cid', 'cid', { unique: true });
    },
    blocking(_current, wanted, event) {
      (event.target as IDBDatabase).close();
      if (wanted !== null) {
        onClosed();
      }
    },
    terminated: onClosed,
  });
}

/** forget deletes everything that this browser has of an account. */
export function forget(account: wire.AccountID): Promise<void> {
  return deleteDB(nameOf(account));
}

/** chunksOf is where the sound of a note is. */
export function chunksOf(cid: string): IDBKeyRange {
  return IDBKeyRange.bound([cid, 0], [cid, Infinity]);
}

/**
 * write runs work in one transaction over everything: all of it is stored,
 * durably, when the promise resolves, or nothing when it rejects.
 */
export async function write<T>(db: Database, work: (tx: Writing) => Promise<T>): Promise<T> {
  const tx: Writing = db.transaction(stores, 'readwrite', { durability: 'strict' });
  try {
    const result = await work(tx);
    await tx.done;
    return result;
  } catch (error) {
    tx.done.catch(() => {}); // the reason is thrown below
    try {
      tx.abort();
    } catch {
      // It has ended already, by the same error.
    }
    throw error;
  }
}

function nameOf(account: wire.AccountID): string {
  return `parley-${account}`;
}
