// Voice notes that are not sent yet, as this browser keeps them.
//
// A note is stored while it is recorded, chunk by chunk, so that a tab that
// dies loses no more than the last one. Its cid is that of the send it may
// become: `send` moves it into the outbox in one transaction, once, whoever
// asks for it and however often. The tab that records a note holds a lock of
// its name, which the browser takes back from a tab that is gone: a draft
// without one is shown to be listened to, sent or thrown away.

import { writable, type Readable } from 'svelte/store';
import { chunksOf, type Database, type Draft } from './database';
import { keep } from './keep';
import { newID } from './id';
import type * as wire from './wire';

export interface Options {
  /** names what this account's tabs share */
  name: string;
  db: Database;
  /** told after every change; it lets every tab, this one included, call show */
  onChange: () => Promise<void>;
  locks?: Pick<LockManager, 'request' | 'query'> | undefined;
  now?: () => number;
}

export class Drafts {
  /** the unsent notes that no tab records, the oldest first */
  readonly found: Readable<Draft[]>;

  private readonly options: Options;
  private readonly shown = writable<Draft[]>([]);
  private readonly releases = new Map<string, () => void>(); // by cid, of the own locks

  constructor(options: Options) {
    this.options = { locks: globalThis.navigator?.locks as LockManager | undefined, ...options };
    this.found = this.shown;
  }

  /** close lets go of the own notes: whoever opens the page next finds them. */
  close(): void {
    this.releases.forEach((release) => release());
  }

  /** recall reads what an earlier page left, and clears away what is not worth keeping. */
  async recall(): Promise<void> {
    const drafts = await this.options.db.getAll('drafts');
    const held = await this.held(); // asked for later: a draft is there after its lock
    for (const draft of drafts) {
      if (!held.has(draft.cid) && (draft.discarded || draft.chunks === 0)) {
        await this.remove(draft.cid);
      }
    }
    await this.show();
  }

  /** show reads again what is offered. */
  async show(): Promise<void> {
    const [drafts, held] = [await this.options.db.getAll('drafts'), await this.held()];
    const found = drafts
      .filter((draft) => !held.has(draft.cid) && !draft.discarded && draft.chunks > 0)
      .sort((a, b) => a.at - b.at);
    this.shown.update((shown) => keep(shown, found, ({ cid, chunks }) => `${cid} ${chunks}`));
  }

  /** begin makes a draft that this tab records, until `release`. */
  async begin(to: wire.AccountID, type: string): Promise<string> {
    const cid = newID();
    await this.hold(cid);
    const at = (this.options.now ?? Date.now)();
    await this.options.db.add('drafts', { cid, to, type, at, chunks: 0, durationMs: 0, levels: [] });
    return cid;
  }

  /** append stores the next chunk, and how far the recording is with it. It resolves when that is stored. */
  async append(cid: string, chunk: ArrayBuffer, durationMs: number, levels: number[]): Promise<void> {
    const tx = this.options.db.transaction(['drafts', 'chunks'], 'readwrite', { durability: 'strict' });
    const draft = await tx.objectStore('drafts').get(cid);
    if (draft !== undefined) {
      await tx.objectStore('chunks').add(chunk, [cid, draft.chunks]);
      await tx.objectStore('drafts').put({ ...draft, chunks: draft.chunks + 1, durationMs, levels: [...levels] });
    }
    await tx.done;
  }

  /** release gives a draft away: it is recorded no more. */
  async release(cid: string): Promise<void> {
    this.releases.get(cid)?.();
    this.releases.delete(cid);
    await this.options.onChange();
  }

  /** discard throws a draft away, as yet so that `restore` brings it back. */
  async discard(cid: string): Promise<void> {
    await this.hold(cid);
    await this.update(cid, true);
  }

  async restore(cid: string): Promise<void> {
    await this.update(cid, false);
    await this.release(cid);
  }

  /** send puts a draft into the outbox. It reports false when there is none: sent or thrown away by another tab. */
  async send(cid: string): Promise<boolean> {
    const tx = this.options.db.transaction(['drafts', 'outbox'], 'readwrite', { durability: 'strict' });
    const draft = await tx.objectStore('drafts').get(cid);
    if (draft !== undefined) {
      const { to, at, type, durationMs, levels } = draft;
      await tx.objectStore('drafts').delete(cid);
      await tx.objectStore('outbox').add({ cid, to, at, text: '', note: { type, durationMs, levels }, state: 'waiting' });
    }
    await tx.done;
    await this.release(cid);
    return draft !== undefined;
  }

  /** remove forgets a draft and its sound. */
  async remove(cid: string): Promise<void> {
    const tx = this.options.db.transaction(['drafts', 'chunks'], 'readwrite');
    if ((await tx.objectStore('drafts').getKey(cid)) !== undefined) {
      await tx.objectStore('drafts').delete(cid);
      await tx.objectStore('chunks').delete(chunksOf(cid));
    }
    await tx.done;
    await this.release(cid);
  }

  private async update(cid: string, discarded: boolean): Promise<void> {
    const tx = this.options.db.transaction('drafts', 'readwrite', { durability: 'strict' });
    const draft = await tx.store.get(cid);
    if (draft !== undefined) {
      const { discarded: _, ...kept } = draft;
      await tx.store.put(discarded ? { ...kept, discarded: true } : kept);
    }
    await tx.done;
    await this.options.onChange();
  }

  /** hold takes the lock of a draft, if no tab has it. */
  private hold(cid: string): Promise<void> {
    const { locks } = this.options;
    if (locks === undefined || this.releases.has(cid)) {
      return Promise.resolve();
    }
    return new Promise((taken, failed) => {
      const kept = new Promise<void>((release) => this.releases.set(cid, release));
      locks
        .request(this.lockOf(cid), { ifAvailable: true }, () => {
          taken();
          return kept;
        })
        .catch(failed);
    });
  }

  /** held are the drafts that a tab records, or has thrown away just now. */
  private async held(): Promise<Set<string>> {
    const all = (await this.options.locks?.query())?.held ?? [];
    const prefix = this.lockOf('');
    return new Set(all.flatMap(({ name = '' }) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : [])));
  }

  private lockOf(cid: string): string {
    return `${this.options.name}-draft-${cid}`;
  }
}

/** soundOf is the file that a note's chunks make, as far as they are stored. */
export async function soundOf(db: Database, { cid, type }: { cid: string; type: string }): Promise<Blob> {
  return new Blob(await db.getAll('chunks', chunksOf(cid)), { type });
}
