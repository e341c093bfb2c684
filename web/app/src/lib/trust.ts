// Whether nobody sits between the two of a call: a few words made from the
// fingerprints of both ends (RFC 8122), the same on both sides unless somebody
// has put other ends in between.
//
// The server passes the fingerprints on and so could change them. It would
// have to find ends of its own with which both sides get the same words, and
// would choose both: with N words that can be told apart, about the root of N
// tries for each side, which for four words is nothing. So each side adds a
// nonce, and the caller commits to its own before it learns the callee's (as
// ZRTP does, RFC 6189 section 4.4.1.1): whoever is in between has to settle on
// what it says to one side before it learns what the other's words depend on.
// Trying does not help then. It has one guess for each call, and two people who
// compare four words of 2,048 catch it but for once in 2^44.

import { sha1 } from '@noble/hashes/legacy.js';
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js';
import { bytesToHex, randomBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { attributeOf, withAttribute } from './sdp';

const domain = 'Parley short authentication string 2';
const count = 4;
const bitsOfWord = 11n;

/** Words to compare; "another": the far end is not the one that was named; "none": its app takes no part. */
export type Words = string[] | 'another' | 'none';

/** Proof is this side's part of one leg. What it is told first stays. */
export class Proof {
  private readonly nonce = bytesToHex(randomBytes(32));
  private commitment: string | undefined; // of the caller, where this is the callee
  private theirs: string | undefined; // nonce

  constructor(private readonly caller: boolean) {}

  /** offering commits to the own nonce, in the first offer. */
  offering(offer: string): string {
    return withAttribute(offer, 'parley-commitment', digest(this.nonce));
  }

  /** answering takes the far end's commitment, and says the own nonce in the answer. */
  answering(offer: string, answer: string): string {
    this.commitment ??= attributeOf(offer, 'parley-commitment');
    return this.commitment === undefined ? answer : withAttribute(answer, 'parley-nonce', this.nonce);
  }

  /** answered takes the callee's nonce. */
  answered(answer: string): void {
    this.theirs ??= attributeOf(answer, 'parley-nonce');
  }

  /** reveal is the caller's nonce, which may be told once the callee has answered. */
  reveal(): { nonce?: string } {
    return this.caller && this.theirs !== undefined ? { nonce: this.nonce } : {};
  }

  /** revealed takes the caller's nonce. */
  revealed(nonce: string | undefined): void {
    if (!this.caller) {
      this.theirs ??= nonce;
    }
  }

  /**
   * words are made of the fingerprints of both descriptions, if the certificate
   * (DER) with which the far end has really shown up, where the browser tells,
   * is the one that was named.
   */
  words([own, theirs]: [own: string[], theirs: string[]], certificate: Uint8Array | undefined): Words {
    if (certificate !== undefined && !isOf(certificate, theirs)) {
      return 'another';
    }
    if (this.theirs === undefined || (!this.caller && this.commitment === undefined) || own.length === 0 || theirs.length === 0) {
      return 'none';
    }
    if (!this.caller && digest(this.theirs) !== this.commitment) {
      return 'another';
    }
    const side = { ends: own, nonce: this.nonce };
    const far = { ends: theirs, nonce: this.theirs };
    return this.caller ? wordsOf(side, far) : wordsOf(far, side);
  }
}

/** Side is what one side's words depend on. */
export interface Side {
  /** fingerprints of its description */
  ends: string[];
  nonce: string;
}

/** wordsOf are the words to compare. */
export function wordsOf(caller: Side, callee: Side): string[] {
  if (caller.ends.length === 0 || callee.ends.length === 0) {
    throw new Error('a description has no fingerprint');
  }
  const hash = digest(JSON.stringify([domain, caller.ends, callee.ends, caller.nonce, callee.nonce]));
  const bits = BigInt(`0x${hash}`);
  return Array.from({ length: count }, (_, i) => wordlist[Number((bits >> (256n - bitsOfWord * BigInt(i + 1))) & 2047n)]!);
}

/** The hashes of RFC 8122, made here: without https a browser has none to give. */
const hashes = new Map<string, (data: Uint8Array) => Uint8Array>([
  ['sha-1', sha1],
  ['sha-224', sha224],
  ['sha-256', sha256],
  ['sha-384', sha384],
  ['sha-512', sha512],
]);

/** isOf reports whether a certificate (DER) has every one of some fingerprints. One of an unknown hash proves nothing. */
export function isOf(certificate: Uint8Array, named: string[]): boolean {
  const has = (fingerprint: string) => {
    const [name = '', value] = fingerprint.split(' ');
    const hash = hashes.get(name.toLowerCase());
    return hash !== undefined && value?.replaceAll(':', '').toLowerCase() === bytesToHex(hash(certificate));
  };
  return named.length > 0 && named.every(has);
}

/** digest is the SHA-256 of a text, hexadecimal. */
function digest(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}
