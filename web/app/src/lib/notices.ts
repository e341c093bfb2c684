// Short sentences for the person, shown for a while at the edge of the page.

import { writable, type Readable } from 'svelte/store';

export interface Notice {
  id: number;
  text: string;
  problem: boolean;
  /** what can be done about it; done, the notice goes */
  action?: Action;
}

export interface Action {
  label: string;
  run: () => void;
}

const shownFor = 8_000; // ms

export class Notices {
  readonly all: Readable<Notice[]>;
  private readonly shown = writable<Notice[]>([]);
  private last = 0;

  constructor() {
    this.all = this.shown;
  }

  /** say shows a sentence; the empty one is not worth it. */
  say(text: string): void {
    if (text) {
      this.add(text, false);
    }
  }

  /** offer shows a sentence with something to do about it, for as long as that can be done. */
  offer(text: string, action: Action, forMs: number): void {
    this.add(text, false, action, forMs);
  }

  problem(text: string): void {
    this.add(text, true);
  }

  dismiss(id: number): void {
    this.shown.update((notices) => notices.filter((notice) => notice.id !== id));
  }

  private add(text: string, problem: boolean, action?: Action, forMs = shownFor): void {
    const id = ++this.last;
    const notice = { id, text, problem, ...(action && { action }) };
    this.shown.update((notices) => [...notices.filter((other) => other.text !== text), notice]);
    setTimeout(() => this.dismiss(id), forMs);
  }
}
