// Browsers that stay when a test is over, for the next one that needs their
// like: starting them takes longer than a good part of a test. A browser is one
// person's at a time, and what the person did in it goes with its context.

import { chromium, type Browser, type LaunchOptions } from '@playwright/test';

/** Browsers is where somebody gets a browser from, and leaves it. */
export interface Browsers {
  take: (like: LaunchOptions) => Promise<Browser>;
  leave: (browser: Browser) => Promise<void>;
}

/** One of its own for each. */
export const own: Browsers = {
  take: (like) => chromium.launch(like),
  leave: (browser) => browser.close(),
};

const most = 5; // that nobody uses, for each takes its memory

export class Shared implements Browsers {
  private readonly like = new Map<Browser, string>();
  private idle: Browser[] = []; // used last comes last

  take = async (like: LaunchOptions): Promise<Browser> => {
    const wanted = JSON.stringify(like);
    const found = this.idle.find((browser) => this.like.get(browser) === wanted && browser.isConnected());
    if (found !== undefined) {
      this.idle = this.idle.filter((browser) => browser !== found);
      return found;
    }
    const browser = await chromium.launch(like);
    this.like.set(browser, wanted);
    return browser;
  };

  leave = async (browser: Browser): Promise<void> => {
    this.idle = [...this.idle, browser];
    while (this.idle.length > most) {
      await this.end(this.idle.shift()!);
    }
  };

  async close(): Promise<void> {
    await Promise.all([...this.like.keys()].map((browser) => this.end(browser)));
  }

  private async end(browser: Browser): Promise<void> {
    this.like.delete(browser);
    await browser.close();
  }
}
