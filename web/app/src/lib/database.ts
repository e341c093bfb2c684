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

/** Pending is a text that the server has not returned through the log yet. */
export interface Pending {
  /** in the order of writing; given by the database */
  order?: number;
  /** 128 random bits, hexadecimal: the identity of this send for ever */
  cid: string;
  to: wire.AccountID;
  text: string;
  /** written at, Unix ms */
  at: number;
  /** waiting: to be sent until it is answered; accepted: durable on the server; failed: refused */
  state: 'waiting' | 'accepted' | 'failed';
  /** why it failed, a sentence */
  reason?: string;
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
  messages: { key: [conv: string, seq: number]; value: wire.Message; indexes: { mid: string } };
  outbox: { key: number; value: Pending; indexes: { cid: string } };
  /** mids of voice messages that were heard and of which the server may not know */
  heard: { key: string; value: string };
}

export type Database = IDBPDatabase<Schema>;
export type Store = 'cursor' | 'conversations' | 'messages' | 'outbox';
/** Writing is a transaction over what belongs to the log; people do not. */
export type Writing = IDBPTransaction<Schema, Store[], 'readwrite'>;

const stores: Store[] = ['cursor', 'conversations', 'messages', 'outbox'];

/** openDatabase opens what this browser has of an account, or begins anew. */
export function openDatabase(account: wire.AccountID): Promise<Database> {
  return openDB<Schema>(nameOf(account), 3, {
    upgrade(db, from) {
      db.createObjectStore('heard');
      if (from < 2) {
        db.createObjectStore('people');
      }
      if (from > 0) {
        return; // the rest is there since version 1
      }
      db.createObjectStore('cursor');
      db.createObjectStore('conversations', { keyPath: 'conv' }).createIndex('with', 'with');
      db.createObjectStore('messages', { keyPath: ['conv', 'seq'] }).createIndex('mid', 'mid');
      db.createObjectStore('outbox', { keyPath: 'order', autoIncrement: true }).createIndex('cid', 'cid', { unique: true });
    },
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close(); // another tab wants to delete or change it
    },
  });
}

/** forget deletes everything that this browser has of an account. */
export function forget(account: wire.AccountID): Promise<void> {
  return deleteDB(nameOf(account));
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
