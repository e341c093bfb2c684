import { get } from 'svelte/store';
import { describe, expect, it } from 'vitest';
import { Pages, type Source } from './pages';
import type * as wire from './wire';

const message = (time: number): wire.Message => ({ mid: `m${time}`, time, conv: 'c', seq: time }) as wire.Message;

/** Shelf is a server with messages of the times 1 to n, and a device that holds those it was given. */
class Shelf implements Source {
  held_: wire.Message[] = [];
  away = false;
  tell = () => {};

  constructor(private readonly count: number) {}

  held = async (limit: number, since: number) => this.held_.filter(({ time }, place) => place < limit || time >= since);

  fetch = async (limit: number, before?: string) => {
    if (this.away) {
      throw new Error('away');
    }
    const all = Array.from({ length: this.count }, (_, i) => message(this.count - i));
    const from = before === undefined ? 0 : all.findIndex(({ mid }) => mid === before) + 1;
    const messages = all.slice(from, from + limit);
    this.hold(...messages);
    return { messages, more: from + limit < all.length };
  };

  hold(...messages: wire.Message[]): void {
    this.held_ = [...this.held_, ...messages.filter(({ mid }) => !this.held_.some((one) => one.mid === mid))].sort((a, b) => b.time - a.time);
    this.tell();
  }

  async open(): Promise<Pages> {
    const pages = new Pages(this, (tell) => {
      this.tell = tell;
      return () => {};
    });
    await expect.poll(() => get(pages.view).loading).toBe(false);
    return pages;
  }
}

describe('Pages', () => {
  it('keeps the oldest on the list when new ones come', async () => {
    const shelf = new Shelf(120);
    const pages = await shelf.open();
    await pages.older();
    expect(get(pages.view).messages).toHaveLength(100);
    shelf.hold(...Array.from({ length: 30 }, (_, i) => message(201 + i)));
    await expect.poll(() => get(pages.view).messages.length).toBe(130);
    expect(get(pages.view).messages.at(-1)).toMatchObject({ time: 21 });
    await pages.older();
    expect(get(pages.view).messages).toHaveLength(150);
    expect(get(pages.view).more).toBe(false);
  });

  it('shows page by page what is held while the server is away', async () => {
    const shelf = new Shelf(0);
    shelf.away = true;
    shelf.hold(...Array.from({ length: 70 }, (_, i) => message(i + 1)));
    const pages = await shelf.open();
    expect(get(pages.view)).toMatchObject({ more: true, messages: { length: 50 } });
    await pages.older();
    expect(get(pages.view)).toMatchObject({ more: false, messages: { length: 70 } });
  });
});
