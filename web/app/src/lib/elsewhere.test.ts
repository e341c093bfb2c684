import { beforeEach, describe, expect, it } from 'vitest';
import { writable } from 'svelte/store';
import { Elsewhere } from './elsewhere';

/** FakeLocks is what the tabs of one browser share. */
class FakeLocks {
  held: { name: string; steal: (why: DOMException) => void }[] = [];
  query = () => Promise.resolve({ held: this.held });
  request(name: string, _: object, work: () => Promise<void>): Promise<void> {
    this.held.forEach(({ steal }) => steal(new DOMException('stolen', 'AbortError')));
    return new Promise((done, steal) => {
      const lock = { name, steal };
      this.held = [lock];
      void work().then(() => {
        this.held = this.held.filter((one) => one !== lock);
        done();
      });
    });
  }
}

describe('Elsewhere', () => {
  let one: Elsewhere;
  let two: Elsewhere;
  let taken: string[];
  beforeEach(() => {
    const locks = new FakeLocks() as unknown as LockManager;
    taken = [];
    [one, two] = ['one', 'two'].map((tab) => new Elsewhere('call', () => taken.push(tab), locks)) as [Elsewhere, Elsewhere];
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

  it('tells the tab whose call another has taken the place of, and only that one', async () => {
    one.here(true);
    two.here(true);
    await new Promise((done) => setTimeout(done));
    expect(taken).toEqual(['one']);
    one.here(false);
    one.here(true);
    await new Promise((done) => setTimeout(done));
    expect(taken).toEqual(['one', 'two']);
    one.here(false);
    await new Promise((done) => setTimeout(done));
    expect(taken).toEqual(['one', 'two']);
  });

  it('asks nothing where there are no locks', async () => {
    const alone = new Elsewhere('call', () => {}, undefined);
    alone.here(true);
    expect(await alone.busy()).toBe(false);
  });
});
