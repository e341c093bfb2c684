import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { forget, openDatabase, type Database } from './database';
import { Problem, disconnected } from './errors';
import { Outbox } from './outbox';
import type { Reply, Request } from './socket';
import type { Sending, Upload } from './upload';

type Send = Extract<Request, { type: 'send' }>;
interface Sent {
  frame: Send;
  accept: () => void;
  reject: (code: string, retryAfter?: number) => void;
  fail: (error: Problem) => void;
}
interface Uploaded extends Sending {
  progress: (part: number) => void;
  accept: () => void;
  fail: (error: Problem) => void;
}

describe('Outbox', () => {
  let db: Database;
  let outbox: Outbox;
  let sent: Sent[];
  let uploads: Uploaded[];
  let stored: string[][]; // what the database held at each transmission
  let now: number;

  beforeEach(async () => {
    db = await openDatabase('me');
    sent = [];
    uploads = [];
    stored = [];
    now = 1_000;
    outbox = open();
  });
  afterEach(async () => {
    outbox.close();
    db.close();
    await forget('me');
  });

  function open(): Outbox {
    const box: Outbox = new Outbox({ name: 'me', callLock: 'me-call', db, request, upload, onChange: () => box.show(), now: () => now });
    return box;
  }

  function request(frame: Request): Promise<Reply> {
    return new Promise((resolve, fail) => {
      const { cid } = frame as Send;
      void db.getAll('outbox').then((all) => stored.push(all.map((pending) => pending.cid)));
      sent.push({
        frame: frame as Send,
        accept: () => resolve({ type: 'accepted', re: '1', cid, conv: 'c', seq: 1, mid: 'm', time: 1 }),
        reject: (code, after) =>
          resolve({
            type: 'rejected', re: '1', cid, code: code as never, message: `No: ${code}`,
            ...(after === undefined ? {} : { retryable: true, retry_after_ms: after }),
          }),
        fail,
      });
    });
  }

  const upload: Upload = (sending, progress) =>
    new Promise((resolve, fail) => uploads.push({ ...sending, progress, accept: () => resolve({ conv: 'c', seq: 1 }), fail }));

  /** leave puts a note into the outbox, as it is when it has been recorded. */
  async function leave(cid: string, to = 'bob'): Promise<void> {
    const note = { type: 'audio/webm;codecs=opus', durationMs: 1_000, levels: [] };
    await db.put('chunks', new Uint8Array([1, 2]).buffer, [cid, 0]);
    await db.put('chunks', new Uint8Array([3]).buffer, [cid, 1]);
    await db.add('outbox', { cid, to, text: '', at: 0, note, state: 'waiting' });
    await outbox.show();
  }

  /** useLocks lets one after the other have a lock; it returns what each name waits for. */
  function useLocks(): Map<string, Promise<unknown>> {
    const queues = new Map<string, Promise<unknown>>();
    const request = (name: string, work: () => Promise<void>) => {
      const after = (queues.get(name) ?? Promise.resolve()).then(work);
      queues.set(name, after);
      return after;
    };
    vi.stubGlobal('navigator', { locks: { request } });
    return queues;
  }

  const count = (n: number) => vi.waitFor(() => expect(sent).toHaveLength(n));
  const state = () => get(outbox.pending).map((pending) => pending.state);

  it('sends a private line only when its call brings it no more, once', async () => {
    let over!: () => void;
    useLocks().set('me-call', new Promise<void>((then) => (over = then)));
    const [lost, brought] = ['1'.repeat(32), '2'.repeat(32)];
    await outbox.hold('bob', lost, 'lost');
    await outbox.hold('bob', brought, 'brought');
    await outbox.remove(brought);
    await outbox.flush();
    expect(state()).toEqual([]);
    const other = open(); // another tab, which waits for the end of the call
    await other.show();
    expect(sent).toEqual([]);
    await outbox.letGo([lost]);
    over();
    await count(1);
    expect(sent[0]!.frame).toMatchObject({ cid: lost, to: 'bob', text: 'lost' });
    sent[0]!.accept();
    await vi.waitFor(() => expect(state()).toEqual(['accepted']));
    other.close();
    vi.unstubAllGlobals();
  });

  it('sends the private lines of a tab that is gone', async () => {
    await outbox.hold('bob', '3'.repeat(32), 'left behind');
    outbox.close();
    outbox = open();
    await outbox.show();
    await count(1);
    expect(sent[0]!.frame).toMatchObject({ cid: '3'.repeat(32), text: 'left behind' });
  });

  it('stores the text under 128 random bits before it leaves', async () => {
    await outbox.add('bob', 'hi');
    await count(1);
    await vi.waitFor(() => expect(stored).toHaveLength(1));
    const { cid } = sent[0]!.frame;
    expect(cid).toMatch(/^[0-9a-f]{32}$/);
    expect(stored[0]).toEqual([cid]);
    sent[0]!.accept();
    await vi.waitFor(() => expect(state()).toEqual(['accepted']));
  });

  it('sends the same cid again after a break whose outcome is unknown', async () => {
    await outbox.add('bob', 'hi');
    await count(1);
    sent[0]!.fail(disconnected());
    await vi.waitFor(() => expect(state()).toEqual(['waiting']));
    await vi.waitFor(() => {
      outbox.welcomed();
      expect(sent.length).toBe(2);
    });
    expect(sent[1]!.frame).toEqual(sent[0]!.frame);
  });

  it('lets go of a text that a snapshot has brought already', async () => {
    await outbox.add('bob', 'hi');
    await count(1);
    sent[0]!.fail(disconnected());
    await vi.waitFor(() => expect(state()).toEqual(['waiting']));
    await db.put('conversations', { conv: 'c', with: 'bob', name: 'bob', head: 9, read: 9, unread: 0, their_read: 0, their_delivered: 0 });
    await vi.waitFor(() => {
      outbox.welcomed();
      expect(sent.length).toBe(2);
    });
    sent[1]!.accept();
    await vi.waitFor(() => expect(state()).toEqual([]));
  });

  it('sends what an earlier page left behind', async () => {
    await db.add('outbox', { cid: 'c0ffee', to: 'bob', text: 'left', at: 0, state: 'waiting' });
    outbox.welcomed();
    await count(1);
    expect(sent[0]!.frame.cid).toBe('c0ffee');
  });

  it('keeps the order of texts to one person, and lets others pass', async () => {
    await outbox.add('bob', 'one');
    await outbox.add('bob', 'two');
    await outbox.add('ann', 'other');
    await count(2);
    expect(sent.map(({ frame }) => frame.text)).toEqual(['one', 'other']);
    sent[0]!.accept();
    await count(3);
    expect(sent[2]!.frame.text).toBe('two');
  });

  it('shows a refusal with its sentence, and goes on with the next text', async () => {
    await outbox.add('bob', 'one');
    await outbox.add('bob', 'two');
    await count(1);
    sent[0]!.reject('not_contact');
    await count(2);
    expect(get(outbox.pending)[0]).toMatchObject({ state: 'failed', reason: 'No: not_contact' });
    await outbox.remove(sent[0]!.frame.cid);
    expect(get(outbox.pending).map((pending) => pending.text)).toEqual(['two']);
  });

  it('tries a refused text again as the same send', async () => {
    await outbox.add('bob', 'one');
    await count(1);
    sent[0]!.reject('not_contact');
    await vi.waitFor(() => expect(state()).toEqual(['failed']));
    await outbox.tryAgain(sent[0]!.frame.cid);
    await count(2);
    expect(sent[1]!.frame.cid).toBe(sent[0]!.frame.cid);
  });

  it('lets one tab send, and the other only what that one left', async () => {
    const queues = useLocks();
    const other = open();
    await outbox.add('bob', 'hi');
    await count(1);
    await other.flush();
    sent[0]!.accept();
    await vi.waitFor(() => expect(state()).toEqual(['accepted']));
    await Promise.all(queues.values());
    expect(sent).toHaveLength(1);
    await outbox.add('bob', 'and this');
    await count(2);
    await other.flush();
    outbox.close();
    sent[1]!.fail(disconnected()); // that tab is gone
    await count(3);
    expect(sent[2]!.frame).toEqual(sent[1]!.frame);
    other.close();
    vi.unstubAllGlobals();
  });

  it('waits as long as the server asked before a retry', async () => {
    await outbox.add('bob', 'one');
    await count(1);
    sent[0]!.reject('unavailable', 60);
    await vi.waitFor(() => expect(state()).toEqual(['waiting']));
    await outbox.flush();
    expect(sent).toHaveLength(1);
    now += 61;
    await count(2);
  });

  it('takes an error of the moment as a reason to wait, any other as final', async () => {
    await outbox.add('bob', 'one');
    await outbox.add('ann', 'two');
    await count(2);
    sent[0]!.fail(new Problem('rate_limited', 'Slowly.', 50_000));
    sent[1]!.fail(new Problem('too_large', 'Too long.'));
    await vi.waitFor(() => expect(state()).toEqual(['waiting', 'failed']));
  });

  it('uploads a note whole, under its cid, and says how far it is', async () => {
    await leave('a1');
    await outbox.flush();
    await vi.waitFor(() => expect(uploads).toHaveLength(1));
    const [one] = uploads;
    expect(one).toMatchObject({ cid: 'a1', to: 'bob' });
    expect(one!.sound.type).toBe('audio/webm;codecs=opus');
    expect([...new Uint8Array(await one!.sound.arrayBuffer())]).toEqual([1, 2, 3]);
    one!.progress(0.4);
    expect(get(outbox.progress).get('a1')).toBe(0.4);
    one!.accept();
    await vi.waitFor(() => expect(state()).toEqual(['accepted']));
    expect(get(outbox.progress).size).toBe(0);
    expect(await db.count('chunks')).toBe(2); // the log has not brought the message
  });

  it('begins an upload that was cut anew, as the same send, and keeps its place before later texts', async () => {
    await leave('a1');
    await outbox.add('bob', 'after it');
    await vi.waitFor(() => expect(uploads).toHaveLength(1));
    uploads[0]!.fail(disconnected());
    await vi.waitFor(() => {
      outbox.welcomed();
      expect(uploads).toHaveLength(2);
    });
    expect(uploads[1]!.cid).toBe('a1');
    expect(sent).toEqual([]);
    uploads[1]!.accept();
    await count(1);
  });

  it('keeps a note that a gateway or a lost sign-in refuses, and fails one that is refused for good', async () => {
    for (const [i, code] of ['http_502', 'no_session', 'quota_exceeded'].entries()) {
      await leave(code, `person ${i}`);
    }
    await outbox.flush();
    await vi.waitFor(() => expect(uploads).toHaveLength(3));
    uploads.forEach(({ cid, fail }) => fail(new Problem(cid, 'No.')));
    await vi.waitFor(() => expect(state()).toEqual(['waiting', 'waiting', 'failed']));
    await outbox.remove('quota_exceeded');
    expect(await db.count('chunks')).toBe(4);
  });
});
