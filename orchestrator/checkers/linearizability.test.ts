import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { historyOf } from './history.ts';
import { checkLinearizability, checkLinearizabilityAtOnce } from './linearizability.ts';
import { Search } from './search.ts';
import { isLinearizable } from './testing/brute_force.ts';
import { operation as op } from './testing/operation.ts';
import { mutate, simulate, type Workload } from './testing/simulated_register.ts';
import type { Operation } from './types.ts';
import { UNDECIDED, Zones } from './zones.ts';

const verdict = (operations: readonly Operation[]) => checkLinearizabilityAtOnce(historyOf(operations)).linearizable;

/** Up to seven operations on one key; every kind of them, with up to three things changed. */
function tinyHistory(seed: number): { operations: Operation[]; changes: number } {
  const prng = new Prng(seed);
  const isRepeated = prng.float() < 0.5;
  let operations = simulate(prng, {
    processes: prng.integer(2, 5),
    operations: prng.integer(2, 8),
    keys: 1,
    reads: 0.45,
    deletes: prng.pick([0, 0.1, 0.25]),
    creates: isRepeated ? 0.15 : 0,
    unknown: prng.pick([0, 0.2, 0.4]),
    repeated: isRepeated ? 0.3 : 0,
    durationMax: prng.pick([3, 10, 20]),
    pauseMax: prng.pick([0, 3, 8]),
  });
  const changes = prng.integer(0, 4);
  for (let change = 0; change < changes; change++) operations = mutate(prng, operations);
  return { operations, changes };
}

describe('beside the definition, tried out order by order', () => {
  const HISTORIES = 8_000;
  const histories = Array.from({ length: HISTORIES }, (_, seed) => {
    const { operations, changes } = tinyHistory(seed);
    return { seed, operations, changes, expected: isLinearizable(operations) };
  });

  test('the histories are a fair question', () => {
    const wrong = histories.filter(({ expected }) => !expected).length;
    expect(wrong / HISTORIES).toBeGreaterThan(0.25);
    const searched = histories.filter(({ operations }) => new Zones(historyOf(operations)).verdicts[0] === UNDECIDED);
    expect(searched.length / HISTORIES).toBeGreaterThan(0.15);
    expect(searched.length / HISTORIES).toBeLessThan(0.5);
    // What was simulated and not changed has an order: the oracle is right about those.
    expect(histories.filter(({ changes, expected }) => changes === 0 && !expected)).toEqual([]);
  });

  test('the checker gives the same answers', () => {
    expect(histories.filter(({ operations, expected }) => verdict(operations) !== expected)).toEqual([]);
  });

  test('so does the search on what the zones decide', () => {
    const limits = { deadline: Number.POSITIVE_INFINITY, stepsMax: 1_000_000 };
    const differ = histories.filter(({ operations, expected }) => {
      const history = historyOf(operations);
      return new Search(history).run(history.keys.keys(), 'absent', limits) !== expected;
    });
    expect(differ).toEqual([]);
  });

  test('a window is not linearizable by itself, and no observation in it can be spared', () => {
    let seen = 0;
    for (const { operations, expected } of histories) {
      if (expected) continue;
      const [violation] = checkLinearizabilityAtOnce(historyOf(operations)).violations;
      expect(violation).toBeDefined();
      const { window, before, impossible } = violation!;
      expect(window[impossible]).toBeDefined();
      if (before === 'anything') continue;
      seen++;
      expect(isLinearizable(window)).toBe(false);
      for (const [index, { operation, outcome }] of window.entries())
        if (operation === 'read' || outcome === 'absent') expect(isLinearizable(window.toSpliced(index, 1))).toBe(true);
    }
    expect(seen).toBeGreaterThan(1_000);
  });
});

