// How much of the sound has to be made up on a line that loses packets, with
// and without resends (NACK) and redundancy (RED).

import { test, type House } from './fixtures';
import { LossyLine } from './loss';
import type { Person } from './person';
import { tone } from './sound';

const rates = [0, 0.05, 0.15];
const seconds = 10;
const kinds = [
  { name: 'plain', red: false, nack: false },
  { name: 'nack', red: false, nack: true },
  { name: 'red', red: true, nack: false },
  { name: 'both', red: true, nack: true },
];

/** without takes away what a browser can do. It runs in the page, before its scripts. */
function without({ red, nack }: { red: boolean; nack: boolean }): void {
  const store = window as unknown as { connections: RTCPeerConnection[] };
  store.connections = [];
  const Native = RTCPeerConnection;
  window.RTCPeerConnection = class extends Native {
    constructor(config?: RTCConfiguration) {
      super(config);
      store.connections.push(this);
    }
  };
  if (!red) {
    const capabilities = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
    RTCRtpReceiver.getCapabilities = (kind) => {
      const all = capabilities(kind);
      return all && { ...all, codecs: all.codecs.filter(({ mimeType }) => mimeType !== 'audio/red') };
    };
  }
  if (!nack) {
    const set = Native.prototype.setLocalDescription;
    Native.prototype.setLocalDescription = function (description?: RTCLocalSessionDescriptionInit) {
      return /a=rtcp-fb:\d+ nack\r?\n/.test(description?.sdp?.split('m=video')[0] ?? '') ? Promise.reject(new Error('not today')) : set.call(this, description);
    };
  }
}

interface Heard {
  samples: number;
  concealed: number;
  bytes: number;
  codec: string;
}

async function heard(person: Person): Promise<Heard> {
  return person.page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const report = await connections.at(-1)!.getStats();
    const all = [...report.values()] as Record<string, unknown>[];
    const sound = all.find(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')!;
    return {
      samples: Number(sound.totalSamplesReceived),
      concealed: Number(sound.concealedSamples) - Number(sound.silentConcealedSamples),
      bytes: Number(sound.bytesReceived),
      codec: String((report.get(String(sound.codecId)) as { mimeType?: string } | undefined)?.mimeType),
    };
  });
}

async function measure(house: House, kind: (typeof kinds)[number]): Promise<{ rate: number; concealed: number; kbits: number; codec: string }[]> {
  const server = await house.serve(['ann', 'bob']);
  const line = new LossyLine();
  try {
    const people = [await house.open('ann', server, tone(440)), await house.open('bob', server, tone(1000))] as const;
    await line.between(people[0].page, people[1].page);
    for (const person of people) {
      await person.page.addInitScript(without, kind);
      await person.page.reload();
      await person.signIn();
    }
    const [ann, bob] = people;
    await ann.calls(bob);
    await ann.hears(1000);
    const found = [];
    for (const rate of rates) {
      line.lost = [rate, rate];
      await ann.page.waitForTimeout(2_000);
      const before = await Promise.all(people.map(heard));
      await ann.page.waitForTimeout(seconds * 1000);
      const after = await Promise.all(people.map(heard));
      const sum = (of: (heard: Heard) => number) => after.reduce((all, one, i) => all + of(one) - of(before[i]!), 0);
      found.push({
        rate,
        concealed: sum(({ concealed }) => concealed) / sum(({ samples }) => samples),
        kbits: (sum(({ bytes }) => bytes) * 8) / 1000 / seconds / people.length,
        codec: after[0]!.codec,
      });
    }
    await Promise.all(people.map((person) => person.close()));
    return found;
  } finally {
    line.close();
  }
}

test('concealed sound on a line that loses packets', async ({ house }, info) => {
  const figures: string[] = [];
  console.log('            ' + rates.map((rate) => `${rate * 100} % lost`.padStart(20)).join(''));
  for (const kind of kinds) {
    const found = await measure(house, kind);
    const cells = found.map(({ concealed, kbits }) => `${(100 * concealed).toFixed(2)} % ${kbits.toFixed(0)} kbit/s`.padStart(20));
    console.log(`${kind.name.padEnd(12)}${cells.join('')}  ${found[0]!.codec}`);
    figures.push(...found.map(({ rate, concealed }) => `concealed_${kind.name}_${rate * 100}=${(100 * concealed).toFixed(2)}`));
  }
  console.log('Part of the played sound that was made up, and what was received of each voice.');
  info.annotations.push({ type: 'result', description: figures.join(' ') });
});
