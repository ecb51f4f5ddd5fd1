import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMetrics } from '../../kit/metrics.ts';
import type { SystemCheckers } from '../../kit/system.ts';
import { createCheckerMetrics } from './checker_metrics.ts';
import { type CheckersStageOptions, runCheckers } from './checkers.ts';
import { CHECKERS } from './record.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'checkers-'));
  mkdirSync(join(directory, 'history'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const operation = (change: object) => ({
  ...{ process: 1, operation: 'create', key: 'a', value: 'a1', start: 1000, end: 1010, outcome: 'ok', node: 0 },
  ...change,
});
const HEADER = { header: { version: 1, segment: 0, runId: 'r' } };
const COUNTED = {
  ...{ iterations_begun: { count: 5 }, iterations_ended: { count: 5 } },
  operations_succeeded: { count: 1 },
};
const GOOD = [operation({}), operation({ operation: 'read', process: 2, start: 1020, end: 1030 })];

interface Play {
  readonly lines?: readonly object[];
  readonly entries?: Readonly<Record<string, string>>;
  /** By node: what it answers, one after the other; the last one for ever. */
  readonly states?: readonly (readonly (readonly [number, string])[])[];
  readonly summary?: object;
  readonly options?: Partial<CheckersStageOptions>;
}

function register(entries: Readonly<Record<string, string>>): SystemCheckers {
  return {
    model: 'register',
    async *readAll() {
      for (const [key, value] of Object.entries(entries)) yield { key, value };
    },
  };
}

async function play({
  lines = GOOD,
  entries = { a: 'a1' },
  states = [[[7, 'x']], [[7, 'x']]],
  summary,
  options,
}: Play = {}) {
  writeFileSync(
    join(directory, 'history/0.ndjson'),
    [HEADER, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const counted = { ...COUNTED, history_lines: { count: 1 + lines.length }, ...summary };
  writeFileSync(join(directory, 'k6-summary.json'), JSON.stringify({ metrics: counted }));
  const asked = states.map(() => 0);
  const checkers: SystemCheckers = {
    ...register(entries),
    async state(url) {
      const node = Number(url);
      const [appliedIndex, hash] = states[node]![Math.min(asked[node]!, states[node]!.length - 1)]!;
      asked[node]! += 1;
      return { appliedIndex, hash };
    },
  };
  const metrics = createMetrics({ info: { system: 'gameday', node: 'o', version: '1' }, runtime: false });
  const result = await runCheckers({
    ...{ checkers, runDirectory: directory, runId: 'r', historyFiles: ['history/0.ndjson'], clockSteps: [] },
    nodes: states.map((_, index) => ({ index, url: String(index), isReady: async () => true })),
    metrics: createCheckerMetrics(metrics, CHECKERS),
    ...{ ranBefore: false, signal: new AbortController().signal, onProgress: () => {} },
    ...options,
  });
  const body = (await metrics.exposition()).body.split('\n');
  const series = Object.fromEntries(body.filter((line) => /^gameday_[^n]/.test(line)).map((line) => line.split(' ')));
  return { result, series };
}

describe('a run in which nothing was wrong', () => {
  test('has a result of each checker, and nothing is pending', async () => {
    const { result, series } = await play();
    expect(result.problems).toEqual({});
    expect(series).toMatchObject({
      ...{ gameday_linearizability_violations: '0', gameday_acknowledged_writes_lost: '0' },
      ...{ gameday_acknowledged_writes_checked: '1', gameday_state_hashes_distinct: '1' },
      // The final read of the one entry is an operation, too.
      gameday_linearizability_operations_checked: '3',
    });
    expect(Object.keys(series).filter((name) => name.startsWith('gameday_checker_pending'))).toEqual([]);
  });

  test('leaves the final state on disk, so that it can be judged again', async () => {
    await play();
    const lines = readFileSync(join(directory, 'history/final.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines[0]).toEqual(HEADER);
    expect(lines.slice(1)).toMatchObject([{ process: -1, operation: 'read', key: 'a', value: 'a1', outcome: 'ok' }]);
  });

  test('waits until all nodes have applied as much', async () => {
    const { result } = await play({
      states: [
        [[7, 'x']],
        [
          [5, 'v'],
          [6, 'w'],
          [7, 'x'],
        ],
      ],
    });
    expect(result.states).toMatchObject({ result: 'equal', index: 7 });
  });
});

describe('what is wrong is found', () => {
  test('a stale read', async () => {
    const stale = [
      operation({}),
      operation({ operation: 'update', value: 'a2', start: 1020, end: 1030 }),
      operation({ operation: 'read', value: 'a1', process: 2, start: 1040, end: 1050 }),
    ];
    const { result, series } = await play({ lines: stale, entries: { a: 'a2' } });
    expect(series.gameday_linearizability_violations).toBe('1');
    expect(series.gameday_acknowledged_writes_lost).toBe('0');
    expect(result.linearizability?.violations[0]?.key).toBe('a');
  });

  test('a lost write', async () => {
    const { series } = await play({ entries: {} });
    expect(series.gameday_acknowledged_writes_lost).toBe('1');
    // That it is gone is an observation, too, which the history cannot explain.
    expect(series.gameday_linearizability_violations).toBe('1');
  });

  test('an entry that nobody wrote, unless the nodes ran before: then somebody else may have', async () => {
    const entries = { a: 'a1', theirs: 't' };
    expect((await play({ entries })).series.gameday_linearizability_violations).toBe('1');
    const { series } = await play({ entries, options: { ranBefore: true } });
    expect(series.gameday_linearizability_violations).toBe('0');
    const lost = await play({ entries: { theirs: 't' }, options: { ranBefore: true } });
    expect(lost.series.gameday_acknowledged_writes_lost).toBe('1');
    const unanswered = operation({ key: null, value: 'b1', outcome: 'unknown', end: null });
    const found = await play({
      lines: [...GOOD, unanswered],
      entries: { a: 'a1', b: 'b1' },
      options: { ranBefore: true },
    });
    expect(found.series.gameday_linearizability_violations).toBe('0');
  });

  test('different states', async () => {
    const { series } = await play({ states: [[[7, 'x']], [[7, 'y']]] });
    expect(series.gameday_state_hashes_distinct).toBe('2');
  });
});

describe('no result is no metric, and says why', () => {
  const PENDING = 'gameday_checker_pending{checker="linearizability"}';
  test.each<[string, Play, string]>([
    [
      'a clock that stepped under a client',
      { lines: [...GOOD, { clockStep: { process: 1, at: 1, milliseconds: -9 } }] },
      'the clock stepped',
    ],
    ['a clock that stepped under the orchestrator', { options: { clockSteps: ['by -60000 ms'] } }, 'by -60000 ms'],
    ['iterations that were cut off', { summary: { iterations_ended: { count: 3 } } }, '2 iterations'],
    ['a script that counts none', { summary: { iterations_begun: undefined } }, 'iterations_begun'],
    ['lines that are gone', { summary: { history_lines: { count: 9 } } }, 'has 3 lines, and the load wrote 9'],
    ['a script that counts no lines', { summary: { history_lines: undefined } }, 'history_lines'],
    ['a script that forgets half', { summary: { operations_succeeded: { count: 5 } } }, 'the history has 2'],
    ['a script that records nothing', { lines: [], summary: { operations_succeeded: { count: 0 } } }, 'has 0'],
    ['no history', { options: { historyFiles: [] } }, 'history: false'],
    ['a damaged line', { lines: [operation({ outcome: 'maybe' })] }, 'maybe'],
  ])('%s', async (_, what, reason) => {
    const { result, series } = await play(what);
    expect(result).toMatchObject({ linearizability: null, durability: null, states: { result: 'equal' } });
    expect(result.problems.linearizability).toContain(reason);
    expect(result.problems.durability).toContain(reason);
    expect(series[PENDING]).toBe('0');
    expect(Object.keys(series).filter((name) => /violations|lost|checked/.test(name))).toEqual([]);
  });

  test.each<[unknown, string]>([
    [{}, '{}'],
    [{ appliedIndex: 7 }, '{"appliedIndex":7}'],
    [{ appliedIndex: '7', hash: 'x' }, '{"appliedIndex":"7","hash":"x"}'],
    [{ appliedIndex: 7, hash: '' }, '{"appliedIndex":7,"hash":""}'],
    [null, 'null'],
  ])('nodes that all answer %j as their state do not agree on one', async (answer, shown) => {
    const checkers = { ...register({ a: 'a1' }), state: async () => answer as never };
    const { result, series } = await play({ options: { checkers } });
    expect(result.states).toBeNull();
    expect(result.problems.states).toBe(
      `\`checkers.state\` of the manifest answered ${shown}: expected { appliedIndex: number, hash: text }`,
    );
    expect(series.gameday_state_hashes_distinct).toBeUndefined();
  });

  test('a final state without values is none', async () => {
    const { result } = await play({ options: { checkers: register({ a: undefined as never }) } });
    expect(result.problems.durability).toBe(
      'the final state could not be read: `checkers.readAll` of the manifest answered {"key":"a"}: expected { key: text, value: text }',
    );
  });

  test('a final state that cannot be read leaves the history to be checked', async () => {
    const unready = { nodes: [{ index: 0, url: '0', isReady: async () => false }] };
    const { result, series } = await play({ options: unready });
    expect(series.gameday_linearizability_violations).toBe('0');
    expect(result.durability).toBeNull();
    expect(result.problems).toEqual({ durability: 'the final state could not be read: no node is ready' });
  });
});
