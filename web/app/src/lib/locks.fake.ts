// The Web Locks of a browser, as far as drafts need them.

interface Held {
  name: string;
  release: () => void;
}

export class FakeLocks {
  private held: Held[] = [];

  request = (async (name: string, _options: LockOptions, work: LockGrantedCallback<unknown>): Promise<unknown> => {
    if (this.held.some((other) => other.name === name)) {
      return work(null);
    }
    const one: Held = { name, release: () => (this.held = this.held.filter((other) => other !== one)) };
    this.held.push(one);
    try {
      return await work({ name, mode: 'exclusive' });
    } finally {
      one.release();
    }
  }) as LockManager['request'];

  query(): Promise<LockManagerSnapshot> {
    return Promise.resolve({ held: this.held.map(({ name }) => ({ name, mode: 'exclusive' as const })), pending: [] });
  }

  /** died takes back the locks of a tab that is gone. */
  died(): void {
    this.held = [];
  }
}
