import { describe, expect, test } from '@jest/globals';
import { Prng } from './prng.ts';

const draw = (prng: Prng, count: number) => Array.from({ length: count }, () => prng.nextUint32());

describe('Prng', () => {
  test('one seed, one sequence; another seed, another', () => {
    expect(draw(new Prng(42), 10)).toEqual(draw(new Prng(42), 10));
    expect(draw(new Prng(42), 10)).not.toEqual(draw(new Prng(43), 10));
    expect(draw(new Prng(1), 10)).not.toEqual(draw(new Prng(1 + 2 ** 32), 10));
  });

  test('the sequence is part of the interface: seeds printed by old runs must repeat', () => {
    expect(draw(new Prng(7), 3)).toMatchInlineSnapshot(`
[
  2064663467,
  741845084,
  1743615334,
]
`);
  });

  test('integer covers its range evenly', () => {
    const prng = new Prng(1);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 60_000; i++) counts[prng.integer(10, 16) - 10]!++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });

  test('integer has no bias where the range does not divide 2^32', () => {
    const prng = new Prng(1);
    const third = 2 ** 30;
    let low = 0;
    for (let i = 0; i < 10_000; i++) if (prng.integer(0, 3 * third) < third) low++;
    expect(low / 10_000).toBeCloseTo(1 / 3, 1);
  });

  test('integer takes the whole 32-bit range and refuses an empty one', () => {
    const prng = new Prng(1);
    expect(prng.integer(-(2 ** 31), 2 ** 31)).toBeGreaterThanOrEqual(-(2 ** 31));
    expect(() => prng.integer(3, 3)).toThrow('integer(3, 3): requires integers with 0 < max - min ≤ 2^32');
    expect(() => prng.integer(0, 1.5)).toThrow('requires integers');
  });

  test('float stays in [0, 1) with mean one half', () => {
    const prng = new Prng(2);
    const values = Array.from({ length: 20_000 }, () => prng.float());
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(values.reduce((a, b) => a + b) / values.length).toBeCloseTo(0.5, 2);
  });

  test('a fork depends on seed and label, not on what was drawn', () => {
    const prng = new Prng(3);
    const before = draw(prng.fork('disk'), 5);
    draw(prng, 100);
    expect(draw(prng.fork('disk'), 5)).toEqual(before);
    expect(draw(prng.fork('network'), 5)).not.toEqual(before);
    expect(draw(new Prng(4).fork('disk'), 5)).not.toEqual(before);
  });

  test('pick takes every element, and refuses an empty list', () => {
    const prng = new Prng(5);
    expect(new Set(Array.from({ length: 100 }, () => prng.pick(['a', 'b', 'c'])))).toEqual(new Set(['a', 'b', 'c']));
    expect(() => prng.pick([])).toThrow('at least one element');
  });

  test('a seed that is no safe integer is refused', () => {
    expect(() => new Prng(-1)).toThrow('seed = -1');
    expect(() => new Prng(2 ** 53)).toThrow('safe integer');
  });
});
