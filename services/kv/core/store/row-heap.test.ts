import { expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { RowHeap } from './row-heap.ts';

const HASH = { hi: 1, lo: 2 };
const MIB = 1024 * 1024;

function row(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

test('rows keep their bytes and hashes while others come and go', () => {
  const random = new Prng(7);
  const heap = new RowHeap();
  const expected = new Map<number, { readonly bytes: Uint8Array; readonly hash: { hi: number; lo: number } }>();
  for (let i = 0; i < 20_000; i++) {
    const slots = [...expected.keys()];
    if (slots.length > 200 || (slots.length > 0 && random.integer(0, 3) === 0)) {
      const slot = slots[random.integer(0, slots.length)]!;
      heap.remove(slot);
      expected.delete(slot);
    } else {
      const bytes = row(random.integer(0, 2000), i % 256);
      const hash = { hi: i, lo: 0xffff_ffff - i };
      expected.set(heap.add(bytes, hash), { bytes, hash });
    }
  }
  for (const [slot, { bytes, hash }] of expected) {
    expect([heap.row(slot), heap.hash(slot), heap.length(slot)]).toEqual([bytes, hash, bytes.length]);
  }
});

test('a row goes with the last of its holders', () => {
  const heap = new RowHeap();
  const slot = heap.add(row(10, 1), HASH);
  heap.share(slot);
  heap.remove(slot);
  expect(heap.row(slot)).toEqual(row(10, 1));
  heap.remove(slot);
  expect(heap.add(row(3, 2), HASH)).toBe(slot);
});

test('memory follows what is live, not what was written: 100 MB of updates over 3 MB, and nothing at the end', () => {
  const heap = new RowHeap();
  const random = new Prng(1);
  const slots = Array.from({ length: 10_000 }, () => heap.add(row(300, 1), HASH));
  let most = 0;
  for (let i = 0; i < 300_000; i++) {
    const at = random.integer(0, slots.length);
    const slot = heap.add(row(300, 2), HASH);
    heap.remove(slots[at]!);
    slots[at] = slot;
    most = Math.max(most, i % 1000 === 0 ? heap.reservedBytes : 0);
  }
  // Living rows with heads take 3.1 MB; a third more may be dead, and two segments of 512 KiB be open or spare.
  expect(most).toBeLessThan(3.1e6 * (4 / 3) + 2 * MIB);
  for (const slot of slots) heap.remove(slot);
  expect(heap.reservedBytes).toBeLessThan(2 * MIB);
});

test('frozen rows are what they were, whatever happens since', () => {
  const heap = new RowHeap();
  const slots = Array.from({ length: 500 }, (_, i) => heap.add(row(100, i % 256), HASH));
  const frozen = heap.freeze(Uint32Array.from(slots));
  for (let i = 0; i < 20_000; i++) {
    heap.remove(slots[i % 500]!);
    slots[i % 500] = heap.add(row(100, 255), HASH);
  }
  for (let i = 0; i < 500; i++) expect(frozen.row(i)).toEqual(row(100, i % 256));
  frozen.release();
});

test('a row larger than a segment has one of its own, which goes with it', () => {
  const heap = new RowHeap();
  const slot = heap.add(row(5 * MIB, 3), HASH);
  heap.add(row(10, 1), HASH);
  expect(heap.row(slot).length).toBe(5 * MIB);
  heap.remove(slot);
  expect(heap.reservedBytes).toBeLessThan(2 * MIB);
});
