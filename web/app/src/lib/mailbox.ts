// The account's mailbox on this device: takes in the log, tells the server how
// far it is stored, and offers what it holds.
//
// Order: frames of the log are applied one after the other, in the order in
// which they came, many in one transaction when many wait. An ack follows the
// transaction. A missed position is healed by saying hello again; what comes
// until the next welcome is left aside.

import { writable, type Readable } from 'svelte/store';
import { write, type Cursor, type Database } from './database';
import { applyEvents, applyHistory, applySnapshot, clear, newest, type Reader } from './log';
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

  private readonly options: Options;
  private readonly shown = writable<wire.Conversation[]>([]);
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
    this.tabs = new BroadcastChannel(`parley-${options.reader.account}`);
    this.tabs.onmessage = () => void this.show();
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

  /** settled resolves when everything taken so far has been applied. */
  settled(): Promise<void> {
    return this.working;
  }

  /** onChange calls back after anything stored has changed, in this tab or another. */
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** changed makes every tab read again. */
  async changed(): Promise<void> {
    this.tabs.postMessage('changed');
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
    if (message.from !== this.options.reader.account && !message.played) {
      await this.options.db.put('heard', message.mid, message.mid);
      this.options.server.tell({ type: 'played', mid: message.mid });
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

  /** remove takes a message of somebody else out of the mailbox, on all devices. Rejects with a Problem. */
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
    if (stored > 0) {
      server.tell({ type: 'ack', pos: stored });
      await this.changed();
    }
    const arrived = fresh.filter((message) => message.from !== reader.account);
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
