// Texts and voice notes on their way to the server.
//
// A message is stored with its cid before its first transmission and sent
// again, with that same cid, until the server answers: accepted (it stays until
// the log brings the message itself) or rejected. A text goes through the
// socket, a note as an upload, which begins anew when it is cut. To each person
// one message is under way at a time, so that they arrive in the order in which
// they were made.
//
// All tabs of a browser share one outbox. A lock for each person, which the
// browser takes back from a tab that is closed, lets one of them send.
//
// A private line is held here from before it is sent in its call until the far
// end has it. When the call breaks first, the line goes as a message; so it
// does when its tab is gone, which the other tabs learn by the lock that a tab
// holds while it is in a call.

import { writable, type Readable } from 'svelte/store';
import { chunksOf, type Database, type Pending } from './database';
import { soundOf } from './drafts';
import { Problem } from './errors';
import { newID } from './id';
import { keep } from './keep';
import type { Reply, Request } from './socket';
import type { Upload } from './upload';
import type * as wire from './wire';

export interface Options {
  /** names what this account's tabs share; only one of them sends at a time */
  name: string;
  /** the lock of the tab that is in a call */
  callLock: string;
  db: Database;
  request: (frame: Request) => Promise<Reply>;
  upload: Upload;
  /** told after every change; it lets every tab, this one included, call show */
  onChange: () => Promise<void>;
  now?: () => number;
}

/** The pause before a message is sent again when the server asked for none. */
const pause = 5_000;

/** Refusals that are about the moment, not about the message; a gateway says that the server is away by its status. */
const temporary = new Set(['disconnected', 'no_session', 'rate_limited', 'unavailable', 'internal', 'slow', 'http_502', 'http_503', 'http_504']);

export class Outbox {
  /** everything not yet seen in the log, in the order of writing */
  readonly pending: Readable<Pending[]>;
  /** how much of each note is under way to the server from this tab, 0 to 1, by cid */
  readonly progress: Readable<ReadonlyMap<string, number>>;

