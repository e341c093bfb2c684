// One conversation as it is read: the newest messages that are held without a
// gap, and the way to older ones.
//
// Failure: a page that could not be fetched leaves what is there and says why;
// `refresh` (when the connection is back) or `older` tries again.

import { get, writable, type Readable } from 'svelte/store';
import { sentenceOf } from './errors';
import { keep } from './keep';
import { stateOf } from './log';
import type { Mailbox } from './mailbox';
import type * as wire from './wire';

export interface ThreadView {
  /** undefined until somebody has said something */
  conversation: wire.Conversation | undefined;
  /** ascending, without a gap, up to the newest */
  messages: wire.Message[];
  /** there are older ones */
  more: boolean;
  loading: boolean;
  problem: string;
}

const page = 60;

export class Thread {
  readonly view: Readable<ThreadView>;

  private readonly shown = writable<ThreadView>({
    conversation: undefined,
    messages: [],
    more: false,
    loading: true,
    problem: '',
  });
  private readonly stop: (() => void)[];
  private conversation: wire.Conversation | undefined;
  private wanted = page;
  private bottom = false; // the server has nothing older
  private running = false;
  private reading: Promise<void> = Promise.resolve();
  private stale = false; // something changed while reading

  constructor(
    private readonly mailbox: Mailbox,
    /** the other participant */
    readonly account: wire.AccountID,
  ) {
    this.view = this.shown;
    this.stop = [
      mailbox.conversations.subscribe((all) => {
        this.conversation = all.find((conversation) => conversation.with === account);
      }),
      mailbox.onChange(() => void this.refresh()),
    ];
    void this.refresh();
  }

  close(): void {
    this.stop.forEach((stop) => stop());
  }

  /** older asks for another page of older messages. */
  older(): Promise<void> {
    this.wanted += page;
    return this.refresh();
  }

  /** refresh reads again, and fetches what is wanted but not held. */
  refresh(): Promise<void> {
    this.stale = true;
    if (!this.running) {
      this.running = true;
      this.reading = this.readAll();
    }
    return this.reading;
  }

  private async readAll(): Promise<void> {
    while (this.stale) {
      this.stale = false;
      await this.read();
    }
    this.running = false;
  }

  private async read(): Promise<void> {
    const { conversation } = this;
    if (conversation === undefined) {
      this.shown.update((view) => ({ ...view, loading: false }));
      return;
    }
    const read = await this.mailbox.messages(conversation, this.wanted);
    const messages = keep(get(this.shown).messages, read, stateOf);
    const lowest = messages[0]?.seq ?? conversation.head + 1;
    const missing = lowest > 1 && messages.length < this.wanted && !this.bottom;
    this.shown.set({ conversation, messages, more: lowest > 1 && !this.bottom, loading: missing, problem: '' });
    if (missing) {
      await this.fetch(conversation, messages[0]?.seq ?? 0);
    }
  }

  private async fetch(conversation: wire.Conversation, before: number): Promise<void> {
    try {
      const got = await this.mailbox.fetchOlder(conversation.conv, before, page);
      this.bottom = got === 0;
      this.stale = true;
    } catch (error) {
      this.stale = false;
      this.shown.update((view) => ({ ...view, loading: false, problem: sentenceOf(error) }));
    }
  }
}
