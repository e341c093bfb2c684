import { describe, expect, it } from 'vitest';
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
  it('is that of the far end if it has every fingerprint', async () => {
    const der = new TextEncoder().encode('abc');
    const named = 'sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD';
    expect(await isOf(der, [named])).toBe(true);
    expect(await isOf(der, [named, 'sha-256 EE:03'])).toBe(false);
    expect(await isOf(new TextEncoder().encode('abd'), [named])).toBe(false);
    expect(await isOf(der, ['md5 90:01'])).toBe(false);
    expect(await isOf(der, [])).toBe(false);
  });
});

describe('Proof', () => {
  /** Between is what somebody makes of what the two say to each other. */
  type Between = { offer?: (sdp: string) => string; answer?: (sdp: string) => string; nonce?: (nonce?: string) => string | undefined };

  /** call is what each side gets to compare; of the far end each is named the fingerprints given. */
  async function call({ offer, answer, nonce }: Between = {}, far = { ofAnn: ends.bob, ofBob: ends.ann }): Promise<[Words, Words]> {
    const same = <T>(value: T) => value;
    const [caller, callee] = [new Proof(true), new Proof(false)];
    const said = (offer ?? same)(caller.offering(sdp));
    expect(caller.reveal()).toEqual({}); // before the callee has said its nonce
    caller.answered((answer ?? same)(callee.answering(said, sdp)));
    callee.revealed((nonce ?? same)(caller.reveal().nonce));
    return Promise.all([caller.words([ends.ann, far.ofAnn], undefined), callee.words([ends.bob, far.ofBob], undefined)]);
  }

  it('gives both the same four words, others in every call', async () => {
    const [[anns, bobs], [later]] = [await call(), await call()];
    expect(anns).toHaveLength(4);
    expect(bobs).toEqual(anns);
    expect(later).not.toEqual(anns);
  });

  it('gives other words to each when somebody has put other ends in between', async () => {
    const [anns, bobs] = await call({}, { ofAnn: ends.eve, ofBob: ends.eve });
    expect(anns).toHaveLength(4);
    expect(bobs).toHaveLength(4);
    expect(anns).not.toEqual(bobs);
  });

  it('shows that the nonce is not the one that was committed to', async () => {
    const [, bobs] = await call({ nonce: () => '0'.repeat(64) });
    expect(bobs).toBe('another');
  });

  it.each([
    ['without a commitment', { offer: () => sdp }, ['none', 'none']],
    ['without the nonce of the callee', { answer: () => sdp }, ['none', 'none']],
    ['without the nonce of the caller', { nonce: () => undefined }, ['words', 'none']],
  ] as [string, Between, string[]][])('has no words %s', async (_, between, expected) => {
    expect((await call(between)).map((words) => (Array.isArray(words) ? 'words' : words))).toEqual(expected);
  });

  it('keeps what it was told first', async () => {
    const [caller, callee] = [new Proof(true), new Proof(false)];
    caller.answered(callee.answering(caller.offering(sdp), sdp));
    caller.answered(withAttribute(sdp, 'parley-nonce', '1'.repeat(64)));
    const other = new Proof(true).offering(sdp);
    expect(attributeOf(callee.answering(other, sdp), 'parley-nonce')).toBeDefined();
    callee.revealed(caller.reveal().nonce);
    callee.revealed('2'.repeat(64));
    expect(await caller.words([ends.ann, ends.bob], undefined)).toEqual(await callee.words([ends.bob, ends.ann], undefined));
  });

  it('warns of a certificate that was not named', async () => {
    expect(await new Proof(true).words([ends.ann, ends.bob], new TextEncoder().encode('abc'))).toBe('another');
  });
});
