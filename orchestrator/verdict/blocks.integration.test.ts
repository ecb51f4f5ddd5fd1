/** Hours of series in blocks, made without any Prometheus that watched: what a simulation leaves, and tampered evidence. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { obtain } from '../../tools/obtain.ts';
import type { FaultRecord } from '../run/record.ts';
import type { Criterion } from '../scenario/types.ts';
import { type JudgeOptions, judge } from './judge.ts';
import { writeRecord, writeRunFiles } from './testing/game.ts';

jest.setTimeout(60_000);

const STEP_S = 15;
const START_S = 1_700_000_010;
const HOURS = 5;
/** The error ratio is 20 % in this stretch, and nothing is observed in the other one. Seconds from the start. */
const BAD = { from: 3600, to: 4200 };
/** When ErrorRatioHigh fires: from the fifth error sample and two minutes on, to the first evaluation that sees only four. */
const TRUTH = { from: BAD.from + 4 * STEP_S + 120, to: BAD.to - STEP_S + 15 * STEP_S };
const SILENT = { from: 9000, to: 10_800 };

const RULES = `
groups:
  - name: g
    rules:
      - { record: 'job:errors:ratio5m', expr: 'rate(errors_total[5m]) / rate(requests_total[5m])' }
      - { alert: ErrorRatioHigh, expr: 'job:errors:ratio5m > 0.05', for: 2m }
      - { alert: ErrorsAtAll, expr: 'rate(errors_total[1m]) > 0' }
      - { alert: TooSlowToSee, expr: 'rate(errors_total[4h]) > 5', for: 1h }
      - { alert: TargetDown, expr: 'up == 0', for: 1m }
`;

let binary: string;
let promtool: string;
const directories: string[] = [];

beforeAll(async () => {
  const tools = await obtain(['prometheus', 'promtool']);
  [binary, promtool] = [tools.get('prometheus')!.path, tools.get('promtool')!.path];
});
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

interface Evidence {
  /** Names of series that are left out. */
  readonly without?: readonly string[];
  /** When ALERTS says that ErrorRatioHigh fired, in seconds from the start. */
  readonly alerts?: { readonly from: number; readonly to: number };
  /** Evaluations without a heartbeat. */
  readonly missed?: { readonly from: number; readonly to: number };
}

function openMetrics({ without = [], alerts, missed }: Evidence): string {
  const samples = new Map<string, string[]>();
  const add = (series: string, value: number, second: number): void => {
    samples.set(series, [...(samples.get(series) ?? []), `${series} ${value} ${START_S + second}`]);
  };
  const inside = (second: number, span: Evidence['alerts']): boolean =>
    span !== undefined && second >= span.from && second < span.to;
  const [errors, requests] = [['errors_total'], ['requests_total']].map(() => [] as string[]);
  let [failed, asked] = [0, 0];
  for (let second = 0; second <= HOURS * 3600; second += STEP_S) {
    asked += 100 * STEP_S;
    if (inside(second, BAD)) failed += 20 * STEP_S;
    if (inside(second, SILENT)) continue;
    errors!.push(`errors_total{job="kv"} ${failed} ${START_S + second}`);
    requests!.push(`requests_total{job="kv"} ${asked} ${START_S + second}`);
    for (const [job, instance] of [
      ['kv', '127.0.0.1:8080'],
      ['gameday', '127.0.0.1:9'],
    ])
      add(`up{job="${job}",instance="${instance}"}`, 1, second);
    if (!inside(second, missed))
      add('gameday:rule_group_evaluation:timestamp{rule_group="alerts/test.rules.yml;g"}', second, second);
    if (inside(second, alerts)) add('ALERTS{alertname="ErrorRatioHigh",alertstate="firing",job="kv"}', 1, second);
  }
  const families = [...new Set([...samples.keys()].map((series) => series.split('{')[0]!))];
  const gauges = families
    .filter((name) => !without.includes(name))
    .map((name) =>
      [
        `# TYPE ${name} gauge`,
        ...[...samples].filter(([series]) => series.startsWith(`${name}{`)).flatMap(([, lines]) => lines),
      ].join('\n'),
    );
  const counters = [
    ['errors', errors!],
    ['requests', requests!],
  ].map(([name, lines]) =>
    without.includes(`${String(name)}_total`) ? '' : [`# TYPE ${String(name)} counter`, ...lines!].join('\n'),
  );
  return `${[...counters, ...gauges].filter((part) => part !== '').join('\n')}\n# EOF\n`;
}

async function runOf(evidence: Evidence): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'verdict-'));
  directories.push(directory);
  await writeRunFiles(
    directory,
    RULES,
    `global: { scrape_interval: ${STEP_S}s, evaluation_interval: ${STEP_S}s }\nrule_files: ['alerts/test.rules.yml']\n`,
  );
  const file = join(directory, 'metrics.txt');
  await writeFile(file, openMetrics(evidence));
  await promisify(execFile)(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', file, join(directory, 'tsdb')]);
  return directory;
}

const at = (second: number): number => (START_S + second) * 1000;

