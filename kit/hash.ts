/** A 64-bit hash as two unsigned 32-bit halves: exact integer arithmetic without the cost of BigInt. */
export interface Hash64 {
  readonly hi: number;
  readonly lo: number;
}

const encoder = new TextEncoder();

/**
 * The first 64 bits of MurmurHash3_x86_128 (Appleby, public domain): fast, well mixed, and NOT cryptographic, so never a defence
 * against someone who chooses the input.
 * @param input bytes, or a string hashed as UTF-8
 * @param seed unsigned 32-bit integer
 */
export function hash64(input: Uint8Array | string, seed = 0): Hash64 {
  const bytes = typeof input === 'string' ? encoder.encode(input) : input;
  const lanes: Lanes = [seed | 0, seed | 0, seed | 0, seed | 0];
  const tail = bytes.length & ~15;
  mixBlocks(lanes, bytes, tail);
  mixTail(lanes, bytes, tail);
  return finish(lanes, bytes.length);
}

/** 16 lower-case hexadecimal digits. */
export function hashToHex(hash: Hash64): string {
  return hash.hi.toString(16).padStart(8, '0') + hash.lo.toString(16).padStart(8, '0');
}

/**
 * A sum of hashes modulo 2^64. It does not depend on the order in which hashes came, and one that leaves is subtracted again, so
 * the hash of a large set is kept up to date in constant time.
 */
export class HashSum {
  #hi = 0;
  #lo = 0;

  add(hash: Hash64): void {
    const lo = this.#lo + hash.lo;
    this.#hi = (this.#hi + hash.hi + (lo > 0xffffffff ? 1 : 0)) >>> 0;
    this.#lo = lo >>> 0;
  }

  /** Undoes `add` of the same hash. */
  remove(hash: Hash64): void {
    const lo = this.#lo - hash.lo;
    this.#hi = (this.#hi - hash.hi - (lo < 0 ? 1 : 0)) >>> 0;
    this.#lo = lo >>> 0;
  }

  value(): Hash64 {
    return { hi: this.#hi, lo: this.#lo };
  }

  /** 16 lower-case hexadecimal digits; all zeros for the empty set. */
  toString(): string {
    return hashToHex(this.value());
  }
}

/**
 * A 64-bit hash over a sequence of 32-bit words, one at a time: two lanes of MurmurHash3_x86_128, without bytes or allocations.
 * Not cryptographic.
 */
export class StreamHash {
  #h1 = 0x243f6a88;
  #h2 = 0x13198a2e | 0;
  #count = 0;

  /** @param word an integer; of its bits the lowest 32 count */
  add(word: number): void {
    this.#h1 = (Math.imul(rotl(this.#h1 ^ scramble1(word), 19) + this.#h2, 5) + 0x561ccd1b) | 0;
    this.#h2 = (Math.imul(rotl(this.#h2 ^ scramble2(word), 17) + this.#h1, 5) + 0x0bcaa747) | 0;
    this.#count += 1;
  }

  /** Of what was added so far. */
  value(): Hash64 {
    return finish([this.#h1, this.#h2, 0, 0], this.#count);
  }

  /** 16 lower-case hexadecimal digits. */
  toString(): string {
    return hashToHex(this.value());
  }
}

type Lanes = [number, number, number, number];

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function rotl(x: number, r: number): number {
  return (x << r) | (x >>> (32 - r));
}

function scramble1(k: number): number {
  return Math.imul(rotl(Math.imul(k, C1), 15), C2);
}

function scramble2(k: number): number {
  return Math.imul(rotl(Math.imul(k, C2), 16), C3);
}

function scramble3(k: number): number {
  return Math.imul(rotl(Math.imul(k, C3), 17), C4);
}

function scramble4(k: number): number {
  return Math.imul(rotl(Math.imul(k, C4), 18), C1);
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function mixBlocks(lanes: Lanes, bytes: Uint8Array, end: number): void {
  let [h1, h2, h3, h4] = lanes;
  for (let at = 0; at < end; at += 16) {
    h1 = (Math.imul(rotl(h1 ^ scramble1(word(bytes, at)), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotl(h2 ^ scramble2(word(bytes, at + 4)), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotl(h3 ^ scramble3(word(bytes, at + 8)), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotl(h4 ^ scramble4(word(bytes, at + 12)), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  lanes[0] = h1;
  lanes[1] = h2;
  lanes[2] = h3;
  lanes[3] = h4;
}

/** Up to 15 bytes that fill no block, as four little-endian words padded with zeros (a zero word leaves its lane as it is). */
function mixTail(lanes: Lanes, bytes: Uint8Array, start: number): void {
  lanes[0] ^= scramble1(partialWord(bytes, start));
  lanes[1] ^= scramble2(partialWord(bytes, start + 4));
  lanes[2] ^= scramble3(partialWord(bytes, start + 8));
  lanes[3] ^= scramble4(partialWord(bytes, start + 12));
}

function partialWord(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 4 && at + i < bytes.length; i++) value |= bytes[at + i]! << (8 * i);
  return value;
}

function finish(lanes: Lanes, length: number): Hash64 {
  let [h1, h2, h3, h4] = lanes;
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = avalanche((h2 + h1) | 0);
  h3 = avalanche((h3 + h1) | 0);
  h4 = avalanche((h4 + h1) | 0);
  h1 = (avalanche(h1) + h2 + h3 + h4) | 0;
  return { hi: h1 >>> 0, lo: (h2 + h1) >>> 0 };
}

/** fmix32: every input bit reaches every output bit. */
function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
