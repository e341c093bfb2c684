// Texts on their way to the server.
//
// A text is stored with its cid before its first transmission and sent again,
// with that same cid, until the server answers: accepted (it stays until the
// log brings the message itself) or rejected. To each person one text is under
// way at a time, so that texts arrive in the order in which they were written.
//
// All tabs of a browser share one outbox. A lock for each person, which the
// browser takes back from a tab that is closed, lets one of them send.

import { writable, type Readable } from 'svelte/store';
import type { Database, Pending } from './database';
import { Problem } from './errors';
import { keep } from './keep';
import type { Reply, Request } from './socket';
import type * as wire from './wire';

export interface Options {
  /** names what this account's tabs share; only one of them sends at a time */
  name: string;
  db: Database;
  request: (frame: Request) => Promise<Reply>;
  /** told after every change; it lets every tab, this one included, call show */
  onChange: () => Promise<void>;
  now?: () => number;
}

/** The pause before a text is sent again when the server asked for none. */
const pause = 5_000;

/** Refusals that are about the moment, not about the text. */
const temporary = new Set(['disconnected', 'rate_limited', 'unavailable', 'internal']);

export class Outbox {
  /** everything not yet seen in the log, in the order of writing */
  readonly pending: Readable<Pending[]>;

  private readonly options: Required<Options>;
  private readonly shown = writable<Pending[]>([]);
  private readonly busy = new Set<wire.AccountID>(); // people to whom a text is under way
  private readonly notBefore = new Map<wire.AccountID, number>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private closed = false;

  constructor(options: Options) {
    this.options = { now: Date.now, ...options };
    this.pending = this.shown;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** add stores a text and begins to send it. It resolves when the text is stored. */
  async add(to: wire.AccountID, text: string): Promise<void> {
    await this.options.db.add('outbox', { cid: newCID(), to, text, at: this.options.now(), state: 'waiting' });
    await this.options.onChange();
    void this.flush();
  }

  /** tryAgain sends a refused text once more, as the same send. */
  async tryAgain(cid: string): Promise<void> {
    await this.update(cid, { state: 'waiting', reason: undefined });
    void this.flush();
  }

  async remove(cid: string): Promise<void> {
    const order = await this.options.db.getKeyFromIndex('outbox', 'cid', cid);
    if (order !== undefined) {
      await this.options.db.delete('outbox', order);
      await this.options.onChange();
    }
  }

  /** welcomed sends what waits: a new session knows nothing of earlier attempts. */
  welcomed(): void {
    this.notBefore.clear();
    void this.flush();
  }

  /** show reads again what is offered. */
  async show(): Promise<void> {
    const read = await this.options.db.getAll('outbox');
    this.shown.update((shown) => keep(shown, read, ({ cid, state, reason }) => `${cid} ${state} ${reason}`));
  }

  /** flush sends the first waiting text to everybody who has none under way. */
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

  /** send transmits a text, unless another tab has done it meanwhile. */
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

  private async transmit({ cid, to, text }: Pending): Promise<void> {
    try {
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
    }
  }

  /** accepted waits for the log to bring the message, unless this device is beyond it: a snapshot brings no event. */
  private async accepted(cid: string, { conv, seq }: wire.Accepted): Promise<void> {
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

  /** update changes a text that is still here: the log may have brought it meanwhile. */
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

/** newCID is 128 random bits in hexadecimal. */
function newCID(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
