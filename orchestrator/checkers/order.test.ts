import { expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { groupByKey, sortBy } from './order.ts';

/** As the library sorts: by place, and what has one place in the order given. */
function expected(numbers: Int32Array, count: number, by: Float64Array): number[] {
  const head = [...numbers.subarray(0, count)].sort((a, b) => (by[a]! < by[b]! ? -1 : by[a]! > by[b]! ? 1 : 0));
  return [...head, ...numbers.subarray(count)];
}

test('sorts what is nearly sorted and what is not, stably, with infinities, and only what it is told to', () => {
  for (let seed = 0; seed < 300; seed++) {
    const prng = new Prng(seed);
    const disorder = prng.pick([0, 3, 1_000]);
    const by = Float64Array.from({ length: prng.integer(1, 200) }, (_, index) =>
      prng.float() < 0.05 ? Number.POSITIVE_INFINITY : index + prng.integer(0, disorder + 1),
    );
    const numbers = Int32Array.from(by.keys());
    const count = prng.integer(0, by.length + 1);
    const wanted = expected(numbers, count, by);
    sortBy(numbers, count, by);
    expect([...numbers]).toEqual(wanted);
  }
});

test('is log-linear at worst: a long column in reverse', () => {
  const by = Float64Array.from({ length: 300_000 }, (_, index) => -index);
  const numbers = Int32Array.from(by.keys());
  sortBy(numbers, numbers.length, by);
  expect(numbers.every((number, index) => number === by.length - 1 - index)).toBe(true);
});

test('groups rows by key in their order, without those that have none', () => {
  const { offsets, rows } = groupByKey(Int32Array.of(2, 0, -1, 2, 0), 3);
  expect([...offsets]).toEqual([0, 2, 2, 4]);
  expect([...rows]).toEqual([1, 4, 0, 3]);
});
