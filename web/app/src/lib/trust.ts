// Whether nobody sits between the two of a call: a few words made from the
// fingerprints of both ends (RFC 8122), the same on both sides unless somebody
// has put other ends in between.
//
// The server passes the fingerprints on and so could change them. It would
// have to find ends of its own whose words are the same, within the seconds in
// which a call connects: four words of 2,048 are 44 bits, and each try is made
// slow (PBKDF2). So nobody needs to commit to anything beforehand.

import { wordlist } from '@scure/bip39/wordlists/english.js';

const domain = 'Parley short authentication string 1';
const rounds = 100_000;
const count = 4;
const bitsOfWord = 11;

/** fingerprintsOf are the ends that a description names, each once, in their order. */
export function fingerprintsOf(sdp: string): string[] {
  const found = sdp.matchAll(/^a=fingerprint:(\S+) (\S+)\s*$/gim);
  return [...new Set([...found].map(([, hash, value]) => `${hash!.toLowerCase()} ${value!.toUpperCase()}`))];
}

/** wordsOf are the words to compare. Both sides name the caller's description first. */
export async function wordsOf(caller: string, callee: string): Promise<string[]> {
  const ends = [fingerprintsOf(caller), fingerprintsOf(callee)];
  if (ends.some((fingerprints) => fingerprints.length === 0)) {
    throw new Error('a description has no fingerprint');
  }
  const text = new TextEncoder();
  const key = await crypto.subtle.importKey('raw', text.encode(JSON.stringify(ends)), 'PBKDF2', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: text.encode(domain), iterations: rounds }, key, 48);
  let rest = new Uint8Array(bits).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n) >> BigInt(48 - count * bitsOfWord);
  return Array.from({ length: count }, () => {
    const word = wordlist[Number(rest & 2047n)]!;
    rest >>= BigInt(bitsOfWord);
    return word;
  });
}