describe('beside a store that is linearizable by construction', () => {
  const workload: Workload = {
    processes: 8,
    operations: 600,
    keys: 3,
    reads: 0.5,
    deletes: 0,
    creates: 0,
    unknown: 0.01,
    repeated: 0,
    durationMax: 20,
    pauseMax: 3,
  };
  const seeds = Array.from({ length: 60 }, (_, seed) => seed);

  test.each([
    ['registers', workload],
    ['entries that come and go', { ...workload, deletes: 0.05, creates: 0.1 }],
    ['repeated values', { ...workload, deletes: 0.05, creates: 0.1, repeated: 0.3 }],
  ])('%s are always accepted', (_, each) => {
    const refused = seeds.filter((seed) => verdict(simulate(new Prng(seed), each)) !== true);
    expect(refused).toEqual([]);
  });

  test('one planted stale read is always refused, and found', () => {
    for (const seed of seeds) {
      const operations = simulate(new Prng(seed), { ...workload, unknown: 0 });
      const { stale, index } = plantStaleRead(operations);
      const changed = operations.with(index, stale);
      const result = checkLinearizabilityAtOnce(historyOf(changed));
      expect({ seed, linearizable: result.linearizable }).toEqual({ seed, linearizable: false });
      const [violation] = result.violations;
      expect(violation!.window[violation!.impossible]).toEqual(stale);
      expect(violation!.window.length).toBeLessThanOrEqual(3);
    }
  });
});

/** The last read of a key now sees the value before the one that a write, long done, had replaced. */
function plantStaleRead(operations: readonly Operation[]): { stale: Operation; index: number } {
  const index = operations.findLastIndex(({ operation, outcome }) => operation === 'read' && outcome === 'ok');
  const read = operations[index]!;
  const writes = operations
    .filter(({ key, value, operation, end }) => {
      return key === read.key && operation !== 'read' && value !== null && end! < read.start;
    })
    .sort((a, b) => a.start - b.start);
  const first = writes[0]!;
  expect(writes.some(({ start }) => start > first.end!)).toBe(true);
  return { stale: { ...read, value: first.value }, index };
}

describe('a register', () => {
  const created = op('create a 0-10');

  test.each<[string, boolean, readonly string[]]>([
    ['a read after the write', true, ['create a 0-10', 'read a 11-12']],
    ['a read of what was replaced', false, ['create a 0-10', 'update b 11-12', 'read a 13-14']],
    ['a read at the very moment at which the update ends', true, ['create a 0-10', 'update b 11-12', 'read a 12-14']],
    ['a read that goes back', false, ['create a 0-10', 'update b 11-30', 'read b 12-13', 'read a 14-15']],
    ['two reads at one moment', true, ['create a 0-10', 'update b 11-30', 'read b 12-13', 'read a 13-15']],
    ['a read of what nobody wrote', false, ['create a 0-10', 'read z 11-12']],
    ['a read that ended before the write began', false, ['create a 0-10', 'read b 11-12', 'update b 13-14']],
    ['a read that ended as the write began', true, ['create a 0-10', 'read b 11-13', 'update b 13-14']],
    ['nothing before the create', true, ['read absent 0-5', 'create a 4-10', 'delete absent 1-4']],
    ['nothing after the create', false, ['create a 0-10', 'read absent 11-12']],
    ['an update before the create', false, ['update b 0-1', 'create a 5-10']],
    [
      'nothing after the delete',
      true,
      ['create a 0-10', 'delete ok 11-12', 'read absent 13-14', 'update absent 13-14'],
    ],
    ['something after the delete', false, ['create a 0-10', 'delete ok 11-12', 'read a 13-14']],
    ['two deletes that found it', false, ['create a 0-10', 'delete ok 11-20', 'delete ok 11-20']],
    ['a value that comes back', true, ['create a 0-1', 'update b 2-3', 'update a 4-5', 'read a 6-7']],
    ['a value that does not come back', false, ['create a 0-1', 'update b 2-3', 'read a 4-5', 'update a 6-7']],
    ['an entry that is created again', true, ['create a 0-1', 'delete ok 2-3', 'create b 4-5', 'read b 6-7']],
    ['an unknown update that was read', true, ['create a 0-1', 'update b 2-?', 'read a 3-4', 'read b 90-91']],
    ['an unknown update that was read and gone', false, ['create a 0-1', 'update b 2-?', 'read b 3-4', 'read a 5-6']],
    ['an unknown update that nobody read', true, ['create a 0-1', 'update b 2-?', 'read a 90-91']],
    ['an unknown update read before it began', false, ['create a 0-1', 'read b 2-3', 'update b 4-?']],
    ['an unknown delete that happened', true, ['create a 0-1', 'delete 2-?', 'read a 3-4', 'read absent 5-6']],
    ['an unknown delete that began too late', false, ['create a 0-1', 'read absent 2-3', 'delete 4-?']],
    ['an unknown create that happened', true, ['create a 0-?', 'read absent 1-2', 'read a 3-4', 'update b 5-6']],
    [
      'two unknown deletes that happened',
      true,
      ['create a 0-1', 'delete 2-?', 'read absent 3-4', 'create b 5-6', 'delete 7-?', 'read absent 8-9'],
    ],
    [
      'one unknown delete where two are needed',
      false,
      ['create a 0-1', 'delete 2-?', 'read absent 3-4', 'create b 5-6', 'read absent 8-9'],
    ],
    [
      'two unknown updates to one value',
      true,
      ['create a 0-1', 'update b 2-?', 'read b 3-4', 'update a 5-6', 'update b 7-?', 'read b 8-9', 'read a 5-6'],
    ],
    ['an unknown read', true, ['create a 0-1', 'read 2-?']],
  ])('%s: %s', (_, expected, lines) => {
    const operations = lines.map(op);
    expect(isLinearizable(operations)).toBe(expected);
    expect(verdict(operations)).toBe(expected);
  });

  test('registers are judged one by one', () => {
    const other = { ...op('read z 11-12'), key: 'other' };
    const { violations, violatingKeys, keys } = checkLinearizabilityAtOnce(historyOf([created, other]));
    expect({ keys, violatingKeys, key: violations[0]?.key }).toEqual({ keys: 2, violatingKeys: 1, key: 'other' });
  });

  test('a create whose id nobody saw belongs to the entry that shows its value', () => {
    const create: Operation = { ...op('create a 0-?'), key: null };
    expect(verdict([create, op('read a 5-6')])).toBe(true);
    expect(verdict([{ ...create, start: 7 }, op('read a 5-6')])).toBe(false);
    expect(verdict([create])).toBe(true);
    // An entry that was created already cannot be that one, so the stale read stays stale.
    const lines = ['create a 0-1', 'update b 2-3', 'read a 6-7'];
    expect(verdict([...lines.map(op), { ...create, start: 5 }])).toBe(false);
  });
});

