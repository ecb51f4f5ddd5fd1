import { expect, test } from '@jest/globals';
import type { FaultRecord, RunRecord } from '../run/record.ts';
import { faultWindows, judgedPhases, runReasons } from './facts.ts';
import { verdictOf } from './judge.ts';
import type { CriterionResult, Result } from './types.ts';

const fault = (changes: Partial<FaultRecord> = {}): FaultRecord => ({
  name: 'kill',
  kind: 'kill',
  target: 'leader',
  injectedAt: 1000,
  healedAt: 5000,
  recoveredAt: 7000,
  ...changes,
});

function record(changes: Partial<RunRecord> = {}): RunRecord {
  const criteria = [{ alert: 'A', expect: 'silent' }];
  return {
    scenario: { objectives: {}, faults: [], criteria },
    phases: [
      { name: 'starting', from: 0, to: 100 },
      { name: 'loading', from: 100, to: 900 },
      { name: 'settling', from: 900, to: 1200 },
      { name: 'stopping', from: 1200 },
    ],
    faults: [],
    load: { exitCode: 0, logPath: 'logs/k6.log' },
    inconclusive: [],
    ...changes,
  } as unknown as RunRecord;
}

test('the judged window is load and settling, less what rules have not looked at yet', () => {
  expect(judgedPhases(record(), 0)).toEqual({ loading: { from: 100, to: 900 }, window: { from: 100, to: 1200 } });
  expect(judgedPhases(record(), 200)).toEqual({ loading: { from: 100, to: 900 }, window: { from: 100, to: 1000 } });
  expect(judgedPhases(record(), 400)).toEqual({ loading: { from: 100, to: 800 }, window: { from: 100, to: 800 } });
  expect(judgedPhases(record({ phases: [{ name: 'starting', from: 0 }] }), 0)).toBeNull();
  const cut = { phases: [{ name: 'loading', from: 100 }], interrupted: { signal: 'SIGINT', at: 500 } } as const;
  expect(judgedPhases(record(cut), 0)).toEqual({ loading: { from: 100, to: 500 }, window: { from: 100, to: 500 } });
});

test('a fault lasts until the recovery, but no longer than the objective allows', () => {
  const windows = (seconds: number | null, changes: Partial<FaultRecord>) => {
    const objectives = seconds === null ? {} : { recovery: { unit: 'seconds', value: seconds } };
    return faultWindows(
      record({ scenario: { objectives } as unknown as RunRecord['scenario'], faults: [fault(changes)] }),
      20_000,
    ).map(({ to }) => to);
  };
  expect(windows(10, {})).toEqual([7000]);
  expect(windows(1, {})).toEqual([6000]);
  expect(windows(null, {})).toEqual([5000]);
  expect(windows(10, { recoveredAt: undefined } as unknown as FaultRecord)).toEqual([15_000]);
  expect(windows(10, { recoveredAt: 4000 })).toEqual([5000]);
  expect(windows(10, { healedAt: undefined, recoveredAt: undefined } as unknown as FaultRecord)).toEqual([30_000]);
  expect(windows(10, { injectedAt: undefined } as unknown as FaultRecord)).toEqual([]);
});

test.each<[string, Partial<RunRecord>, string[]]>([
  ['as planned', {}, []],
  ['crossed k6 thresholds make it a failure, no open question', { load: { exitCode: 99 } as RunRecord['load'] }, []],
  [
    'k6 could not run',
    { load: { exitCode: 107, logPath: 'logs/k6.log' } as RunRecord['load'] },
    ['k6 could not run the load (exit code 107): see logs/k6.log'],
  ],
  ['k6 did not end', { load: {} as RunRecord['load'] }, ['the load did not end by itself']],
  [
    'killed while it settled',
    {
      phases: [
        { name: 'loading', from: 100, to: 900 },
        { name: 'settling', from: 900 },
      ],
    },
    ['the run ended before it had settled: the last scrapes and checkers are missing'],
  ],
  [
    'killed before it settled',
    { phases: [{ name: 'loading', from: 100 }] },
    ['the run ended before it had settled: the last scrapes and checkers are missing'],
  ],
  ['no load', { load: null }, ['the load never started']],
  ['interrupted', { interrupted: { signal: 'SIGTERM', at: 5 } }, ['the run was interrupted by SIGTERM']],
  [
    'an error',
    { error: { code: 'X', message: 'node 1 did not start\nstack' } },
    ['the run could not be carried through: node 1 did not start (X)'],
  ],
  ['what the run noticed', { inconclusive: ['a proxy was gone'] }, ['a proxy was gone']],
  [
    'no criteria',
    { scenario: { faults: [], criteria: [] } as unknown as RunRecord['scenario'] },
    ['the scenario has no criteria: nothing was promised, so nothing is proven'],
  ],
])('reasons of the run: %s', (_, changes, expected) => {
  expect(runReasons(record(changes))).toEqual(expected);
});

test('a promised fault that was not seen is a reason, once', () => {
  const scenario = {
    ...record().scenario,
    faults: [{ name: 'kill' }, { name: 'pause' }],
  } as unknown as RunRecord['scenario'];
  expect(runReasons(record({ scenario, faults: [fault(), fault({ name: 'pause' })] }))).toEqual([]);
  expect(runReasons(record({ scenario, faults: [fault()] }))).toEqual([
    'the scenario promises the fault "pause", which was never injected',
  ]);
  expect(
    runReasons(record({ scenario, faults: [fault(), fault({ name: 'pause', error: 'no such process' })] })),
  ).toEqual(['the scenario promises the fault "pause", which failed: no such process']);
  expect(runReasons(record({ scenario, faults: [fault()], inconclusive: ['fault pause: the node was gone'] }))).toEqual(
    ['fault pause: the node was gone'],
  );
});

test.each<[Result[], Partial<RunRecord>, Result]>([
  [['pass', 'pass'], {}, 'pass'],
  [['pass', 'inconclusive'], {}, 'inconclusive'],
  [['inconclusive', 'fail'], {}, 'fail'],
  [['pass'], { inconclusive: ['x'] }, 'inconclusive'],
  [['fail'], { inconclusive: ['x'] }, 'fail'],
  [['pass'], { load: { exitCode: 99, logPath: 'logs/k6.log' } as RunRecord['load'] }, 'fail'],
  [['fail'], { interrupted: { signal: 'SIGINT', at: 5 } }, 'inconclusive'],
  [['pass'], { interrupted: { signal: 'SIGINT', at: 5 } }, 'inconclusive'],
  [[], { scenario: { faults: [], criteria: [] } as unknown as RunRecord['scenario'] }, 'inconclusive'],
])('criteria %j of the run %j make %s', (results, changes, expected) => {
  const criteria = results.map(
    (result, i) => ({ alert: `A${i}`, result, reason: `because ${i}` }) as unknown as CriterionResult,
  );
  const verdict = verdictOf(record(changes), criteria);
  expect(verdict.result).toBe(expected);
  expect(verdict.reasons.length > 0).toBe(expected !== 'pass');
});

test('reasons begin with what failed', () => {
  const criteria = [
    { alert: 'A', result: 'inconclusive', reason: 'no data' },
    { alert: 'B', result: 'fail', reason: 'fired' },
  ] as unknown as CriterionResult[];
  expect(verdictOf(record({ inconclusive: ['x'] }), criteria).reasons).toEqual(['B: fired', 'A: no data', 'x']);
});
