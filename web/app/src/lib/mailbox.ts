// The account's mailbox on this device: takes in the log, tells the server how
// far it is stored, and offers what it holds.
//
// Order: frames of the log are applied one after the other, in the order in
// which they came, many in one transaction when many wait. An ack follows the
// transaction. A missed position is healed by saying hello again; what comes
// until the next welcome is left aside.

import { writable, type Readable } from 'svelte/store';
import { write, type Cursor, type Database } from './database';
import { Problem } from './errors';
import { applyEvents, applyHistory, applySnapshot, clear, newest, received, type Reader } from './log';
import type { Request, Reply } from './socket';
import type * as wire from './wire';

type LogFrame = wire.Welcome | wire.Snapshot | wire.Event;

/** Server is what the mailbox asks of the connection. */
export interface Server {
  tell: (frame: wire.ClientFrame) => boolean;
  request: (frame: Request) => Promise<Reply>;
  helloAgain: () => Promise<void>;
}

export interface Options {
  db: Database;
  reader: Reader;
  server: Server;
  /** messages that just came in from others and are new to all tabs */
  onArrived: (messages: wire.Message[]) => void;
  /** the cids of the same, in every tab */
  onStored?: (cids: string[]) => void;
  /** the database refused, for example because the disk is full */
  onFailure: (error: unknown) => void;
}

/** Events that go into one transaction at most. */
const batch = 200;

/** The pause after the database refused, for example because the disk is full. */
const retry = 5_000;

export class Mailbox {
  /** every conversation, in no order */
  readonly conversations: Readable<wire.Conversation[]>;
  /** what waits, as the server counts it; null until it has */
  readonly summary: Readable<wire.MailboxSummary | null>;

  private readonly options: Options;
  private readonly shown = writable<wire.Conversation[]>([]);
  private readonly waiting = writable<wire.MailboxSummary | null>(null);
  private readonly listeners = new Set<() => void>();
  private readonly tabs: BroadcastChannel;
  private queue: LogFrame[] = [];
  private running = false;
  private working: Promise<void> = Promise.resolve();
  private lost = false; // a position was missed; waits for the next welcome
  private fresh: { epoch: string; cleared: boolean } | null = null; // a welcome that resets; its snapshot is due
  private again: ReturnType<typeof setTimeout> | undefined; // after a failure
  private readonly readSent = new Map<string, number>();

  constructor(options: Options) {
    this.options = options;
    this.conversations = this.shown;
    this.summary = this.waiting;
    this.tabs = new BroadcastChannel(`parley-${options.reader.account}`);
    this.tabs.onmessage = ({ data }: MessageEvent<{ stored?: string[] }>) => {
      options.onStored?.(data.stored ?? []);
      void this.show();
    };
  }

  close(): void {
    clearTimeout(this.again);
    this.tabs.close();
    this.listeners.clear();
  }

  /** cursor is what hello tells of this device. */
  cursor(): Promise<Cursor | undefined> {
    return this.options.db.get('cursor', 'cursor');
  }

  /** take accepts a frame of the log. It returns at once; frames keep their order. */
  take(frame: LogFrame): void {
    this.queue.push(frame);
    if (!this.running) {
      this.running = true;
      this.working = this.work();
    }
  }

  /** sum accepts what the server counts. */
  sum(frame: wire.MailboxSummary): void {
    this.waiting.set(frame);
  }

  /** settled resolves when everything taken so far has been applied. */
  settled(): Promise<void> {
    return this.working;
  }

  /** onChange calls back after anything stored has changed, in this tab or another. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** changed makes every tab read again, and tells it the cids of what came in. */
  async changed(cids: string[] = []): Promise<void> {
    this.tabs.postMessage({ stored: cids });
    this.options.onStored?.(cids);
    await this.show();
  }