async function judgeRun(
  directory: string,
  criteria: readonly Criterion[],
  o: { readonly to?: number; readonly faults?: readonly FaultRecord[]; readonly options?: Partial<JudgeOptions> } = {},
) {
  const to = o.to ?? SILENT.from;
  const record = await writeRecord(directory, {
    ...{
      criteria,
      startedAt: at(0),
      loading: { from: at(600), to: at(to - 60) },
      settledAt: at(to),
      nodeUrls: ['http://127.0.0.1:8080'],
    },
    changes: { faults: o.faults ?? [] },
  });
  return judge({
    record,
    runDirectory: directory,
    tools: new Map([['prometheus', { path: binary }]]),
    live: false,
    ...o.options,
  });
}

const silent = (alert: string): Criterion => ({ alert, expect: 'silent' });
const errors: FaultRecord = {
  name: 'errors',
  kind: 'kill',
  target: 'any',
  injectedAt: at(BAD.from),
  healedAt: at(BAD.to),
};

test('blocks of hours are judged: recording rules are computed and written into the past', async () => {
  const directory = await runOf({});
  const criteria: Criterion[] = [
    silent('ErrorRatioHigh'),
    { alert: 'ErrorRatioHigh', expect: 'firing', during: 'errors' },
    silent('TargetDown'),
    silent('TooSlowToSee'),
    { alert: 'ErrorsAtAll', expect: 'silent', outside: 'faults' },
  ];
  const verdict = await judgeRun(directory, criteria, { faults: [errors] });
  expect(verdict.criteria.map(({ alert, result }) => [alert, result])).toEqual([
    ['ErrorRatioHigh', 'fail'],
    ['ErrorRatioHigh', 'pass'],
    ['TargetDown', 'pass'],
    ['TooSlowToSee', 'inconclusive'],
    ['ErrorsAtAll', 'pass'],
  ]);
  const [fired] = verdict.criteria[0]!.firing;
  // A range of 5 min holds 20 samples, so 19 steps between them; 20 % of errors in 5 of them are 5.3 % in all, in 4 they are 4.2 %.
  expect(fired).toMatchObject({ from: at(TRUTH.from), to: at(TRUTH.to) });
  expect(fired!.peak).toBeCloseTo(0.2);
  expect({ ...(await judgeRun(directory, criteria, { faults: [errors] })), judgedAt: 0 }).toEqual({
    ...verdict,
    judgedAt: 0,
  });
});

test('half an hour in which nothing was observed hides whatever happened in it', async () => {
  const verdict = await judgeRun(await runOf({}), [silent('TargetDown')], { to: HOURS * 3600 });
  expect(verdict.criteria[0]).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('would have been hidden'),
  });
});

test.each([
  ['errors_total', 'ErrorRatioHigh', 'no series matched `errors_total`'],
  ['requests_total', 'ErrorRatioHigh', 'no series matched `requests_total`'],
  ['up', 'TargetDown', 'no series matched `up`'],
])('without %s the silence of %s is inconclusive', async (name, alert, reason) => {
  const verdict = await judgeRun(await runOf({ without: [name] }), [silent(alert)]);
  expect(verdict).toMatchObject({ result: 'inconclusive', criteria: [{ reason: expect.stringContaining(reason) }] });
});

const LIVE = { options: { live: true } };
test('ALERTS that tells the same confirms a firing, one that is absent or tells more makes it inconclusive', async () => {
  const reasonWith = async (alerts: Evidence['alerts']) =>
    (await judgeRun(await runOf(alerts === undefined ? {} : { alerts }), [silent('ErrorRatioHigh')], LIVE))
      .criteria[0]!;
  expect(await reasonWith(TRUTH)).toMatchObject({ result: 'fail' });
  expect(await reasonWith({ from: TRUTH.from + STEP_S, to: TRUTH.to + STEP_S })).toMatchObject({ result: 'fail' });
  expect(await reasonWith({ from: TRUTH.from + 2 * STEP_S, to: TRUTH.to })).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('the judge sees it firing'),
  });
  expect(await reasonWith(undefined)).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('the judge sees it firing'),
  });
  expect(await reasonWith({ from: TRUTH.from, to: TRUTH.to + 600 })).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining("Prometheus' own ALERTS shows it"),
  });
});

test('missed evaluations make silence inconclusive, and so does a Prometheus that left no heartbeats', async () => {
  const reason = async (evidence: Evidence) =>
    (await judgeRun(await runOf(evidence), [silent('TargetDown')], LIVE)).criteria[0];
  expect(await reason({})).toMatchObject({ result: 'pass' });
  expect(await reason({ missed: { from: 1500, to: 1500 + STEP_S } })).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('missed evaluations of its group from +15 min to +15 min 15 s'),
  });
  expect(await reason({ without: ['gameday:rule_group_evaluation:timestamp'] })).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('missed evaluations'),
  });
});

test.each([
  ['a truncated index', async (block: string) => truncate(join(block, 'index'), 100)],
  ['a meta.json that is no JSON', async (block: string) => writeFile(join(block, 'meta.json'), '{')],
  ['a missing meta.json', async (block: string) => rm(join(block, 'meta.json'))],
  ['missing chunks', async (block: string) => rm(join(block, 'chunks/000001'))],
])('a block with %s is an error, not a verdict on what is left', async (_, damage) => {
  const directory = await runOf({});
  const blocks = (await readdir(join(directory, 'tsdb'))).filter((name) => name.length === 26).sort();
  await damage(join(directory, 'tsdb', blocks[0]!));
  await expect(judgeRun(directory, [silent('TargetDown')])).rejects.toMatchObject({ code: 'TSDB_CORRUPT' });
});
