import { describe, expect, it } from 'vitest';
import { fingerprintsOf, isOf, wordsOf } from './trust';

const described = (...fingerprints: string[]) => ['v=0', 'm=audio 9 x 0', ...fingerprints.map((one) => `a=fingerprint:${one}`), ''].join('\r\n');
const ann = described('sha-256 AA:01');
const bob = described('sha-256 BB:02');
const eve = described('sha-256 EE:03');

describe('the words of a call', () => {
  it('are the same on both sides, and four', async () => {
    const words = await wordsOf(ann, bob);
    expect(words).toHaveLength(4);
    expect(await wordsOf(ann, bob)).toEqual(words);
    expect(words).toEqual(['track', 'found', 'bicycle', 'broken']);
  });

  it('do not depend on how a fingerprint is written, or how often', async () => {
    const again = described('SHA-256 aa:01', 'sha-256 AA:01');
    expect(await wordsOf(again, bob)).toEqual(await wordsOf(ann, bob));
    expect(fingerprintsOf(again)).toEqual(['sha-256 AA:01']);
  });

  it('differ when somebody sits in between, or the sides are changed', async () => {
    const all = await Promise.all([wordsOf(ann, bob), wordsOf(ann, eve), wordsOf(eve, bob), wordsOf(bob, ann)]);
    expect(new Set(all.map((words) => words.join(' '))).size).toBe(4);
  });

  it('are of the certificate with which the far end shows up', async () => {
    const der = new TextEncoder().encode('abc');
    const named = 'sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD';
    expect(await isOf(der, described(named))).toBe(true);
    expect(await isOf(der, described(named, named.toLowerCase()))).toBe(true);
    expect(await isOf(der, described(named, 'sha-256 EE:03'))).toBe(false);
    expect(await isOf(new TextEncoder().encode('abd'), described(named))).toBe(false);
    expect(await isOf(der, described('md5 90:01'))).toBe(false);
    expect(await isOf(der, 'v=0')).toBe(false);
  });

  it('need a fingerprint of each', async () => {
    await expect(wordsOf(ann, 'v=0')).rejects.toThrow('no fingerprint');
  });
});
