// A list of messages, newest first, from what this device holds, with pages of
// the server behind it. Without the server what is held can be read.

import { get, writable, type Readable } from 'svelte/store';
import { sentenceOf } from './errors';
import { keep } from './keep';
import { stateOf } from './log';
import type * as wire from './wire';

/** Source is where the messages of a list come from. */
export interface Source {
  /** the newest that this device holds: so many, and all that are not older than a time (Unix ms) */
  held: (limit: number, since: number) => Promise<wire.Message[]>;
  /** asks the server for those behind a mid, which are held then. Rejects with a Problem. */
  fetch: (limit: number, before: string | undefined) => Promise<{ messages: wire.Message[]; more?: boolean }>;
}

export interface View {
  /** newest first */
  messages: wire.Message[];
  more: boolean;
  loading: boolean;
  problem: string;
}

const page = 50;

export class Pages {
  readonly view: Readable<View>;

  private readonly shown = writable<View>({ messages: [], more: false, loading: true, problem: '' });
  private readonly stop: () => void;
  private limit = page;
  private last: wire.Message | undefined; // of the page before: what is newer stays on the list, however much comes
  private behind = false; // the server has more
  private closed = false;

  constructor(
    private readonly source: Source,
    onChange: (listener: () => void) => () => void,
  ) {
    this.view = this.shown;
    this.stop = onChange(() => void this.read());
    void this.read().then(() => this.fetch());
  }

  close(): void {
    this.closed = true;
    this.stop();
  }

  /** older shows another page. */
  async older(): Promise<void> {
    this.limit += page;
    await this.read();
    await this.fetch();
  }

  /** refresh asks the server again, when it is back. */
  async refresh(): Promise<void> {
    if (get(this.shown).problem) {
      await this.fetch();
    }
  }

  private async read(): Promise<void> {
    const since = this.last?.time ?? Infinity;
    const read = await this.source.held(this.limit + 1, since);
    if (!this.closed) {
      const listed = read.filter(({ time }, place) => place < this.limit || time >= since);
      const more = this.behind || listed.length < read.length;
      this.shown.update((view) => ({ ...view, messages: keep(view.messages, listed, stateOf), more }));
    }
  }

  private async fetch(): Promise<void> {
    this.shown.update((view) => ({ ...view, loading: true, problem: '' }));
    try {
      const got = await this.source.fetch(page, this.last?.mid);
      this.last = got.messages.at(-1) ?? this.last;
      this.behind = got.more === true;
      await this.read();
      this.shown.update((view) => ({ ...view, loading: false }));
    } catch (error) {
      this.shown.update((view) => ({ ...view, loading: false, problem: sentenceOf(error) }));
    }
  }
}
