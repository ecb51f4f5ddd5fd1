import { expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { OrderedEntries } from './ordered-entries.ts';

test('behaves like a sorted array through random additions, removals and pages', () => {
  const random = new Prng(1);
  // Each number is its own id.
  const entries = new OrderedEntries({ compare: (a, b) => a - b });
  const expected = new Set<number>();
  for (let step = 0; step < 20_000; step++) {
    // Mostly ascending, as UUIDs of version 7 are, in between anywhere.
    const entry = random.integer(0, 10) > 0 ? step * 10 : random.integer(0, step * 10 + 1);
    if (!expected.has(entry)) {
      expected.add(entry);
      entries.add(entry);
    }
    if (random.integer(0, 3) === 0) {
      const gone = random.pick([...expected].slice(-200));
      expected.delete(gone);
      entries.remove(gone);
    }
  }
  const sorted = [...expected].sort((a, b) => a - b);
  expect(entries.page(Infinity, undefined)).toEqual(sorted);
  expect(entries.first).toBe(sorted[0]);
  for (let i = 0; i < 200; i++) {
    const after = random.integer(0, 200_000);
    const limit = random.integer(1, 1500);
    expect(entries.page(limit, after)).toEqual(sorted.filter((entry) => entry > after).slice(0, limit));
  }
  for (const entry of sorted) entries.remove(entry);
  expect(entries.isEmpty).toBe(true);
});
