// Whether another tab of this browser is in a call: all tabs are one device,
// and one of them has its calls. A lock, which the browser takes back from a tab
// that is closed, is held by the tab that is in one; another that goes into a
// call takes it away, and with that ends what was under way.

import type { Readable } from 'svelte/store';

export class Elsewhere {
  private free: (() => void) | null = null;

  constructor(
    private readonly name: string,
    /** another tab has gone into a call in the place of this one */
    private readonly onTaken: () => void = () => {},
    private readonly locks = globalThis.navigator?.locks as LockManager | undefined,
  ) {}

  /** follow says for this tab whether it is in a call, until it is told to end. */
  follow(inCall: Readable<boolean>): () => void {
    const stop = inCall.subscribe((now) => this.here(now));
    return () => {
      stop();
      this.here(false); // not even in one that still ends
    };
  }

  /** here says whether this tab is in a call. */
  here(inCall: boolean): void {
    if (!inCall) {
      this.free?.();
      this.free = null;
    } else if (this.free === null && this.locks !== undefined) {
      let mine!: () => void;
      const held = new Promise<void>((free) => (this.free = mine = free));
      this.locks.request(this.name, { steal: true }, () => held).catch(() => this.taken(mine));
    }
  }

  private taken(mine: () => void): void {
    if (this.free === mine) {
      this.free = null;
      this.onTaken();
    }
  }

  /** busy reports whether another tab is in a call. */
  async busy(): Promise<boolean> {
    if (this.free !== null || this.locks === undefined) {
      return false;
    }
    const { held = [] } = await this.locks.query();
    return held.some(({ name }) => name === this.name);
  }
}
