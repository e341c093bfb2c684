// Short sentences for the person, shown for a while at the edge of the page.

import { writable, type Readable } from 'svelte/store';

export interface Notice {
  id: number;
  text: string;
  problem: boolean;
}

const shownFor = 8_000;

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

  problem(text: string): void {
    this.add(text, true);
  }

  dismiss(id: number): void {
    this.shown.update((notices) => notices.filter((notice) => notice.id !== id));
  }

  private add(text: string, problem: boolean): void {
    const id = ++this.last;
    this.shown.update((notices) => [...notices.filter((notice) => notice.text !== text), { id, text, problem }]);
    setTimeout(() => this.dismiss(id), shownFor);
  }
}
