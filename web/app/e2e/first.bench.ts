// From `call.accept` to the first audio at the one who accepted, measured in
// the page, by calls one after the other between the same two browsers.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from './fixtures';
import type { Person } from './person';
import { binary } from './server';
import { tone } from './sound';

const calls = 11;

/** listen prepares a page to take the two times of the next call that it accepts. It runs in the page. */
async function listen(): Promise<void> {
  type Times = { accepted?: number; heard?: number };
  const times: Times = {};
  const store = window as unknown as { times: Times; context?: AudioContext };
  store.times = times;
  const context = (store.context ??= new AudioContext());
  await context.resume();
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if (typeof data === 'string' && data.includes('"call.accept"')) {
      times.accepted = performance.now();
      WebSocket.prototype.send = send;
    }
    send.call(this, data);
  };
  let analyser: AnalyserNode | undefined;
  const samples = new Float32Array(512);
  const poll = setInterval(() => {
    const stream = document.querySelector('audio')?.srcObject;
    if (analyser === undefined && stream instanceof MediaStream && stream.getAudioTracks().length > 0) {
      analyser = context.createAnalyser();
      analyser.fftSize = samples.length;
      context.createMediaStreamSource(stream).connect(analyser);
    }
    analyser?.getFloatTimeDomainData(samples);
    if (samples.some((sample) => Math.abs(sample) > 0.01)) {
      times.heard = performance.now();
      clearInterval(poll);
    }
  }, 4);
}

async function acceptToAudio(ann: Person, bob: Person): Promise<number> {
  await bob.page.evaluate(listen);
  await ann.press('Call');
  await bob.press('Answer');
  const ms = await bob.page
    .waitForFunction(() => {
      const { times } = window as unknown as { times: { accepted?: number; heard?: number } };
      return times.accepted && times.heard ? times.heard - times.accepted : 0;
    })
    .then((handle) => handle.jsonValue());
  await ann.press('Hang up');
  await ann.page.getByRole('button', { name: 'Call', exact: true }).waitFor();
  await bob.page.getByRole('button', { name: 'Answer' }).waitFor({ state: 'hidden' });
  return Number(ms);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

test('accept to first audio', async ({ house }, info) => {
  const server = await house.serve(['ann', 'bob']);
  const ann = await house.arrive('ann', server, tone(440));
  const bob = await house.arrive('bob', server, tone(1000));
  await ann.talkTo('bob');
  const relay = async (on: boolean) => {
    for (const person of [ann, bob]) {
      await person.press('Settings');
      await person.page.getByRole('checkbox', { name: /Always use the relay/ }).setChecked(on);
      await person.page.keyboard.press('Escape');
    }
  };
  await acceptToAudio(ann, bob); // opens the microphones for the first time
  const direct: number[] = [];
  const relayed: number[] = [];
  for (let i = 0; i < calls; i++) {
    // Side by side: one of each kind in turn. The server lets an account make 12 calls a minute.
    await relay(false);
    direct.push(await acceptToAudio(ann, bob));
    await relay(true);
    relayed.push(await acceptToAudio(ann, bob));
    await ann.page.waitForTimeout(6_000);
  }
  const list = (values: number[]) => values.map((ms) => ms.toFixed(0)).join(' ');
  console.log(`accept to first audio, direct:  ${list(direct)} ms`);
  console.log(`accept to first audio, relayed: ${list(relayed)} ms`);

  const dist = resolve(import.meta.dirname, '../../dist');
  const client = readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(html|js|css)$/.test(entry.name))
    .reduce((sum, entry) => sum + gzipSync(readFileSync(join(entry.parentPath, entry.name)), { level: 9 }).length, 0);
  info.annotations.push({
    type: 'result',
    description: [
      `accept_to_audio_ms_p50=${median(direct).toFixed(0)}`,
      `relayed_accept_to_audio_ms_p50=${median(relayed).toFixed(0)}`,
      `binary_mb=${(statSync(binary).size / 1e6).toFixed(1)}`,
      `client_gzip_kb=${(client / 1000).toFixed(1)}`,
    ].join(' '),
  });
});
