import { expect, test } from '@jest/globals';
import { Random } from './random.ts';

const draws = (seed: number, stream: number) => {
  const random = new Random(seed, stream);
  return Array.from({ length: 1000 }, () => random.float());
};

test('one seed and stream give one sequence, another stream another one', () => {
  expect(draws(7, 1)).toEqual(draws(7, 1));
  expect(draws(7, 1)).not.toEqual(draws(7, 2));
  expect(draws(7, 1)).not.toEqual(draws(8, 1));
});

test('neighbouring streams are uniform and unrelated', () => {
  const [first, second] = [draws(7, 1), draws(7, 2)];
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(first)).toBeCloseTo(0.5, 1);
  // Of independent sequences the product has the mean 1/4.
  expect(mean(first.map((value, index) => value * (second[index] ?? 0)))).toBeCloseTo(0.25, 1);
});

test('below() stays below', () => {
  const random = new Random(1, 1);
  const seen = new Set(Array.from({ length: 200 }, () => random.below(3)));
  expect([...seen].sort()).toEqual([0, 1, 2]);
});
