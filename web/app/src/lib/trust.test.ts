import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { describe, expect, it, vi } from 'vitest';
import { attributeOf, withAttribute } from './sdp';
import { isOf, Proof, wordsOf, type Words } from './trust';

const sdp = 'v=0\r\nm=audio 9 x 0\r\n';
const ends = { ann: ['sha-256 AA:01'], bob: ['sha-256 BB:02'], eve: ['sha-256 EE:03'] };
const [ann, bob, eve] = [ends.ann, ends.bob, ends.eve].map((fingerprints, i) => ({ ends: fingerprints, nonce: `${i}`.repeat(64) })) as [Side, Side, Side];
type Side = { ends: string[]; nonce: string };

describe('the words of a call', () => {
  it('are four, and the same for the same ends and nonces', () => {
    const words = wordsOf(ann, bob);
    expect(words).toHaveLength(4);
    expect(wordsOf(ann, bob)).toEqual(words);
    expect(words).toEqual(['daring', 'bamboo', 'mention', 'reopen']);
  });

  it('differ with every end, every nonce, and the sides', () => {
    const all = [
      wordsOf(ann, bob),
      wordsOf(bob, ann),
      wordsOf(ann, { ...bob, ends: eve.ends }),
      wordsOf({ ...ann, ends: eve.ends }, bob),
      wordsOf(ann, { ...bob, nonce: eve.nonce }),
      wordsOf({ ...ann, nonce: eve.nonce }, bob),
    ];
    expect(new Set(all.map((words) => words.join(' '))).size).toBe(6);
  });

  it('need a fingerprint of each', () => {
    expect(() => wordsOf(ann, { ...bob, ends: [] })).toThrow('no fingerprint');
  });
});

describe('a certificate', () => {
  it('is that of the far end if it has every fingerprint', () => {
    const der = new TextEncoder().encode('abc');
    const named = 'sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD';
    expect(isOf(der, [named])).toBe(true);
    expect(isOf(der, [named, 'sha-256 EE:03'])).toBe(false);
    expect(isOf(new TextEncoder().encode('abd'), [named])).toBe(false);
    expect(isOf(der, ['md5 90:01'])).toBe(false);
    expect(isOf(der, [])).toBe(false);
    expect(isOf(der, ['sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D', named])).toBe(true);
  });

  it('is told on plain http, where the browser makes no hashes, and raises no false alarm', () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const der = new TextEncoder().encode('abc');
    const theirs = [`sha-256 ${bytesToHex(sha256(der)).toUpperCase()}`];
    const [caller, callee] = [new Proof(true), new Proof(false)];
    caller.answered(callee.answering(caller.offering(sdp), sdp));
    expect(caller.words([ends.ann, theirs], der)).toHaveLength(4);
    expect(caller.words([ends.ann, ends.bob], der)).toBe('another');
    vi.unstubAllGlobals();
  });
});

describe('Proof', () => {
  /** Between is what somebody makes of what the two say to each other. */
  type Between = { offer?: (sdp: string) => string; answer?: (sdp: string) => string; nonce?: (nonce?: string) => string | undefined };

  /** call is what each side gets to compare; of the far end each is named the fingerprints given. */
  function call({ offer, answer, nonce }: Between = {}, far = { ofAnn: ends.bob, ofBob: ends.ann }): [Words, Words] {
    const same = <T>(value: T) => value;
    const [caller, callee] = [new Proof(true), new Proof(false)];
    const said = (offer ?? same)(caller.offering(sdp));
    expect(caller.reveal()).toEqual({}); // before the callee has said its nonce
    caller.answered((answer ?? same)(callee.answering(said, sdp)));
    callee.revealed((nonce ?? same)(caller.reveal().nonce));
    return [caller.words([ends.ann, far.ofAnn], undefined), callee.words([ends.bob, far.ofBob], undefined)];
  }

  it('gives both the same four words, others in every call', () => {
    const [[anns, bobs], [later]] = [call(), call()];
    expect(anns).toHaveLength(4);
    expect(bobs).toEqual(anns);
    expect(later).not.toEqual(anns);
  });

  it('gives other words to each when somebody has put other ends in between', () => {
    const [anns, bobs] = call({}, { ofAnn: ends.eve, ofBob: ends.eve });
    expect(anns).toHaveLength(4);
    expect(bobs).toHaveLength(4);
    expect(anns).not.toEqual(bobs);
  });

  it('shows that the nonce is not the one that was committed to', () => {
    const [, bobs] = call({ nonce: () => '0'.repeat(64) });
    expect(bobs).toBe('another');
  });

  it.each([
    ['without a commitment', { offer: () => sdp }, ['none', 'none']],
    ['without the nonce of the callee', { answer: () => sdp }, ['none', 'none']],
    ['without the nonce of the caller', { nonce: () => undefined }, ['words', 'none']],
  ] as [string, Between, string[]][])('has no words %s', (_, between, expected) => {
    expect(call(between).map((words) => (Array.isArray(words) ? 'words' : words))).toEqual(expected);
  });

  it('keeps what it was told first', () => {
    const [caller, callee] = [new Proof(true), new Proof(false)];
    caller.answered(callee.answering(caller.offering(sdp), sdp));
    caller.answered(withAttribute(sdp, 'parley-nonce', '1'.repeat(64)));
    const other = new Proof(true).offering(sdp);
    expect(attributeOf(callee.answering(other, sdp), 'parley-nonce')).toBeDefined();
    callee.revealed(caller.reveal().nonce);
    callee.revealed('2'.repeat(64));
    expect(caller.words([ends.ann, ends.bob], undefined)).toEqual(callee.words([ends.bob, ends.ann], undefined));
  });

  it('warns of a certificate that was not named', () => {
    expect(new Proof(true).words([ends.ann, ends.bob], new TextEncoder().encode('abc'))).toBe('another');
  });
});
