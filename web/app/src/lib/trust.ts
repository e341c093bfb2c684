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

/**
 * isOf reports whether a certificate (DER), with which the far end has really
 * shown up, is the one end that a description names, by every fingerprint of it.
 */
export async function isOf(certificate: BufferSource, sdp: string): Promise<boolean> {
  const named = fingerprintsOf(sdp);
  const all = await Promise.all(
    named.map(async (fingerprint) => {
      const [hash = '', value] = fingerprint.split(' ');
      const digest = new Uint8Array(await crypto.subtle.digest(hash, certificate));
      return value === Array.from(digest, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');
    }),
  ).catch(() => [false]); // a hash that nobody here can make proves nothing
  return named.length > 0 && !all.includes(false);
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
