// What others have left, as a list: what belongs on it and in which order. Its
// pages are read by pages.ts.

import { received } from './log';
import type { Mailbox } from './mailbox';
import type { Source } from './pages';
import type * as wire from './wire';

export interface Wanted {
  folder: wire.Folder;
  /** '': all */
  kind: '' | 'voice' | 'text' | 'call';
  words: string;
}

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

/** shelf is where a list of what is wanted comes from. */
export function shelf(mailbox: Pick<Mailbox, 'held' | 'fetchShelf'>, me: wire.AccountID, wanted: Wanted): Source {
  const { folder, kind, words } = wanted;
  return {
    held: (...range) => mailbox.held((message) => received(message, me) && fits(message, wanted), ...range),
    fetch: (limit, before) =>
      mailbox.fetchShelf({
        folders: folder === 'inbox' ? ['inbox', 'saved'] : [folder],
        limit,
        ...(kind && { kinds: [kind] }),
        ...(words.trim() && { words: words.trim() }),
        ...(before && { before }),
      }),
  };
}
