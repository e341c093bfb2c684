// Who stands in the list, and in which order.

import { presenceOf } from './words';
import type * as wire from './wire';

/** Entry is a line of the list: a contact, or somebody there is a conversation with. */
export interface Entry {
  account: wire.AccountID;
  name: string;
  person: wire.Person | undefined;
  conversation: wire.Conversation | undefined;
  unread: number;
}

/**
 * roster lists contacts and conversations, those spoken to last first, then by
 * name. People who only asked, or were asked, stand elsewhere.
 */
export function roster(people: Map<wire.AccountID, wire.Person>, conversations: wire.Conversation[], me = ''): Entry[] {
  const byAccount = new Map(conversations.map((conversation) => [conversation.with, conversation]));
  const accounts = new Set([...byAccount.keys()]);
  for (const person of people.values()) {
    if (person.relation === 'contact') {
      accounts.add(person.account);
    }
  }
  const entries = [...accounts].map((account): Entry => {
    const person = people.get(account);
    const conversation = byAccount.get(account);
    const name = account === me ? 'Your programs' : (person?.name ?? conversation?.name ?? '');
    return { account, name: name || 'Unknown', person, conversation, unread: conversation?.unread ?? 0 };
  });
  return entries.sort((a, b) => lastTime(b) - lastTime(a) || a.name.localeCompare(b.name));
}

/** labelOf is an entry in words: "bob, available, 2 unread". */
export function labelOf(entry: Entry): string {
  const words = [entry.name];
  if (entry.person?.relation === 'contact') {
    words.push(presenceOf(entry.person));
  }
  if (entry.unread > 0) {
    words.push(`${entry.unread} unread`);
  }
  return words.join(', ');
}

/** initials are one or two letters that stand for a name. */
export function initials(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? [words[0]!, words.at(-1)!] : words;
  return letters.map((word) => [...word][0]!.toUpperCase()).join('') || '?';
}

function lastTime({ conversation }: Entry): number {
  return conversation?.last?.time ?? 0;
}