describe('the window', () => {
  const windowOf = (lines: readonly string[]) => checkLinearizabilityAtOnce(historyOf(lines.map(op))).violations[0]!;

  test('a stale read stands beside the write that it missed, and says so', () => {
    const { window, before, reason, impossible } = windowOf([
      'create a 0-10',
      'read a 11-12',
      'update b 13-14',
      'read b 15-16',
      'read a 20-21',
      'update c 30-31',
      'read c 32-33',
    ]);
    expect(window).toEqual([op('update b 13-14'), op('read a 20-21')]);
    expect({ before, impossible }).toEqual({ before: 'anything', impossible: 1 });
    expect(reason).toBe('process 0 at node 0 read "a" after process 0 wrote "b": no order explains these 2 operations');
  });

  test('two reads that disagree need no more than themselves and the write between them', () => {
    const { window } = windowOf(['create a 0-10', 'update b 11-90', 'read b 12-13', 'read a 14-15', 'update c 16-80']);
    expect(window).toEqual(['update b 11-90', 'read b 12-13', 'read a 14-15'].map(op));
  });

  test('a delete stays as long as somebody saw that the entry was gone', () => {
    const lines = ['delete ok 2-9', 'read absent 4-5', 'read a 6-7'];
    expect(windowOf(['create a 0-1', ...lines, 'update absent 10-11']).window).toEqual(lines.map(op));
  });

  test('what nobody wrote needs no other operation', () => {
    const { window, reason } = windowOf(['create a 0-10', 'update b 11-90', 'read z 12-13', 'read b 14-15']);
    expect(window).toEqual([op('read z 12-13')]);
    expect(reason).toBe('process 0 at node 0 read "z", which nobody wrote');
  });

  test('the search finds it among many', () => {
    const prng = new Prng(5);
    const operations = simulate(prng, {
      processes: 5,
      operations: 400,
      keys: 1,
      reads: 0.5,
      deletes: 0.03,
      creates: 0.1,
      unknown: 0,
      repeated: 0.1,
      durationMax: 20,
      pauseMax: 3,
    });
    const last = Math.max(...operations.map(({ end }) => end!));
    const wrong = op(`read nobody-wrote-this ${last + 1}-${last + 2}`);
    const { window } = checkLinearizabilityAtOnce(historyOf([...operations, { ...wrong, key: 'k0' }])).violations[0]!;
    expect(window).toEqual([{ ...wrong, key: 'k0' }]);
  });
});