  /** show reads again what is offered. */
  async show(): Promise<void> {
    this.shown.set(await this.options.db.getAll('conversations'));
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** messages are the newest ones of a conversation, without a gap, ascending. */
  messages(conversation: wire.Conversation, limit: number): Promise<wire.Message[]> {
    return newest(this.options.db, conversation, limit);
  }

  /**
   * fetchOlder stores a page of messages before seq (0: the newest) and returns
   * how many there were. Rejects with a Problem.
   */
  async fetchOlder(conv: string, before: number, limit: number): Promise<number> {
    const page = await this.options.server.request({ type: 'history', conv, before, limit });
    if (page.type !== 'history.page') {
      return 0;
    }
    await write(this.options.db, (tx) => applyHistory(tx, page.messages));
    await this.changed();
    return page.messages.length;
  }

  /** read tells that a conversation was seen up to seq. The mark itself comes back through the log. */
  read(conversation: wire.Conversation, seq: number): void {
    const { conv, read } = conversation;
    if (seq > read && seq > (this.readSent.get(conv) ?? 0) && this.options.server.tell({ type: 'read', conv, seq })) {
      this.readSent.set(conv, seq);
    }
  }

  /** played tells that a voice message was really heard, as soon as there is somebody to tell. */
  async played(message: wire.Message): Promise<void> {
    if (received(message, this.options.reader.account) && !message.played) {
      await this.options.db.put('heard', message.mid, message.mid);
      this.options.server.tell({ type: 'played', mid: message.mid });
    }
  }

  /** stopped keeps where a voice message was stopped, on all devices as soon as there is somebody to tell. */
  async stopped(message: wire.Message, ms: number): Promise<void> {
    const { db, server, reader } = this.options;
    if (!received(message, reader.account)) {
      return;
    }
    await write(db, async (tx) => {
      const stored = await tx.objectStore('messages').get([message.conv, message.seq]);
      if (stored && !stored.gone) {
        await tx.objectStore('messages').put({ ...stored, resume_ms: ms });
      }
    });
    if (!server.tell({ type: 'resume', mid: message.mid, at_ms: ms })) {
      await db.put('places', ms, message.mid);
    }
  }

  private async tellPlaces(): Promise<void> {
    const { db, server } = this.options;
    for (const mid of await db.getAllKeys('places')) {
      const at_ms = (await db.get('places', mid)) ?? 0;
      if (server.tell({ type: 'resume', mid, at_ms })) {
        await db.delete('places', mid);
      }
    }
  }

  /** tellHeard tells once more what was heard, until the log says that the server knows. */
  private async tellHeard(): Promise<void> {
    const { db, server } = this.options;
    for (const mid of await db.getAll('heard')) {
      const message = await db.getFromIndex('messages', 'mid', mid);
      if (!message?.played) {
        server.tell({ type: 'played', mid });
      }
      if (message === undefined || message.played) {
        await db.delete('heard', mid);
      }
    }
  }

  /** move puts a message of somebody else into a folder, on all devices. Rejects with a Problem. */
  async move(message: wire.Message, folder: wire.Folder): Promise<void> {
    await this.options.server.request({ type: 'move', mid: message.mid, folder });
  }

  /** settle sends a draft of the own, or throws it away, on all devices. Rejects with a Problem. */
  async settle(draft: wire.Message, action: 'send' | 'discard'): Promise<void> {
    await this.options.server.request({ type: 'draft.set', mid: draft.mid, action });
  }

  /** mark sets whether a voice message counts as heard, on all devices. Rejects with a Problem. */
  async mark(message: wire.Message, heard: boolean): Promise<void> {
    if (!heard) {
      await this.options.db.delete('heard', message.mid); // it would be told once more
    }
    await this.options.server.request({ type: 'mark', mid: message.mid, heard });
  }

  /** forward passes a message on. The same cid may be tried again. Rejects with a Problem. */
  async forward(message: wire.Message, cid: string, to: wire.AccountID, comment: string): Promise<void> {
    const reply = await this.options.server.request({ type: 'forward', cid, mid: message.mid, to, comment });
    if (reply.type === 'rejected') {
      throw new Problem(reply.code, reply.message, reply.retry_after_ms);
    }
  }

  /** steps are how far a message has come. Rejects with a Problem. */
  async steps(message: wire.Message): Promise<wire.Step[]> {
    const reply = await this.options.server.request({ type: 'steps', mid: message.mid });
    return reply.type === 'steps.list' ? reply.steps : [];
  }

  /** fetchShelf stores a page of the mailbox and returns it. Rejects with a Problem. */
  async fetchShelf(query: Omit<wire.Shelf, 'type' | 'id'>): Promise<wire.ShelfPage> {
    const page = await this.options.server.request({ type: 'shelf', ...query });
    if (page.type !== 'shelf.page') {
      throw new Problem('internal', 'The server answered with something else.');
    }
    await write(this.options.db, (tx) => applyHistory(tx, page.messages));
    return page;
  }

  /** fetchCalls stores a page of calls in both directions and returns it. Rejects with a Problem. */
  async fetchCalls(query: Omit<wire.Calls, 'type' | 'id'>): Promise<wire.CallsPage> {
    const page = await this.options.server.request({ type: 'calls', ...query });
    if (page.type !== 'calls.page') {
      throw new Problem('internal', 'The server answered with something else.');
    }
    await write(this.options.db, (tx) => applyHistory(tx, page.messages));
    return page;
  }

  /**
   * held lists messages that are held and fit, newest first: so many, and all
   * that are not older than a time (Unix ms). There may be others that are not held.
   */
  async held(fits: (message: wire.Message) => boolean, limit: number, since = Infinity): Promise<wire.Message[]> {
    const { db } = this.options;
    const found: wire.Message[] = [];
    let cursor = await db.transaction('messages').store.index('time').openCursor(null, 'prev');
    while (cursor && (found.length < limit || cursor.value.time >= since)) {
      if (!cursor.value.gone && fits(cursor.value)) {
        found.push(cursor.value);
      }
      cursor = await cursor.continue();
    }
    return found;
  }

  /** behind are the messages of a conversation that are held without a gap behind a seq, ascending. */
  async behind({ conv, seq }: wire.Message, limit: number): Promise<wire.Message[]> {
    const held = await this.options.db.getAll('messages', IDBKeyRange.bound([conv, seq + 1], [conv, seq + limit]));
    return held.filter((message, place) => message.seq === seq + 1 + place);
  }

  /** remove takes a message of somebody else out of the mailbox for good, on all devices. Rejects with a Problem. */
  async remove(message: wire.Message): Promise<void> {
    await this.options.server.request({ type: 'remove', mid: message.mid });
  }

  private async work(): Promise<void> {
    while (this.queue.length > 0) {
      try {
        await this.next();
      } catch (error) {
        // Nothing of that transaction is stored, the cursor neither: the next
        // event will be out of place and bring everything again, and so does
        // time. The rest of a snapshot would leave a hole.
        this.lost = this.fresh !== null;
        this.fresh = null;
        this.options.onFailure(error);
        clearTimeout(this.again);
        this.again = setTimeout(() => void this.options.server.helloAgain(), retry);
      }
    }
    this.running = false;
  }

  /** next applies the oldest frame, or as many events as fit into one transaction. */
  private async next(): Promise<void> {
    const frame = this.queue[0]!;
    if (frame.type === 'event') {
      const first = this.queue.findIndex((other) => other.type !== 'event');
      const events = this.queue.splice(0, Math.min(batch, first < 0 ? this.queue.length : first));
      await this.takeEvents(events as wire.Event[]);
      return;
    }
    this.queue.shift();
    if (frame.type === 'welcome') {
      clearTimeout(this.again);
      this.lost = false;
      this.fresh = frame.reset ? { epoch: frame.epoch, cleared: false } : null;
      this.readSent.clear();
      await this.tellHeard();
      await this.tellPlaces();
    } else if (this.fresh !== null) {
      await this.takeSnapshot(this.fresh, frame);
    }
  }

  private async takeEvents(events: wire.Event[]): Promise<void> {
    if (this.lost || this.fresh !== null) {
      return;
    }
    const { db, reader, server, onArrived } = this.options;
    const { stored, fresh, gap } = await write(db, (tx) => applyEvents(tx, reader, events));
    this.lost = gap;
    for (const { receipt, message } of events) {
      const mid = receipt?.played ?? (message?.played ? message.mid : undefined);
      if (mid !== undefined) {
        await db.delete('heard', mid); // the server knows
      }
    }
    const arrived = fresh.filter((message) => message.from !== reader.account);
    if (stored > 0) {
      server.tell({ type: 'ack', pos: stored });
      await this.changed(arrived.flatMap(({ cid }) => cid ?? []));
    }
    if (arrived.length > 0) {
      onArrived(arrived);
    }
    if (gap) {
      await server.helloAgain();
    }
  }

  /** takeSnapshot stores a page, which is shown at once. Until the last one this device has no cursor. */
  private async takeSnapshot(fresh: { epoch: string; cleared: boolean }, snapshot: wire.Snapshot): Promise<void> {
    await write(this.options.db, async (tx) => {
      if (!fresh.cleared) {
        await clear(tx);
      }
      await applySnapshot(tx, fresh.epoch, snapshot);
    });
    fresh.cleared = true;
    if (!snapshot.more) {
      this.fresh = null;
      this.options.server.tell({ type: 'ack', pos: snapshot.pos });
    }
    await this.changed();
  }
}