  private readonly options: Required<Options>;
  private readonly shown = writable<Pending[]>([]);
  private readonly sending = writable<ReadonlyMap<string, number>>(new Map());
  private readonly busy = new Set<wire.AccountID>(); // people to whom a message is under way
  private readonly own = new Set<string>(); // lines that this tab's call may yet bring
  private inheriting = false;
  private readonly notBefore = new Map<wire.AccountID, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(options: Options) {
    this.options = { now: Date.now, ...options };
    this.pending = this.shown;
    this.progress = this.sending;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** add stores a text and begins to send it. It resolves when the text is stored. */
  async add(to: wire.AccountID, text: string): Promise<void> {
    await this.options.db.add('outbox', { cid: newID(), to, text, at: this.options.now(), state: 'waiting' });
    await this.options.onChange();
    void this.flush();
  }

  /** hold stores a private line that is about to be sent in its call. */
  async hold(to: wire.AccountID, cid: string, text: string): Promise<void> {
    this.own.add(cid);
    await this.options.db.add('outbox', { cid, to, text, at: this.options.now(), state: 'held' });
    await this.options.onChange();
  }

  /** letGo sends as messages the held lines that their call brings no more. */
  async letGo(cids: string[]): Promise<void> {
    const tx = this.options.db.transaction('outbox', 'readwrite', { durability: 'strict' });
    for (const cid of cids) {
      this.own.delete(cid);
      const pending = await tx.store.index('cid').get(cid);
      if (pending?.state === 'held') {
        await tx.store.put({ ...pending, state: 'waiting' });
      }
    }
    await tx.done;
    await this.options.onChange();
    void this.flush();
  }

  /** tryAgain sends a refused message once more, as the same send. */
  async tryAgain(cid: string): Promise<void> {
    await this.update(cid, { state: 'waiting', reason: undefined });
    void this.flush();
  }

  async remove(cid: string): Promise<void> {
    this.own.delete(cid);
    const tx = this.options.db.transaction(['outbox', 'chunks'], 'readwrite');
    const order = await tx.objectStore('outbox').index('cid').getKey(cid);
    if (order !== undefined) {
      await tx.objectStore('outbox').delete(order);
      await tx.objectStore('chunks').delete(chunksOf(cid));
    }
    await tx.done;
    await this.options.onChange();
  }

  /** welcomed sends what waits: a new session knows nothing of earlier attempts. */
  welcomed(): void {
    this.notBefore.clear();
    void this.flush();
  }

  /** show reads again what is offered. */
  async show(): Promise<void> {
    const read = await this.options.db.getAll('outbox');
    if (read.some((pending) => this.orphaned(pending))) {
      void this.inherit();
    }
    const offered = read.filter(({ state }) => state !== 'held');
    this.shown.update((shown) => keep(shown, offered, ({ cid, state, reason }) => `${cid} ${state} ${reason}`));
  }

  /** flush sends the first waiting message to everybody who has none under way. */
  async flush(): Promise<void> {
    const first = new Map<wire.AccountID, Pending>();
    for (const pending of await this.options.db.getAll('outbox')) {
      if (pending.state === 'waiting' && !first.has(pending.to)) {
        first.set(pending.to, pending);
      }
    }
    if (this.closed) {
      return;
    }
    const now = this.options.now();
    let next = Infinity;
    for (const [to, pending] of first) {
      const due = this.notBefore.get(to) ?? 0;
      if (this.busy.has(to)) {
        continue;
      }
      if (due <= now) {
        void this.send(pending);
      } else {
        next = Math.min(next, due);
      }
    }
    clearTimeout(this.timer);
    if (next < Infinity) {
      this.timer = setTimeout(() => void this.flush(), next - now);
    }
  }

  private orphaned({ state, cid }: Pending): boolean {
    return state === 'held' && !this.own.has(cid);
  }

  /** inherit lets go the lines of another tab, as soon as that is in no call any more. */
  private async inherit(): Promise<void> {
    if (this.inheriting || this.closed) {
      return;
    }
    this.inheriting = true;
    try {
      await exclusively(this.options.callLock, async () => {
        const all = this.closed ? [] : await this.options.db.getAll('outbox');
        await this.letGo(all.filter((pending) => this.orphaned(pending)).map(({ cid }) => cid));
      });
    } finally {
      this.inheriting = false;
    }
  }

  /** send transmits a message, unless another tab has done it meanwhile. */
  private async send(pending: Pending): Promise<void> {
    const { cid, to } = pending;
    this.busy.add(to);
    try {
      await exclusively(`${this.options.name}-outbox-${to}`, async () => {
        const still = await this.options.db.getFromIndex('outbox', 'cid', cid);
        if (still?.state === 'waiting' && !this.closed) {
          await this.transmit(pending);
        }
      });
    } finally {
      this.busy.delete(to);
    }
    void this.flush();
  }

  private async transmit(pending: Pending): Promise<void> {
    const { cid, to, text, note } = pending;
    try {
      if (note !== undefined) {
        const sound = await soundOf(this.options.db, { cid, type: note.type });
        await this.accepted(cid, await this.options.upload({ cid, to, sound }, (part) => this.underWay(cid, part)));
        return;
      }
      const reply = await this.options.request({ type: 'send', cid, to, text });
      if (reply.type === 'accepted') {
        await this.accepted(cid, reply);
      } else if (reply.type === 'rejected') {
        await this.refused(cid, to, reply.message, reply.retryable === true, reply.retry_after_ms);
      }
    } catch (error) {
      if (!(error instanceof Problem)) {
        throw error;
      }
      await this.refused(cid, to, error.message, temporary.has(error.code), error.retryAfterMs);
    } finally {
      this.underWay(cid);
    }
  }

  /** underWay says how much of a note has left; nothing when it is under way no more. */
  private underWay(cid: string, part?: number): void {
    this.sending.update((all) => {
      const next = new Map(all);
      if (part === undefined) {
        next.delete(cid);
      } else {
        next.set(cid, part);
      }
      return next;
    });
  }

  /** accepted waits for the log to bring the message, unless this device is beyond it: a snapshot brings no event. */
  private async accepted(cid: string, { conv, seq }: Pick<wire.Accepted, 'conv' | 'seq'>): Promise<void> {
    const held = await this.options.db.get('conversations', conv);
    if (held !== undefined && held.head >= seq) {
      await this.remove(cid);
    } else {
      await this.update(cid, { state: 'accepted' });
    }
  }

  private async refused(cid: string, to: wire.AccountID, reason: string, retryable: boolean, after = 0): Promise<void> {
    if (!retryable) {
      await this.update(cid, { state: 'failed', reason });
      return;
    }
    this.notBefore.set(to, this.options.now() + (after || pause));
  }

  /** update changes a message that is still here: the log may have brought it meanwhile. */
  private async update(cid: string, change: Partial<Pending>): Promise<void> {
    const tx = this.options.db.transaction('outbox', 'readwrite', { durability: 'strict' });
    const pending = await tx.store.index('cid').get(cid);
    if (pending !== undefined) {
      await tx.store.put({ ...pending, ...change });
    }
    await tx.done;
    await this.options.onChange();
  }
}

/** exclusively runs work while no other tab runs work of that name. Where there are no locks, the server tells repetitions apart. */
function exclusively(name: string, work: () => Promise<void>): Promise<void> {
  const locks = globalThis.navigator?.locks as LockManager | undefined;
  return locks === undefined ? work() : locks.request(name, work);
}
