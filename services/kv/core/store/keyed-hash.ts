/** Two unsigned 32-bit numbers. */
export type HashKey = readonly [number, number];

/**
 * HalfSipHash (Aumasson and Bernstein, github.com/veorq/SipHash) with 1 and 3 rounds, as Linux uses it for its hash tables: who does not know
 * the key cannot choose texts that collide. MurmurHash has such texts under every seed.
 */
export class KeyedHash {
  readonly #key: HashKey;
  readonly #rounds: number;
  readonly #roundsLast: number;
  readonly #state = new Int32Array(4);

  constructor(key: HashKey, rounds = 1, roundsLast = 3) {
    this.#key = key;
    this.#rounds = rounds;
    this.#roundsLast = roundsLast;
  }

  /** @returns 32 bits of these bytes, as a signed integer */
  of(bytes: Uint8Array, from: number, to: number): number {
    const v = this.#state;
    const [k0, k1] = this.#key;
    v[0] = k0;
    v[1] = k1;
    v[2] = 0x6c796765 ^ k0;
    v[3] = 0x74656462 ^ k1;
    let at = from;
    for (; at + 4 <= to; at += 4) {
      this.#mix(bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    }
    let last = (to - from) << 24;
    for (let shift = 0; at < to; at++, shift += 8) last |= bytes[at]! << shift;
    this.#mix(last);
    v[2] ^= 0xff;
    for (let i = 0; i < this.#roundsLast; i++) round(v);
    return v[1] ^ v[3];
  }

  #mix(word: number): void {
    const v = this.#state;
    v[3]! ^= word;
    for (let i = 0; i < this.#rounds; i++) round(v);
    v[0]! ^= word;
  }
}

function round(v: Int32Array): void {
  let v0 = v[0]!;
  let v1 = v[1]!;
  let v2 = v[2]!;
  let v3 = v[3]!;
  v0 = (v0 + v1) | 0;
  v1 = rotl(v1, 5) ^ v0;
  v0 = rotl(v0, 16);
  v2 = (v2 + v3) | 0;
  v3 = rotl(v3, 8) ^ v2;
  v0 = (v0 + v3) | 0;
  v3 = rotl(v3, 7) ^ v0;
  v2 = (v2 + v1) | 0;
  v1 = rotl(v1, 13) ^ v2;
  v2 = rotl(v2, 16);
  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
}

function rotl(x: number, r: number): number {
  return (x << r) | (x >>> (32 - r));
}
