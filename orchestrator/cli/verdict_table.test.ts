import { expect, test } from '@jest/globals';
import pc from 'picocolors';
import type { RunRecord } from '../run/record.ts';
import type { CriterionResult } from '../verdict/types.ts';
import { verdictTable } from './verdict_table.ts';

const criterion = (change: Partial<CriterionResult>): CriterionResult =>
  ({
    expect: 'silent',
    result: 'pass',
    reason: 'silent for 65 s, and it could have fired',
    ...change,
  }) as CriterionResult;

const record = {
  scenario: { id: 'kv-leader-kill' },
  verdict: {
    result: 'fail',
    criteria: [
      criterion({ alert: 'AvailabilityBelowObjective' }),
      criterion({
        alert: 'TargetMissing',
        expect: 'firing',
        during: 'leader-dies',
        withinMs: 9000,
        reason: '5.5 s after the injection',
      }),
      criterion({
        alert: 'WriteLatencyHigh',
        outside: 'faults',
        result: 'fail',
        reason: 'fired for 2 s (+11.6 s to +13.6 s) with no fault active; highest value 0.052',
      }),
      criterion({
        alert: 'LoadIterationsDropped',
        result: 'inconclusive',
        reason: 'its expression had no value at any time',
      }),
    ],
    reasons: ['WriteLatencyHigh: fired for 2 s', 'LoadIterationsDropped: no value'],
  },
} as unknown as RunRecord;

test('a line a criterion, within 100 columns, and whole reasons below', () => {
  const text = verdictTable(record, 100, pc.createColors(false));
  const table = text.split('\n').slice(0, 5);
  for (const line of table) expect(line.length).toBeLessThanOrEqual(100);
  expect(table[1]).toMatch(/^AvailabilityBelowObjective {2}silent +✔ pass +silent for 65 s$/);
  expect(table[2]).toMatch(/firing during leader-dies within 9s +✔ pass/);
  expect(table[3]).toMatch(/silent outside faults +✘ fail +fired for 2 s .*…$/);
  expect(text).toContain('✘ FAIL  kv-leader-kill: 2 pass, 1 fail, 1 inconclusive');
  expect(text).toContain('  WriteLatencyHigh: fired for 2 s\n  LoadIterationsDropped: no value');
});

test('80 columns have no room for the reasons: they stand below the table only', () => {
  const text = verdictTable(record, 80, pc.createColors(false));
  const table = text.split('\n').slice(0, 5);
  for (const line of table) expect(line.length).toBeLessThanOrEqual(80);
  expect(table[0]).not.toContain('why');
  expect(text).toContain('  WriteLatencyHigh: fired for 2 s\n');
});

test('colours only when they are asked for', () => {
  expect(verdictTable(record, 100, pc.createColors(true))).toContain('\u001b[31m✘ fail');
  expect(verdictTable(record, 100, pc.createColors(false))).not.toContain('\u001b');
});
