import { describe, expect, it } from 'vitest';
import { fingerprintsOf, wordsOf } from './trust';

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

  it('need a fingerprint of each', async () => {
    await expect(wordsOf(ann, 'v=0')).rejects.toThrow('no fingerprint');
  });
});
