// A call between Chromium and a WebRTC stack that shares no code with it.

import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from './fixtures';
import { password, type Server } from './server';
import { tone } from './sound';

/** Foreign is a person with foreign.py in place of a browser. */
class Foreign {
  /** what it has said so far */
  readonly said: { ready?: boolean; media?: string; hears?: number; frame?: { type: string; reason?: string } }[] = [];
  private log = '';
  private readonly process;

  constructor(server: Server, name: string, hz: number, callee?: string) {
    const args = [resolve(import.meta.dirname, 'foreign.py'), server.url, name, password, String(hz), ...(callee ? [callee] : [])];
    this.process = spawn('/usr/bin/python3', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.said.push(JSON.parse(line) as Foreign['said'][number]));
    this.process.stderr!.on('data', (data) => (this.log += data));
  }

  async says(what: string, fits: (said: Foreign['said'][number]) => boolean): Promise<void> {
    await expect
      .poll(() => this.said.some(fits) || (this.process.exitCode !== null && `gone: ${this.log}`), { message: `the foreign client: ${what}`, timeout: 20_000 })
      .toBe(true);
  }

  hears(hz: number): Promise<void> {
    return this.says(`hears ${hz} Hz`, ({ hears = 0 }) => Math.abs(hears - hz) < 15);
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }
}

for (const way of ['calls', 'is called'] as const) {
  test(`a foreign WebRTC stack ${way}, and both hear each other`, async ({ house }) => {
    const server = await house.serve(['ann', 'bob']);
    const ann = await house.arrive('ann', server, tone(440));
    await ann.talkTo('bob');
    const bob = new Foreign(server, 'bob', 1000, way === 'calls' ? 'ann' : undefined);
    try {
      await bob.says('is there', ({ ready }) => ready === true);
      await ann.press(way === 'calls' ? 'Answer' : 'Call');
      await Promise.all([ann.hears(1000), bob.hears(440)]);
      await ann.page.waitForTimeout(1000); // a call shorter than that says no length
      await ann.press('Hang up');
      await bob.says('the call is over', ({ frame }) => frame?.type === 'call.ended' && frame.reason === 'hangup');
      await expect(ann.page.getByRole('main').getByText(/^Call, \d+ s$/)).toHaveCount(1);
    } finally {
      bob.stop();
    }
  });
}