describe('what cannot be concluded', () => {
  /** Writes of each value three times, all at once, and reads that almost any order of them could explain. */
  const hard = Array.from({ length: 24 }, (_, index) => [
    op(`create ${index % 8} 0-1000`),
    op(`read ${(index * 5) % 8} ${index * 40}-${index * 40 + 39}`),
  ]).flat();
  const impossible = [...hard, op('read 3 1001-1002'), op('read 4 1003-1004')];

  test('a search that runs out of time is no answer', async () => {
    const history = historyOf(impossible);
    const here = checkLinearizabilityAtOnce(history, 0);
    expect(here.linearizable).toBe('unknown');
    expect(here.reason).toBe('1 of 1 keys not decided, e.g. k: the search ran out of time');
    expect((await checkLinearizability(history, { workers: 1, timeLimitMs: 200 })).linearizable).toBe('unknown');
  });

  test('a search that runs out of memory is no answer', () => {
    const history = historyOf(impossible);
    const limits = { deadline: Number.POSITIVE_INFINITY, stepsMax: Number.POSITIVE_INFINITY };
    expect(new Search(history, 1_000).run(history.keys.keys(), 'absent', limits)).toBe('out of memory');
  });

  test('a clock that stepped voids everything', () => {
    const step = { file: 'history/0.ndjson', line: 7, detail: '{"byMs":-40}' };
    const history = { ...historyOf([op('create a 0-1'), op('read z 2-3')]), clockSteps: [step] };
    const result = checkLinearizabilityAtOnce(history);
    expect(result.linearizable).toBe('unknown');
    expect(result.reason).toContain('history/0.ndjson:7');
    expect(result.violations).toEqual([]);
  });

  test('a history that was cut off accuses nobody, and can still be fine', () => {
    const cut = (lines: readonly string[]) =>
      checkLinearizabilityAtOnce({ ...historyOf(lines.map(op)), truncatedLines: 1 });
    expect(cut(['create a 0-1', 'read a 2-3']).linearizable).toBe(true);
    const wrong = cut(['create a 0-1', 'read z 2-3']);
    expect(wrong.linearizable).toBe('unknown');
    expect(wrong.reason).toContain('cut off');
  });
});

describe('on threads', () => {
  const workload: Workload = {
    processes: 20,
    operations: 12_000,
    keys: 40,
    reads: 0.5,
    deletes: 0.05,
    creates: 0.1,
    unknown: 0,
    repeated: 0.1,
    durationMax: 20,
    pauseMax: 2,
  };

  test('many keys get the answers that one thread gives', async () => {
    const operations = simulate(new Prng(3), workload);
    expect((await checkLinearizability(historyOf(operations), { workers: 2 })).linearizable).toBe(true);
    const changed = operations.map((operation, index) =>
      index % 4_000 === 3_999
        ? { ...operation, operation: 'read' as const, value: 'z', outcome: 'ok' as const }
        : operation,
    );
    const { seconds, ...threads } = await checkLinearizability(historyOf(changed), { workers: 2 });
    const { seconds: _, ...here } = checkLinearizabilityAtOnce(historyOf(changed));
    expect(threads).toEqual(here);
    expect(threads.violatingKeys).toBeGreaterThan(0);
  });

  test('an abort ends them', async () => {
    const history = historyOf(simulate(new Prng(3), workload));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(checkLinearizability(history, { workers: 2, signal })).rejects.toThrow('enough');
  });
});
