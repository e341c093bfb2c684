import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { expect, it } from 'vitest';
import { forget, openDatabase } from './database';

it('is closed, and says so, when a newer page needs another one', async () => {
  let closed = 0;
  const db = await openDatabase('me', () => closed++);
  const newer = await openDB('parley-me', db.version + 1);
  expect(closed).toBe(1);
  await expect(db.get('cursor', 'cursor')).rejects.toThrow();
  newer.close();
  await forget('me');
});

it('is closed without a word when it is deleted: this browser was signed out', async () => {
  let closed = 0;
  const db = await openDatabase('me', () => closed++);
  await forget('me');
  await expect(db.get('cursor', 'cursor')).rejects.toThrow();
  expect(closed).toBe(0);
});
