import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { checkDurability } from './durability.ts';
import { historyOf } from './history.ts';
import { isLinearizable } from './testing/brute_force.ts';
import { operation as op } from './testing/operation.ts';
import { simulate } from './testing/simulated_register.ts';
import type { Operation } from './types.ts';

/** The lost ones, when `k` holds the value in the end; nothing if it is null. */
function lost(lines: readonly string[], found: string | null): Operation[] {
  const state = new Map(found === null ? [] : [['k', found]]);
  return checkDurability(historyOf(lines.map(op)), state).lost.map(({ operation }) => operation);
}

describe('checkDurability', () => {
  test.each<[string, readonly string[], string | null, readonly string[]]>([
    ['the last write is there', ['create a 0-1', 'update b 2-3'], 'b', []],
    ['the last write is gone', ['create a 0-1', 'update b 2-3'], 'a', ['update b 2-3']],
    ['all is gone', ['create a 0-1', 'update b 2-3'], null, ['update b 2-3']],
    ['of two at once either may be last', ['create a 0-1', 'update b 2-9', 'update c 3-8'], 'b', []],
    [
      'of two at once both are gone',
      ['create a 0-1', 'update b 2-9', 'update c 3-8'],
      'a',
      ['update b 2-9', 'update c 3-8'],
    ],
    ['replaced at the same moment', ['create a 0-1', 'update b 1-2'], 'a', []],
    ['replaced by an unknown update', ['create a 0-1', 'update b 2-?', 'update c 50-51'], 'b', []],
    ['an unknown update that is not there', ['create a 0-1', 'update b 2-?'], 'a', []],
    [
      'a later unknown update explains no other value',
      ['create a 0-1', 'update b 2-3', 'update c 4-?'],
      'a',
      ['update b 2-3'],
    ],
    ['deleted', ['create a 0-1', 'delete ok 2-3'], null, []],
    ['deleted too early', ['create a 0-1', 'delete ok 2-3', 'create b 4-5'], null, ['create b 4-5']],
    ['perhaps deleted', ['create a 0-1', 'delete 2-?', 'update b 50-51'], null, []],
    ['a delete that is undone', ['create a 0-1', 'delete ok 2-3'], 'a', ['delete ok 2-3']],
    ['an update brings no entry back', ['create a 0-1', 'update b 5-20', 'delete ok 10-11'], 'b', ['delete ok 10-11']],
    ['created again', ['create a 0-1', 'delete ok 2-3', 'create b 4-5', 'update c 6-7'], 'c', []],
    ['a value that nobody wrote', ['create a 0-1'], 'z', ['create a 0-1']],
    ['an update that found nothing is no write', ['create a 0-1', 'delete ok 2-3', 'update absent 4-5'], null, []],
  ])('%s', (_, lines, found, expected) => {
    expect(lost(lines, found)).toEqual(expected.map(op));
  });

  test('says who lost what', () => {
    const result = checkDurability(historyOf([op('create a 0-1'), op('update b 2-3')]), new Map([['k', 'a']]));
    expect(result).toMatchObject({ durable: false, writes: 2, keys: 1, lostWrites: 1 });
    expect(result.lost[0]!.reason).toBe(
      'the update of "b" by process 0 was acknowledged by node 0, and entry k holds "a"',
    );
  });

  test('a clock that stepped voids it', () => {
    const step = { file: 'f', line: 3, detail: '1' };
    const history = { ...historyOf([op('create a 0-1')]), clockSteps: [step] };
    expect(checkDurability(history, new Map())).toMatchObject({ durable: 'unknown', writes: 0, lost: [] });
  });

  test('never accuses what one more read at the end could explain, and accuses much of the rest', () => {
    let accused = 0;
    let unexplained = 0;
    for (let seed = 0; seed < 3_000; seed++) {
      const prng = new Prng(seed);
      const operations = simulate(prng, {
        processes: prng.integer(1, 4),
        operations: prng.integer(2, 7),
        keys: 1,
        reads: 0.1,
        deletes: 0.15,
        creates: prng.pick([0, 0.2]),
        unknown: prng.pick([0, 0.3]),
        repeated: prng.pick([0, 0.2]),
        durationMax: 15,
        pauseMax: 5,
      });
      const values = operations.flatMap(({ value }) => (value === null ? [] : [value]));
      const value = prng.pick([...values, null]);
      const last = { ...op('read x 1000-1001'), key: 'k0', value, outcome: value === null ? 'absent' : 'ok' } as const;
      const isExplained = isLinearizable([...operations, last]);
      const state = new Map(value === null ? [] : [['k0', value]]);
      const { durable } = checkDurability(historyOf(operations), state);
      if (isExplained) expect({ seed, durable }).toEqual({ seed, durable: true });
      else unexplained++;
      if (durable === false) accused++;
    }
    expect(unexplained).toBeGreaterThan(500);
    expect(accused / unexplained).toBeGreaterThan(0.8);
  });
});
