import { beforeEach, describe, expect, it } from 'vitest';
import { writable } from 'svelte/store';
import { Elsewhere } from './elsewhere';

/** FakeLocks is what the tabs of one browser share. */
class FakeLocks {
  held: { name: string }[] = [];
  query = () => Promise.resolve({ held: this.held });
  async request(name: string, _: object, work: () => Promise<void>): Promise<void> {
    const lock = { name };
    this.held = [lock];
    await work();
    this.held = this.held.filter((one) => one !== lock);
  }
}

describe('Elsewhere', () => {
  let one: Elsewhere;
  let two: Elsewhere;
  beforeEach(() => {
    const locks = new FakeLocks() as unknown as LockManager;
    [one, two] = [new Elsewhere('call', locks), new Elsewhere('call', locks)];
  });

  it('knows of a call in another tab, until it is over', async () => {
    expect(await two.busy()).toBe(false);
    one.here(true);
    one.here(true);
    expect(await one.busy()).toBe(false);
    expect(await two.busy()).toBe(true);
    one.here(false);
    await Promise.resolve();
    expect(await two.busy()).toBe(false);
  });

  it('follows the call of its tab, and lets go when it is told to end, in a call or not', async () => {
    const inCall = writable(false);
    const stop = one.follow(inCall);
    inCall.set(true);
    expect(await two.busy()).toBe(true);
    inCall.set(false);
    await Promise.resolve();
    expect(await two.busy()).toBe(false);
    inCall.set(true);
    expect(await two.busy()).toBe(true);
    stop();
    await Promise.resolve();
    expect(await two.busy()).toBe(false);
  });

  it('takes over, and is not confused by the end of what it took over from', async () => {
    one.here(true);
    two.here(true);
    one.here(false);
    await Promise.resolve();
    expect(await one.busy()).toBe(true);
  });

  it('asks nothing where there are no locks', async () => {
    const alone = new Elsewhere('call', undefined);
    alone.here(true);
    expect(await alone.busy()).toBe(false);
  });
});
