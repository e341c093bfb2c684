import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { get } from 'svelte/store';
import { forget, openDatabase, type Database } from './database';
import { disconnected } from './errors';
import { Mailbox } from './mailbox';
import type { Reply, Request } from './socket';
import { Thread } from './thread';
import { markOf, timeline } from './timeline';
import type * as wire from './wire';

const me = 'me';

function message(seq: number, from = 'bob', more: Partial<wire.Message> = {}): wire.Message {
  return { mid: `m${seq}`, conv: 'c1', seq, with: 'bob', from, kind: 'text', text: `text ${seq}`, time: seq, ...more };
}

function event(pos: number, payload: Partial<wire.Event>): wire.Event {
  return { type: 'event', pos, kind: payload.receipt ? 'receipt' : 'message', ...payload };
}

function welcome(epoch: string, reset: boolean): wire.Welcome {
  return { type: 'welcome', epoch, head: 0, reset } as wire.Welcome;
}

function snapshot(pos: number, conversations: wire.Conversation[] = []): wire.Snapshot {
  return { type: 'snapshot', pos, conversations };
}

function nameOf(account: string): string {
  if (account === 'evil') {
    throw new Error('no name');
  }
  return account;
}

describe('Mailbox', () => {
  let db: Database;
  let mailbox: Mailbox;
  let told: wire.ClientFrame[];
  let arrived: wire.Message[];
  let failures: number;
  let hellos: number;
  let history: (frame: Extract<Request, { type: 'history' }>) => Promise<Reply>;

  beforeEach(async () => {
    db = await openDatabase(me);
    told = [];
    arrived = [];
    failures = hellos = 0;
    history = () => Promise.reject(disconnected());
    mailbox = new Mailbox({
      db,
      reader: { account: me, nameOf },
      server: {
        tell: (frame) => told.push(frame) > 0,
        request: (frame) => history(frame as Extract<Request, { type: 'history' }>),
        helloAgain: async () => void hellos++,
      },
      onArrived: (messages) => arrived.push(...messages),
      onFailure: () => failures++,
    });
  });
  afterEach(async () => {
    mailbox.close();
    db.close();
    await forget(me);
  });

  async function take(...frames: (wire.Welcome | wire.Snapshot | wire.Event)[]): Promise<void> {
    frames.forEach((frame) => mailbox.take(frame));
    await mailbox.settled();
  }

  const empty = () => take(welcome('e1', true), snapshot(0));
  const texts = async () => (await db.getAll('messages')).map((stored) => stored.seq);
  const conversation = () => get(mailbox.conversations)[0]!;

  it('takes dense events with the cursor, and acknowledges what is stored', async () => {
    await empty();
    await take(event(1, { message: message(1) }), event(2, { message: message(2) }));
    expect(await mailbox.cursor()).toEqual({ epoch: 'e1', pos: 2 });
    expect(await texts()).toEqual([1, 2]);
    expect(told.at(-1)).toEqual({ type: 'ack', pos: 2 });
    expect(arrived.map((one) => one.seq)).toEqual([1, 2]);
    expect(conversation()).toMatchObject({ with: 'bob', name: 'bob', head: 2, unread: 2 });
  });

  it('drops what it has, without counting or announcing it again', async () => {
    await empty();
    await take(event(1, { message: message(1) }));
    await take(event(1, { message: message(1) }));
    expect(conversation().unread).toBe(1);
    expect(arrived).toHaveLength(1);
    expect(told.filter((frame) => frame.type === 'ack').at(-1)).toEqual({ type: 'ack', pos: 1 });
  });

  it('says hello again after a gap and ignores what comes before the welcome', async () => {
    await empty();
    await take(event(1, { message: message(1) }), event(3, { message: message(3) }));
    expect(hellos).toBe(1);
    expect(await mailbox.cursor()).toEqual({ epoch: 'e1', pos: 1 });
    await take(event(4, { message: message(4) }));
    expect(hellos).toBe(1);
    await take(welcome('e1', false), ...[2, 3, 4].map((pos) => event(pos, { message: message(pos) })));
    expect(await texts()).toEqual([1, 2, 3, 4]);
  });

  it('asks again when nothing is stored at all, instead of guessing', async () => {
    await take(welcome('e1', false), event(7, { message: message(7) }));
    expect(hellos).toBe(1);
    expect(await texts()).toEqual([]);
  });

  it('stores neither message nor cursor when the transaction fails', async () => {
    await empty();
    await take(event(1, { message: message(1, 'evil', { with: 'evil' }) })); // stored, then nameOf throws
    expect(failures).toBe(1);
    expect(await texts()).toEqual([]);
    expect(await mailbox.cursor()).toEqual({ epoch: 'e1', pos: 0 });
    expect(get(mailbox.conversations)).toEqual([]);
    await take(event(2, { message: message(2) }));
    expect(hellos).toBe(1);
    await take(welcome('e1', false), event(1, { message: message(1) }), event(2, { message: message(2) }));
    expect(await texts()).toEqual([1, 2]);
  });

  it('takes no cursor from a snapshot of which a page could not be stored', async () => {
    const page = (more: boolean, conv: unknown) => ({ ...snapshot(7, [{ conv, with: 'bob', name: 'bob' } as wire.Conversation]), more });
    await take(welcome('e1', true), page(true, undefined), page(false, 'c2')); // no key: the database refuses
    expect(failures).toBe(1);
    expect(await mailbox.cursor()).toBeUndefined();
    await take(welcome('e1', true), page(true, 'c1'), page(false, 'c2'));
    expect(await mailbox.cursor()).toEqual({ epoch: 'e1', pos: 7 });
    expect(get(mailbox.conversations)).toHaveLength(2);
  });

  it('brings nothing back by a page of history that is gone since', async () => {
    await empty();
    await take(event(1, { message: message(1, 'bob', { text: 'soon gone' }) }));
    history = async () => {
      await take(event(2, { message: message(1, 'bob', { text: '', gone: 'expired' }) }));
      return { type: 'history.page', re: '1', conv: 'c1', messages: [message(1, 'bob', { text: 'soon gone' })] };
    };
    await mailbox.fetchOlder('c1', 0, 50);
    expect((await db.getAll('messages')).map(({ text, gone }) => [text, gone])).toEqual([['', 'expired']]);
  });

  it('replaces everything by a snapshot, except texts that wait to be sent', async () => {
    await empty();
    await take(event(1, { message: message(1) }));
    await db.add('outbox', { cid: 'w', to: 'bob', text: 'waits', at: 0, state: 'waiting' });
    await db.add('outbox', { cid: 'a', to: 'bob', text: 'was accepted', at: 0, state: 'accepted' });
    const last = message(9, 'ann', { conv: 'c2', with: 'ann' });
    const row = { conv: 'c2', with: 'ann', name: 'Ann', head: 9, read: 4, unread: 5, their_read: 0, their_delivered: 0, last };
    await take(welcome('e2', true), snapshot(30, [row]));
    expect(await mailbox.cursor()).toEqual({ epoch: 'e2', pos: 30 });
    expect(get(mailbox.conversations)).toEqual([row]);
    expect(await texts()).toEqual([9]);
    expect((await db.getAll('outbox')).map((pending) => pending.cid)).toEqual(['w']);
    expect(told.at(-1)).toEqual({ type: 'ack', pos: 30 });
  });

  it('shows a snapshot page by page, and has no cursor before the last', async () => {
    await empty();
    await take(event(1, { message: message(1) }));
    const row = (conv: string) => ({ conv, with: conv, name: conv, head: 9, read: 9, unread: 0, their_read: 0, their_delivered: 0 });
    await take(welcome('e2', true), { ...snapshot(30, [row('c2')]), more: true });
    expect(get(mailbox.conversations).map((one) => one.conv)).toEqual(['c2']);
    expect(await mailbox.cursor()).toBeUndefined();
    expect(told.filter((frame) => frame.type === 'ack').at(-1)).toEqual({ type: 'ack', pos: 1 });
    await take(snapshot(30, [row('c3')]), event(31, { message: message(10, 'c3', { conv: 'c3', with: 'c3' }) }));
    expect(get(mailbox.conversations).map((one) => one.conv)).toEqual(['c2', 'c3']);
    expect(await mailbox.cursor()).toEqual({ epoch: 'e2', pos: 31 });
  });

  it('does not count again what a snapshot of a later state has counted', async () => {
    const row = { conv: 'c1', with: 'bob', name: 'bob', head: 5, read: 3, unread: 2, their_read: 0, their_delivered: 0, last: message(5) };
    await take(welcome('e1', true), snapshot(10, [row]));
    await take(event(11, { message: message(4) }), event(12, { message: message(5) }), event(13, { message: message(6) }));
    expect(conversation()).toMatchObject({ head: 6, unread: 3 });
    expect(arrived.map((one) => one.seq)).toEqual([6]);
  });

  it('lets a message vanish that is gone, and keeps its place', async () => {
    await empty();
    await take(event(1, { message: message(1) }), event(2, { message: message(2) }));
    const { text: _, ...place } = message(2);
    await take(event(3, { message: { ...place, gone: 'expired' } }));
    expect(conversation()).toMatchObject({ head: 2, unread: 1 });
    expect(conversation().last?.seq).toBe(1);
    expect(await texts()).toEqual([1, 2]);
    expect(timeline(await db.getAll('messages'), me, Infinity).filter((item) => item.kind === 'message')).toHaveLength(1);
    expect(arrived.map((one) => one.seq)).toEqual([1, 2]);
    expect(await mailbox.cursor()).toEqual({ epoch: 'e1', pos: 3 });
  });

  it('never shows what was not delivered in time, and begins no conversation by it', async () => {
    await empty();
    const { text: _, ...place } = message(1);
    await take(event(1, { message: { ...place, gone: 'expired' } }), event(2, { message: { ...place, gone: 'expired' } }));
    expect(get(mailbox.conversations)).toEqual([]);
    expect(arrived).toEqual([]);
    await take(event(3, { message: message(2) }));
    expect(conversation()).toMatchObject({ head: 2, unread: 1 });
    const thread = new Thread(mailbox, 'bob');
    await thread.refresh();
    expect(get(thread.view).messages.map((one) => one.seq)).toEqual([1, 2]);
    expect(get(thread.view).more).toBe(false);
    thread.close();
  });

  it('says to the sender what was not delivered in time', async () => {
    await empty();
    await take(event(1, { message: message(1, me) }), event(2, { message: message(1, me, { gone: 'expired' }) }));
    expect(conversation()).toMatchObject({ unread: 0, last: { seq: 1, gone: 'expired' } });
    const [stored] = await db.getAll('messages');
    expect(markOf(stored!, conversation())).toBe('Not delivered in time');
    expect(timeline([stored!], me, Infinity).filter((item) => item.kind === 'message')).toHaveLength(1);
  });

  it('raises marks by receipts and never lowers them', async () => {
    await empty();
    await take(
      event(1, { message: message(1, me) }),
      event(2, { receipt: { conv: 'c1', account: 'bob', delivered: 1 } }),
      event(3, { receipt: { conv: 'c1', account: 'bob', read: 1 } }),
      event(4, { receipt: { conv: 'c1', account: 'bob', delivered: 0 } }),
    );
    expect(conversation()).toMatchObject({ their_delivered: 1, their_read: 1, unread: 0 });
  });

  it('counts unread after reading on another device', async () => {
    await empty();
    await take(...[1, 2, 3].map((pos) => event(pos, { message: message(pos) })));
    await take(event(4, { message: message(4, me) }));
    await take(event(5, { receipt: { conv: 'c1', account: me, read: 2 } }));
    expect(conversation()).toMatchObject({ read: 2, unread: 1 });
    await take(event(6, { receipt: { conv: 'c1', account: me, read: 4 } }));
    expect(conversation()).toMatchObject({ read: 4, unread: 0 });
  });

  it('marks a voice message as played', async () => {
    await empty();
    await take(event(1, { message: message(1, me, { kind: 'voice' }) }));
    await take(event(2, { receipt: { conv: 'c1', account: 'bob', played: 'm1' } }));
    expect(await db.get('messages', ['c1', 1])).toMatchObject({ played: true });
    expect(conversation().last?.played).toBe(true);
  });

  it('takes the own text out of the outbox when the log brings it', async () => {
    await empty();
    await db.add('outbox', { cid: 'x', to: 'bob', text: 'hi', at: 0, state: 'waiting' });
    await take(event(1, { message: message(1, me, { cid: 'x', device: 'd' }) }));
    expect(await db.getAll('outbox')).toEqual([]);
  });

  it('tells once per mark that it was read, and that others were played', async () => {
    await empty();
    await take(event(1, { message: message(1) }), event(2, { message: message(2, me) }));
    told = [];
    mailbox.read(conversation(), 2);
    mailbox.read(conversation(), 2);
    mailbox.read(conversation(), 1);
    await mailbox.played(message(1));
    await mailbox.played(message(2, me));
    await mailbox.played(message(3, 'bob', { played: true }));
    expect(told).toEqual([
      { type: 'read', conv: 'c1', seq: 2 },
      { type: 'played', mid: 'm1' },
    ]);
  });

  it('tells what was heard again until the server knows', async () => {
    await empty();
    await take(event(1, { message: message(1) }));
    await mailbox.played(message(1)); // and the line breaks
    told = [];
    await take(welcome('e1', false));
    expect(told).toEqual([{ type: 'played', mid: 'm1' }]);
    await take(event(2, { receipt: { conv: 'c1', account: me, played: 'm1' } }));
    told = [];
    await take(welcome('e1', false));
    await take(welcome('e1', false));
    expect(told).toEqual([]);
  });

  describe('Thread', () => {
    const row = { conv: 'c1', with: 'bob', name: 'bob', head: 130, read: 130, unread: 0, their_read: 0, their_delivered: 0 };

    it('fetches what is not held, and stops at the first message', async () => {
      const asked: number[] = [];
      history = (frame) => {
        asked.push(frame.before!);
        const end = frame.before || 131;
        const start = Math.max(1, end - frame.limit!);
        const messages = Array.from({ length: end - start }, (_, i) => message(start + i));
        return Promise.resolve({ type: 'history.page', re: '1', conv: 'c1', messages, more: start > 1 });
      };
      await take(welcome('e1', true), snapshot(5, [{ ...row, last: message(130) }]));
      const thread = new Thread(mailbox, 'bob');
      await thread.refresh();
      expect(get(thread.view)).toMatchObject({ more: true, loading: false });
      expect(get(thread.view).messages.map((one) => one.seq)).toEqual(Array.from({ length: 60 }, (_, i) => 71 + i));
      await thread.older();
      await thread.older();
      expect(get(thread.view).messages).toHaveLength(130);
      expect(get(thread.view).more).toBe(false);
      expect(asked).toEqual([130, 70, 10]);
      thread.close();
    });

    it('never shows over a hole', async () => {
      await take(welcome('e1', true), snapshot(5, [{ ...row, last: message(130) }]));
      await db.put('messages', message(128));
      const thread = new Thread(mailbox, 'bob');
      await thread.refresh();
      expect(get(thread.view).messages.map((one) => one.seq)).toEqual([130]);
      expect(get(thread.view).problem).not.toBe('');
      thread.close();
    });

    it('tells in every tab which lines have come as messages', async () => {
      await empty();
      const told: [string, string[]][] = [];
      const tab = (name: string) =>
        new Mailbox({
          db,
          reader: { account: me, nameOf },
          server: { tell: () => true, request: () => Promise.reject(disconnected()), helloAgain: async () => {} },
          onArrived: () => {},
          onStored: (cids) => cids.length > 0 && told.push([name, cids]),
          onFailure: () => {},
        });
      const [here, there] = [tab('here'), tab('there')];
      here.take(event(1, { message: message(1, 'bob', { cid: 'theirs' }) }));
      here.take(event(2, { message: message(2, me, { cid: 'mine' }) }));
      await here.settled();
      await vi.waitFor(() => expect(told).toEqual([['here', ['theirs']], ['there', ['theirs']]]));
      here.close();
      there.close();
    });

    it('shows what another tab stored', async () => {
      await empty();
      const thread = new Thread(mailbox, 'bob');
      const other = new BroadcastChannel(`parley-${me}`);
      await db.put('messages', message(1));
      await db.put('conversations', { ...row, head: 1 });
      other.postMessage('changed');
      await vi.waitFor(() => expect(get(thread.view).messages).toHaveLength(1));
      other.close();
      thread.close();
    });
  });
});
