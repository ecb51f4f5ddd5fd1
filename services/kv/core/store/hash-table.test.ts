import { expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { HashTable } from './hash-table.ts';

/** All numbers with this hash. */
function valuesOf(table: HashTable, hash: number): Set<number> {
  const values = new Set<number>();
  for (let place = table.find(hash); place !== -1; place = table.findNext(place, hash)) values.add(table.at(place));
  return values;
}

function placeOf(table: HashTable, hash: number, value: number): number {
  let place = table.find(hash);
  while (table.at(place) !== value) place = table.findNext(place, hash);
  return place;
}

// Hashes that differ in high bits only share a place at first; around the last place the runs go over the end of the table.
const HASHES = [0, 1, -1, 15, 31, 0x7fff_ffff, 0x8000_0000, ...Array.from({ length: 60 }, (_, i) => (i << 20) | 14)];

test.each([20, 400])(
  'behaves like a Map of sets through random additions, replacements and removals of up to %d',
  (most) => {
    const random = new Prng(most);
    const table = new HashTable();
    const expected = new Map(HASHES.map((hash) => [hash, new Set<number>()]));
    let size = 0;
    for (let step = 1; step <= 30_000; step++) {
      const hash = random.pick(HASHES);
      const values = expected.get(hash)!;
      if (size < most && random.integer(0, 100) < 55) {
        table.add(hash, step);
        values.add(step);
        size += 1;
      } else if (values.size > 0) {
        const value = random.pick([...values]);
        values.delete(value);
        if (random.integer(0, 4) === 0) {
          table.replace(placeOf(table, hash, value), -step);
          values.add(-step);
        } else {
          table.remove(placeOf(table, hash, value));
          size -= 1;
        }
      }
      expect(table.size).toBe(size);
      if (step % 50 === 0) for (const [each, set] of expected) expect(valuesOf(table, each)).toEqual(set);
    }
  },
);
