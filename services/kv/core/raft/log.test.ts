import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { Log } from './log.ts';
import type { Entry } from './types.ts';

const data = new Uint8Array(10);
const entry = (index: number, term: number): Entry => ({ index, term, kind: 'command', data });

/** A log with entries of these terms, from index 1 on. */
function logOf(...terms: number[]): Log {
  const log = new Log(0, 0);
  terms.forEach((term, i) => {
    log.append(entry(i + 1, term));
  });
  return log;
}

describe('a log', () => {
  test('knows the terms of its entries and of its base, and of nothing else', () => {
    const log = logOf(1, 1, 2);
    expect([0, 1, 2, 3, 4].map((index) => log.termAt(index))).toEqual([0, 1, 1, 2, null]);
    log.compactTo(2);
    expect([1, 2, 3].map((index) => log.termAt(index))).toEqual([null, 1, 2]);
    expect([log.firstIndex, log.lastIndex, log.lastTerm]).toEqual([3, 3, 2]);
  });

  test('gives batches of bounded size, but at least one entry', () => {
    const log = logOf(1, 1, 1, 1);
    expect(log.batch(1, 25).map((e) => e.index)).toEqual([1, 2]);
    expect(log.batch(2, 1).map((e) => e.index)).toEqual([2]);
    expect(log.batch(3, 1000).map((e) => e.index)).toEqual([3, 4]);
  });

  test('gives each new entry out for writing once, and a replaced one again', () => {
    const log = logOf(1, 1, 1);
    expect(log.takeFresh()?.map((e) => e.index)).toEqual([1, 2, 3]);
    expect(log.takeFresh()).toBeNull();
    log.truncateFrom(2);
    log.append(entry(2, 2));
    expect(log.takeFresh()).toEqual([entry(2, 2)]);
  });

  test('refuses gaps and terms that go back', () => {
    expect(() => logOf(1).append(entry(3, 1))).toThrow('append of entry 3 after 1');
    expect(() => logOf(2).append(entry(2, 1))).toThrow('term 1 of entry 2 after term 2');
  });

  test('behaves like an array through random appends, truncations and compactions', () => {
    const random = new Prng(1);
    const log = new Log(0, 0);
    let terms: number[] = [0];
    let base = 0;
    for (let step = 0; step < 20_000; step++) {
      const last = terms.length - 1;
      const chance = random.integer(0, 100);
      if (chance < 80) {
        terms.push(terms[last]! + (random.integer(0, 5) === 0 ? 1 : 0));
        log.append(entry(last + 1, terms.at(-1)!));
      } else if (chance < 90 && last > base) {
        const index = random.integer(base + 1, last + 1);
        terms = terms.slice(0, index);
        log.truncateFrom(index);
      } else if (last > base) {
        base = random.integer(base, last + 1);
        log.compactTo(base);
      }
      const index = random.integer(base, terms.length);
      const term = random.integer(0, terms.at(-1)! + 2);
      let expected = index;
      while (expected >= base && terms[expected]! > term) expected -= 1;
      const found = log.lastIndexWithTermAtMost(index, term);
      expect(found).toEqual({ index: expected, term: expected < base ? 0 : terms[expected] });
      expect([log.lastIndex, log.termAt(index)]).toEqual([terms.length - 1, terms[index]]);
    }
  });
});
