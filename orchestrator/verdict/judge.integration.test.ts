/** The judge against a real Prometheus that watched a run: both must come to the same result. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { until } from '../../kit/until.ts';
import { obtain } from '../../tools/obtain.ts';
import type { RunRecord } from '../run/record.ts';
import { judge } from './judge.ts';
import { startGame, writeRecord } from './testing/game.ts';
import type { CriterionResult } from './types.ts';

jest.setTimeout(90_000);

const INTERVAL_MS = 200;

/** Rules of every kind that the judge treats differently, all over the same random signals. */
const RULES = `
groups:
  - name: states
    rules:
      - { alert: AtOnce, expr: 'signal > 0.5' }
      - { alert: AfterFor, expr: 'signal > 0.5', for: 600ms, labels: { severity: critical } }
      - { alert: Kept, expr: 'signal > 0.7', for: 400ms, keep_firing_for: 800ms }
      - { alert: Rarely, expr: 'signal > 0.99', for: 1s }
      - { alert: LabelOverridden, expr: 'signal > 0.6', for: 200ms, labels: { shard: 'all-{{ $labels.i }}' } }
  - name: recorded
    rules:
      - { record: 'signal:positive', expr: 'signal > 0.5' }
      - { record: 'i:signal:max1s', expr: 'max_over_time(signal[1s])', labels: { source: rule } }
  - name: over_recorded
    rules:
      - { alert: OverRecorded, expr: 'signal:positive * 2 > 1.2', for: 400ms }
      - { alert: OverTwoLevels, expr: 'avg by (source) (avg_over_time(i:signal:max1s[2s])) > 0.8', for: 200ms }
      - { alert: RateOfCounter, expr: 'rate(steps_total[1s]) > 6', for: 200ms, annotations: { summary: 'steps' } }
      - { alert: NeverTrue, expr: 'signal > 5' }
      - { alert: GoneMetric, expr: 'no_such_metric > 5' }
      - { alert: UnmatchedJoin, expr: 'signal > on(i) group_left() gameday_phase' }
`;
const ALERTS = [...RULES.matchAll(/alert: (\w+)/g)].map((match) => match[1]!);

let directory: string;
let binary: string;
let record: RunRecord;
const tools = (): ReadonlyMap<'prometheus', { readonly path: string }> => new Map([['prometheus', { path: binary }]]);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
  const random = new Prng(7);
  let steps = 0;
  const levels = Array.from({ length: 10 }, () => random.float());
  const expose = (): string => {
    steps += random.integer(0, 4);
    // A level stays for a while, so that conditions hold for one, for some and for many evaluations; now and then a series is absent.
    for (const i of levels.keys()) if (random.float() < 0.2) levels[i] = random.float();
    const lines = levels.map((level, i) => (random.float() < 0.05 ? '' : `signal{i="${i}",shard="s"} ${level}\n`));
    return `${lines.join('')}# TYPE steps_total counter\nsteps_total ${steps}\n`;
  };
  const startedAt = Date.now();
  const game = await startGame({
    binary,
    directory,
    rules: RULES,
    expose,
    intervalMs: INTERVAL_MS,
    queryOffsetMs: 2 * INTERVAL_MS,
  });
  await until(async () => ((await game.prometheus.api.query('count_over_time(up{job="kv"}[1m])'))[0]?.value ?? 0) >= 5);
  const from = Date.now();
  await until(
    async () => ((await game.prometheus.api.query('count_over_time(up{job="kv"}[1m])'))[0]?.value ?? 0) >= 85,
  );
  const settledAt = Date.now();
  await game.stop();
  const criteria = ALERTS.map((alert) => ({ alert, expect: 'silent' as const }));
  record = await writeRecord(directory, {
    criteria,
    startedAt,
    loading: { from, to: settledAt - 1000 },
    settledAt,
    nodeUrls: [game.nodeUrl],
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

test('every stretch of firing that Prometheus recorded is one that the judge computes, to the millisecond', async () => {
  const verdict = await judge({ record, runDirectory: directory, tools: tools() });
  const shown = (intervals: CriterionResult['firing']): string[] =>
    intervals.map(({ from, to, labels }) => `${from}-${to} ${JSON.stringify(Object.entries(labels).sort())}`).sort();
  const report = verdict.criteria.map(
    (c) => `${c.alert}: ${c.result}: ${c.reason} [${c.firing.length} judged, ${c.alertsSeries.length} recorded]`,
  );
  console.log(report.join('\n'));
  for (const criterion of verdict.criteria) {
    if (criterion.alert === 'LabelOverridden') continue;
    const inWindow = (list: CriterionResult['firing']): CriterionResult['firing'] =>
      list.filter((i) => i.from > criterion.window.from + 2000 && i.to < criterion.window.to - 1000);
    expect({ alert: criterion.alert, firing: shown(inWindow(criterion.firing)) }).toEqual({
      alert: criterion.alert,
      firing: shown(inWindow(criterion.alertsSeries)),
    });
  }
  const fired = verdict.criteria.filter((criterion) => criterion.result === 'fail').map((criterion) => criterion.alert);
  expect(fired).toEqual([
    'AtOnce',
    'AfterFor',
    'Kept',
    'LabelOverridden',
    'OverRecorded',
    'OverTwoLevels',
    'RateOfCounter',
  ]);
  expect(verdict.result).toBe('fail');
});
