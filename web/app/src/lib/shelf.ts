// The mailbox as a list: what others have left, from what this device holds, with
// pages of the server behind it. Without the server what is held can be read.

import { get, writable, type Readable } from 'svelte/store';
import { sentenceOf } from './errors';
import { keep } from './keep';
import { stateOf } from './log';
import type { Mailbox } from './mailbox';
import type * as wire from './wire';

export interface Wanted {
  folder: wire.Folder;
  /** '': all */
  kind: '' | 'voice' | 'text' | 'call';
  words: string;
}

export interface ShelfView {
  /** newest first */
  messages: wire.Message[];
  more: boolean;
  loading: boolean;
  problem: string;
}

const page = 50;

/** fits reports whether a message of others belongs on a shelf. */
export function fits(message: wire.Message, { folder, kind, words }: Wanted): boolean {
  const at = message.folder ?? 'inbox';
  const there = folder === 'inbox' ? at !== 'bin' : at === folder;
  const said = [message.text, message.comment, message.voice?.transcript].join('\n').toLowerCase();
  const asks = message.kind !== 'call' || message.call?.outcome !== 'answered';
  return there && asks && (kind === '' || message.kind === kind) && said.includes(words.trim().toLowerCase());
}

/** Row is a line of the list: a message, or missed calls of one person in a row. */
export interface Row {
  message: wire.Message;
  count: number;
  fresh: boolean;
}

/** rows puts what is new first, and missed calls that follow each other together. */
export function rows(messages: wire.Message[], conversations: wire.Conversation[], folder: wire.Folder): Row[] {
  const read = new Map(conversations.map(({ conv, read }) => [conv, read]));
  const fresh = (message: wire.Message) => (message.kind === 'voice' ? !message.played : message.seq > (read.get(message.conv) ?? 0));
  const all: Row[] = [];
  for (const message of messages) {
    const row = { message, count: 1, fresh: folder !== 'bin' && fresh(message) };
    const before = all.at(-1);
    if (message.kind === 'call' && before?.message.kind === 'call' && before.message.from === message.from && before.fresh === row.fresh) {
      before.count++;
    } else {
      all.push(row);
    }
  }
  return [...all.filter((row) => row.fresh), ...all.filter((row) => !row.fresh)];
}

export class Shelf {
  readonly view: Readable<ShelfView>;

  private readonly shown = writable<ShelfView>({ messages: [], more: false, loading: true, problem: '' });
  private readonly stop: () => void;
  private limit = page;
  private last: string | undefined; // mid of the last of the page before
  private closed = false;

  constructor(
    private readonly mailbox: Pick<Mailbox, 'received' | 'fetchShelf' | 'onChange'>,
    private readonly wanted: Wanted,
  ) {
    this.view = this.shown;
    this.stop = mailbox.onChange(() => void this.read());
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
    const read = await this.mailbox.received((message) => fits(message, this.wanted), this.limit);
    if (!this.closed) {
      this.shown.update((view) => ({ ...view, messages: keep(view.messages, read, stateOf) }));
    }
  }

  private async fetch(): Promise<void> {
    const { folder, kind, words } = this.wanted;
    this.shown.update((view) => ({ ...view, loading: true, problem: '' }));
    try {
      const got = await this.mailbox.fetchShelf({
        folders: folder === 'inbox' ? ['inbox', 'saved'] : [folder],
        limit: page,
        ...(kind && { kinds: [kind] }),
        ...(words.trim() && { words: words.trim() }),
        ...(this.last && { before: this.last }),
      });
      this.last = got.messages.at(-1)?.mid ?? this.last;
      await this.read();
      this.shown.update((view) => ({ ...view, loading: false, more: got.more === true }));
    } catch (error) {
      this.shown.update((view) => ({ ...view, loading: false, problem: sentenceOf(error) }));
    }
  }
}
