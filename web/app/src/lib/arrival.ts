// What new messages do when nobody looks: a sound and a notification.

import { looksNow, notify } from './attention';
import type { Client } from './client';
import { route } from './route.svelte';
import { arrived } from './tones';
import type * as wire from './wire';
import { previewOf } from './words';

/** arrival announces new messages, several of one person as one. */
export function arrival(client: Client, messages: wire.Message[]): void {
  if (looksNow()) {
    return;
  }
  arrived();
  const last = new Map(messages.map((message) => [message.from, message]));
  for (const [from, message] of last) {
    const count = messages.filter((one) => one.from === from).length;
    const body = count > 1 ? `${count} new messages` : previewOf(message, client.session.account);
    notify(client.people.nameOf(from) || 'New message', body, `from-${from}`, () => route.open(from));
  }
}
