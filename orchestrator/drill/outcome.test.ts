import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pc from 'picocolors';
import type { RunRecord } from '../run/record.ts';
import { writeRecord } from '../verdict/testing/game.ts';
import type { CriterionResult } from '../verdict/types.ts';
import { DrillLedger } from './ledger.ts';
import { drillOutcome } from './outcome.ts';
import { drillTable } from './table.ts';

const START = 1_000_000;
const at = (seconds: number) => START + seconds * 1000;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'drill-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const NO_LEADER: CriterionResult = {
  ...{ alert: 'NoLeader', expect: 'firing', during: 'outage', result: 'pass', reason: 'fired as expected' },
  window: { from: START, to: at(40) },
  pending: [],
  firing: [{ from: at(16), to: at(24), labels: {}, peak: 0 }],
  ...{ alertsSeries: [], faultsActive: ['outage'], expr: 'x', for: 0, annotations: {}, labels: {} },
};

/** A load of 35 s with an outage from 10 s to 20 s. */
async function run(
  criteria: readonly Partial<CriterionResult>[],
  changes: Partial<RunRecord> = {},
): Promise<RunRecord> {
  const plan = { name: 'outage', kind: 'pause' as const, target: 'followers', parameters: {} };
  const fault = { ...plan, injectedAt: at(10), healedAt: at(20) };
  const record = await writeRecord(directory, {
    ...{ criteria: [], startedAt: START, nodeUrls: [] },
    loading: { from: START, to: at(35) },
    settledAt: at(40),
    changes: {
      faults: [fault],
      verdict: {
        ...{ result: 'pass', reasons: [], judgedAt: at(50) },
        criteria: criteria.map((criterion) => ({ ...NO_LEADER, ...criterion })),
      },
      ...changes,
    },
  });
  return { ...record, scenario: { ...record.scenario, faults: [{ ...plan, atMs: 10_000, healAfterMs: 10_000 }] } };
}

const SILENT = { expect: 'silent', firing: [] } as const;

describe('an alert is proven', () => {
  const cases: [string, Partial<CriterionResult>, Partial<CriterionResult> | null, object][] = [
    ['red and green', {}, SILENT, { result: 'pass', detectMs: 6000, resolveMs: 4000, stays: false, healthy: 'pass' }],
    ['red, without a healthy run', {}, null, { result: 'pass', healthy: null }],
    [
      'in stretched time',
      { stretch: 60 },
      SILENT,
      { result: 'pass', detectMs: 360_000, resolveMs: 240_000, stretch: 60 },
    ],
    [
      'not detected',
      { result: 'fail', reason: 'must fire but stayed silent: its condition was never true', firing: [] },
      SILENT,
      { result: 'fail', detectMs: null, reason: 'must fire but stayed silent: its condition was never true' },
    ],
    [
      'red on a healthy run, too',
      {},
      { ...SILENT, result: 'fail', reason: 'fired for 3 s' },
      { result: 'fail', reason: 'on a healthy run: fired for 3 s' },
    ],
    [
      'red for ever, and the rule does not say why',
      { firing: [{ from: at(16), to: at(41), labels: {}, peak: 1 }] },
      SILENT,
      { result: 'inconclusive', resolveMs: null, stays: true },
    ],
    [
      'red for ever, as the rule says',
      { firing: [{ from: at(16), to: at(41), labels: {}, peak: 1 }], annotations: { stays: 'a count' } },
      SILENT,
      { result: 'pass', resolveMs: null, staysBecause: 'a count' },
    ],
  ];
  test.each(cases)('%s', async (_, criterion, healthy, expected) => {
    const drill = await run([criterion]);
    const green = healthy === null ? undefined : await run([{ ...healthy, alert: 'NoLeader' }]);
    expect(drillOutcome('NoLeader', 'kv/drills/outage', drill, green)).toMatchObject(expected);
  });

  test('not by a run that came to no verdict', async () => {
    const { verdict: _, ...broken } = await run([], { error: { code: 'X', message: 'no port\nmore' } });
    expect(drillOutcome('NoLeader', 'kv/drills/outage', broken)).toMatchObject({
      result: 'inconclusive',
      reason: 'the run could not be carried through: no port',
    });
  });
});

test('the table says what was done, how fast it was seen and how fast it was over', async () => {
  const drill = await run([{}, { alert: 'Burn', stretch: 60 }, { alert: 'Lost', annotations: { stays: 'a count' } }]);
  const healthy = await run([
    { ...SILENT, alert: 'NoLeader' },
    { ...SILENT, alert: 'Burn' },
    { ...SILENT, alert: 'Lost', result: 'fail', reason: 'fired for 3 s' },
  ]);
  const outcomes = ['NoLeader', 'Burn', 'Lost'].map((alert) => drillOutcome(alert, 'kv/drills/outage', drill, healthy));
  expect(drillTable(outcomes, pc.createColors(false)).split('\n')).toEqual([
    'alert     fault            expected  red after  green after       healthy run  result',
    'NoLeader  pause followers  firing    6 s        4 s               silent       ✔ pass',
    'Burn      pause followers  firing    6 min *    4 min *           silent       ✔ pass',
    'Lost      pause followers  firing    6 s        stays, by design  fail         ✘ fail',
    '',
    '  Lost: on a healthy run: fired for 3 s',
    '  * virtual time: the samples of the run were moved apart, see orchestrator/verdict/stretch.ts',
  ]);
});

describe('the ledger', () => {
  test('keeps the last drill of each alert', async () => {
    const outcome = drillOutcome('NoLeader', 'kv/drills/outage', await run([{}]));
    const ledger = new DrillLedger(directory);
    expect(ledger.last('NoLeader')).toBeUndefined();
    ledger.note([outcome, { ...outcome, alert: 'Other' }]);
    ledger.note([{ ...outcome, detectMs: 1 }]);
    expect(ledger.last('NoLeader')).toEqual({ ...outcome, detectMs: 1 });
    expect(ledger.last('Other')?.detectMs).toBe(6000);
  });

  test('a damaged one is none', () => {
    writeFileSync(join(directory, 'drills.json'), '{');
    expect(new DrillLedger(directory).last('NoLeader')).toBeUndefined();
  });
});
