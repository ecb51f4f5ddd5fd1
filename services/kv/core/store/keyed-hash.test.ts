import { expect, test } from '@jest/globals';
import { KeyedHash } from './keyed-hash.ts';

const BYTES = Uint8Array.from({ length: 64 }, (_, i) => i);

test('gives the reference values of HalfSipHash-2-4', () => {
  // vectors.h of github.com/veorq/SipHash: key 00 01 … 07, inputs of 0, 1, 2, … bytes 00 01 02 …
  const hash = new KeyedHash([0x03020100, 0x07060504], 2, 4);
  const values = [0, 1, 2, 3, 4].map((length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(hash.of(BYTES, 0, length));
    return bytes.toString('hex');
  });
  expect(values).toEqual(['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689']);
});

test('depends on the key and on every byte, and not on what is around them', () => {
  const hash = new KeyedHash([1, 2]);
  expect(hash.of(BYTES, 8, 21)).toBe(hash.of(BYTES.slice(8, 21), 0, 13));
  expect(new KeyedHash([1, 3]).of(BYTES, 0, 13)).not.toBe(hash.of(BYTES, 0, 13));
  expect(new KeyedHash([3, 2]).of(BYTES, 0, 13)).not.toBe(hash.of(BYTES, 0, 13));
  const values = new Set(
    Array.from(BYTES, (_, changed) =>
      hash.of(
        BYTES.map((byte, at) => (at === changed ? byte ^ 1 : byte)),
        0,
        63,
      ),
    ),
  );
  expect(values.size).toBe(64);
});
