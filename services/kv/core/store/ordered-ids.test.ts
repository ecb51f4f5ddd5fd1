import { expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { OrderedIds } from './ordered-ids.ts';

test('behaves like a sorted array through random additions, removals and pages', () => {
  const random = new Prng(1);
  const ids = new OrderedIds();
  const expected = new Set<string>();
  for (let step = 0; step < 20_000; step++) {
    // Mostly ascending, as UUIDs of version 7 are, in between anywhere.
    const number = random.integer(0, 10) > 0 ? step * 10 : random.integer(0, step * 10 + 1);
    const id = String(number).padStart(8, '0');
    if (!expected.has(id)) {
      expected.add(id);
      ids.add(id);
    }
    if (random.integer(0, 3) === 0) {
      const gone = random.pick([...expected].slice(-200));
      expected.delete(gone);
      ids.remove(gone);
    }
  }
  const sorted = [...expected].sort();
  expect(ids.page(Infinity, undefined)).toEqual(sorted);
  for (let i = 0; i < 200; i++) {
    const after = String(random.integer(0, 200_000)).padStart(8, '0');
    const limit = random.integer(1, 1500);
    expect(ids.page(limit, after)).toEqual(sorted.filter((id) => id > after).slice(0, limit));
  }
  for (const id of sorted) ids.remove(id);
  expect(ids.isEmpty).toBe(true);
});
