import { describe, expect, test } from '@jest/globals';
import { HashSum, hash64, hashToHex, StreamHash } from './hash.ts';

describe('hash64', () => {
  test.each([
    ['', '0000000000000000'],
    // Published vectors of MurmurHash3_x86_128, first 64 bits.
    ['The quick brown fox jumps over the lazy dog', '2f1583c3ecee2c67'],
    ['I will not buy this record, it is scratched.', 'a0a9683b25ac5e40'],
  ])('agrees with the published vector for %j', (text, expected) => {
    expect(hashToHex(hash64(text))).toBe(expected);
  });

  test('bytes and their string agree, seeds and every prefix differ', () => {
    const bytes = new TextEncoder().encode('0123456789abcdefghijklmnopqrstuvwxyz');
    expect(hash64(bytes)).toEqual(hash64('0123456789abcdefghijklmnopqrstuvwxyz'));
    expect(hash64(bytes, 1)).not.toEqual(hash64(bytes, 2));
    const prefixes = new Set(Array.from(bytes, (_, length) => hashToHex(hash64(bytes.subarray(0, length)))));
    expect(prefixes.size).toBe(bytes.length);
  });

  test('trailing zero bytes matter', () => {
    expect(hash64(new Uint8Array(3))).not.toEqual(hash64(new Uint8Array(4)));
  });

  test('100,000 short inputs do not collide', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i++) seen.add(hashToHex(hash64(`key-${i}`)));
    expect(seen.size).toBe(100_000);
  });
});

describe('HashSum', () => {
  const hashes = Array.from({ length: 100 }, (_, i) => hash64(`entry ${i}`));

  test('does not depend on the order', () => {
    const forwards = new HashSum();
    const backwards = new HashSum();
    for (const hash of hashes) forwards.add(hash);
    for (const hash of hashes.toReversed()) backwards.add(hash);
    expect(forwards.toString()).toBe(backwards.toString());
    expect(forwards.toString()).toMatch(/^[0-9a-f]{16}$/);
  });

  test('agrees with 64-bit arithmetic, and what is removed leaves no trace', () => {
    const sum = new HashSum();
    let expected = 0n;
    for (const hash of hashes) {
      sum.add(hash);
      expected = (expected + (BigInt(hash.hi) << 32n) + BigInt(hash.lo)) % 2n ** 64n;
    }
    expect(sum.toString()).toBe(expected.toString(16).padStart(16, '0'));
    for (const hash of hashes) sum.remove(hash);
    expect(sum.toString()).toBe('0000000000000000');
  });

  test('two equal entries do not cancel', () => {
    const sum = new HashSum();
    sum.add(hashes[0]!);
    const one = sum.toString();
    sum.add(hashes[0]!);
    expect(sum.toString()).not.toBe(one);
    expect(sum.toString()).not.toBe('0000000000000000');
  });
});

describe('StreamHash', () => {
  const of = (...words: readonly number[]) => {
    const hash = new StreamHash();
    for (const word of words) hash.add(word);
    return hash.toString();
  };

  test('tells sequences apart by their words, order and length', () => {
    const all = [of(), of(0), of(0, 0), of(1), of(1, 2), of(2, 1), of(1, 2, 0), of(-1), of(1, 3)];
    expect(new Set(all).size).toBe(all.length);
    expect(of(1, 2)).toBe(of(1, 2));
    expect(of(1, 2)).toMatch(/^[0-9a-f]{16}$/);
  });

  test('can be read while it goes on', () => {
    const hash = new StreamHash();
    hash.add(1);
    expect(hash.toString()).toBe(of(1));
    hash.add(2);
    expect(hash.toString()).toBe(of(1, 2));
  });
});
