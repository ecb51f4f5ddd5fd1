/** The judge against a real Prometheus that watched a run: both must come to the same result. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { until } from '../../kit/until.ts';
import { obtain } from '../../tools/obtain.ts';
import type { RunRecord } from '../run/record.ts';
import { readHeartbeats } from './heartbeat.ts';
import { judge } from './judge.ts';
import { materialise } from './materialise.ts';
import type { Prometheus } from './prometheus.ts';
import { encodeWriteRequest } from './remote-write.ts';
import { parseRules } from './rules.ts';
import { withStoredSeries } from './stored.ts';
import { startGame, writeRecord } from './testing/game.ts';
import type { CriterionResult, Interval } from './types.ts';

jest.setTimeout(90_000);

const INTERVAL_MS = 250;

/** Rules of every kind that the judge treats differently, all over the same random signals. */
const RULES = `
groups:
  - name: states
    rules:
      - { alert: AtOnce, expr: 'signal > 0.5' }
      - { alert: AfterFor, expr: 'signal > 0.5', for: 600ms, labels: { severity: critical } }
      - { alert: Kept, expr: 'signal > 0.7', for: 400ms, keep_firing_for: 800ms }
      - { alert: LabelOverridden, expr: 'signal > 0.6', for: 200ms, labels: { shard: 'all-{{ $labels.i }}' } }
      - { alert: RateOfCounter, expr: 'rate(steps_total[1s]) > 6', for: 200ms, annotations: { summary: 'steps' } }
  - name: recorded
    rules:
      - { record: 'signal:positive', expr: 'signal > 0.5' }
      - { record: 'i:signal:max1s', expr: 'max_over_time(signal[1s])', labels: { source: rule } }
      - { record: 'nan:signal', expr: 'signal / (signal < bool 0.5)' }
      - { record: 'latency:rate1s', expr: 'sum by (operation) (rate(latency_seconds[1s]))' }
  - name: over_recorded
    rules:
      - { alert: OverRecorded, expr: 'signal:positive * 2 > 1.2', for: 400ms }
      - { alert: OverTwoLevels, expr: 'avg by (source) (avg_over_time(i:signal:max1s[2s])) > 0.6', for: 200ms }
      - { alert: OverInfinity, expr: 'nan:signal == +Inf' }
      - { alert: OverHistogram, expr: 'histogram_quantile(0.5, latency:rate1s) > 0.5', for: 200ms }
  - name: silent
    rules:
      - { alert: NeverTrue, expr: 'signal > 5' }
      - { alert: GoneMetric, expr: 'no_such_metric > 5' }
      - { alert: UnmatchedJoin, expr: 'signal > on (i) group_left () gameday_phase' }
      - { alert: ManyToMany, expr: 'signal > on (shard) signal' }
`;
const ALERTS = [...RULES.matchAll(/alert: (\w+)/g)].map((match) => match[1]!);
const FIRING = [
  'AtOnce',
  'AfterFor',
  'Kept',
  'LabelOverridden',
  'RateOfCounter',
  'OverRecorded',
  'OverTwoLevels',
  'OverInfinity',
  'OverHistogram',
];

let directory: string;
let binary: string;
let record: RunRecord;
const tools = (): ReadonlyMap<'prometheus', { readonly path: string }> => new Map([['prometheus', { path: binary }]]);

/** A level stays for a while, so that conditions hold for one, for some and for many evaluations; now and then a series is absent. */
function randomSignals(random: Prng): () => string {
  let steps = 0;
  const levels = Array.from({ length: 10 }, () => random.float());
  return () => {
    steps += random.integer(0, 4);
    for (const i of levels.keys()) if (random.float() < 0.2) levels[i] = random.float();
    const lines = levels.map((level, i) => (random.float() < 0.05 ? '' : `signal{i="${i}",shard="s"} ${level}\n`));
    return `${lines.join('')}# TYPE steps_total counter\nsteps_total ${steps}\n`;
  };
}

/** Pushes a native histogram as k6 does: now mostly fast observations, now mostly slow ones, with pauses. */
function pushHistogram(random: Prng): (prometheus: Prometheus) => Promise<void> {
  const counts = [0, 0];
  let slow = false;
  return async (prometheus) => {
    if (random.float() < 0.15) slow = !slow;
    counts[slow ? 1 : 0]! += random.integer(1, 20);
    const positiveSpans = [
      { offset: -8, length: 1 },
      { offset: 9, length: 1 },
    ];
    const histogram = {
      schema: 3,
      count: counts[0]! + counts[1]!,
      sum: 1,
      zeroThreshold: 1e-10,
      zeroCount: 0,
      positiveSpans,
      positiveCounts: [...counts],
      negativeSpans: [],
      negativeCounts: [],
    };
    await prometheus.api.write(
      encodeWriteRequest([
        { labels: { __name__: 'latency_seconds', operation: 'write' }, samples: [{ timeMs: Date.now(), histogram }] },
      ]),
    );
  };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
  const random = new Prng(7);
  const push = pushHistogram(random.fork('histogram'));
  const startedAt = Date.now();
  const game = await startGame({
    binary,
    directory,
    rules: RULES,
    expose: randomSignals(random),
    intervalMs: INTERVAL_MS,
    queryOffsetMs: 3 * INTERVAL_MS,
  });
  const scrapes = async (): Promise<number> =>
    (await game.prometheus.api.query('count_over_time(up{job="kv"}[1m])'))[0]?.value ?? 0;
  const pushing = setInterval(() => void push(game.prometheus).catch(() => undefined), INTERVAL_MS);
  await until(async () => (await scrapes()) >= 5);
  const from = Date.now();
  await until(async () => (await scrapes()) >= 85, { withinMs: 60_000, everyMs: 50 });
  const settledAt = Date.now();
  clearInterval(pushing);
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

function find(criteria: readonly CriterionResult[], alert: string): CriterionResult {
  return criteria.find((criterion) => criterion.alert === alert)!;
}

/** One line for each interval away from the window's edges, without the label that the judge knows before the rule overrides it. */
function shown(intervals: readonly Interval[], { from, to }: CriterionResult['window']): string[] {
  return intervals
    .filter((interval) => interval.from > from + 1000 && interval.to < to - 1000)
    .map(
      (interval) =>
        `${interval.from}-${interval.to} ${JSON.stringify(
          Object.entries(interval.labels)
            .filter(([name]) => name !== 'shard')
            .sort(),
        )}`,
    )
    .sort();
}

test('every stretch of firing that Prometheus recorded is one that the judge computes, to the millisecond', async () => {
  const { criteria, result } = await judge({ record, runDirectory: directory, tools: tools() });
  for (const { alert, firing, alertsSeries, window } of criteria) {
    expect({ alert, firing: shown(firing, window) }).toEqual({ alert, firing: shown(alertsSeries, window) });
  }
  for (const alert of FIRING) expect(find(criteria, alert)).toMatchObject({ alert, result: 'fail' });
  expect(find(criteria, 'NeverTrue')).toMatchObject({ result: 'pass' });
  expect(find(criteria, 'GoneMetric')).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('no series matched `no_such_metric`'),
  });
  expect(find(criteria, 'UnmatchedJoin')).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('labels never match'),
  });
  expect(find(criteria, 'ManyToMany')).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('many-to-many'),
  });
  expect(result).toBe('fail');
});

test('what the judge computes for a recording rule is what Prometheus recorded: values, NaN, histograms and where they end', async () => {
  const text = await readFile(join(directory, 'prometheus/alerts/test.rules.yml'), 'utf8');
  const rules = parseRules([{ name: 'alerts/test.rules.yml', text }], INTERVAL_MS);
  const settledAt = record.phases.at(-1)!.to!;
  const loadedAt = record.phases[1]!.from;
  await withStoredSeries({ binary, runDirectory: directory, name: 'test' }, async (api) => {
    const heartbeats = await readHeartbeats(api, record.startedAt, settledAt);
    const times = heartbeats.get('alerts/test.rules.yml;recorded')!;
    const grid = { fromMs: times[0]!, toMs: times.at(-1)!, stepMs: INTERVAL_MS };
    const later = { ...grid, fromMs: times.find((time) => time > loadedAt + 2000)! };
    for (const name of ['signal:positive', 'i:signal:max1s', 'nan:signal', 'latency:rate1s']) {
      await materialise(rules.recordings.get(name)![0]!, rules, grid, api);
      // The labels are the same but for the name, so dropping it makes the answers comparable.
      const [judged, recorded] = await Promise.all(
        [`judged:${name}`, name].map((metric) =>
          api.queryRange(`label_replace(${metric}, "__name__", "x", "", "")`, later),
        ),
      );
      expect(
        recorded!.reduce((sum, series) => sum + series.points.length + series.histograms.length, 0),
      ).toBeGreaterThan(50);
      expect({ name, series: judged }).toEqual({ name, series: recorded });
    }
  });
});

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const name of names.sort()) hash.update(name).update(await readFile(name));
  return hash.digest('hex');
}

test('judging again gives the same verdict, leaves the stored series as they are, and is quick', async () => {
  const before = await digest(join(directory, 'tsdb'));
  const started = performance.now();
  const pids: number[] = [];
  const first = await judge({ record, runDirectory: directory, tools: tools(), onProcess: (pid) => pids.push(pid) });
  expect(performance.now() - started).toBeLessThan(5000);
  expect(pids).toHaveLength(1);
  expect(() => process.kill(pids[0]!, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  const [second, third] = await Promise.all([
    judge({ record, runDirectory: directory, tools: tools() }),
    judge({ record, runDirectory: directory, tools: tools() }),
  ]);
  for (const again of [second, third]) expect({ ...again, judgedAt: 0 }).toEqual({ ...first, judgedAt: 0 });
  expect(await digest(join(directory, 'tsdb'))).toBe(before);
  expect((await readdir(directory)).filter((name) => name.startsWith('.judge'))).toEqual([]);
});

test('other rules judge the same run, with recording rules that it never had, and without ALERTS to agree with', async () => {
  const file = join(directory, 'other.rules.yml');
  await writeFile(
    file,
    `groups:
  - name: other
    rules:
      - { record: 'signal:positive', expr: 'signal > 2' }
      - { record: 'new:level', expr: 'max by (shard) (max_over_time(signal[2s]))' }
      - { alert: OverRecorded, expr: '(signal:positive or signal * 0) > 1.2', for: 400ms }
      - { alert: AtOnce, expr: 'new:level > 0.1' }
      - { alert: AfterFor, expr: 'signal > 0.5', for: 600ms, labels: { severity: critical } }
`,
  );
  const { criteria } = await judge({ record, runDirectory: directory, tools: tools(), rulesFiles: [file] });
  expect(find(criteria, 'OverRecorded')).toMatchObject({ result: 'pass', alertsSeries: [] });
  expect(find(criteria, 'AtOnce')).toMatchObject({ result: 'fail', alertsSeries: [] });
  const same = find(criteria, 'AfterFor');
  expect(same.alertsSeries.length).toBeGreaterThan(5);
  expect(same.result).toBe('fail');
  expect(find(criteria, 'NeverTrue')).toMatchObject({
    result: 'inconclusive',
    reason: 'no rule file defines the alert NeverTrue',
  });
});

test('a node that was never scraped makes silence inconclusive, and firing is still firing', async () => {
  const nodes = [...record.nodes, { ...record.nodes[0]!, index: 1, url: 'http://127.0.0.1:1' }];
  const { criteria } = await judge({ record: { ...record, nodes }, runDirectory: directory, tools: tools() });
  expect(find(criteria, 'NeverTrue')).toMatchObject({
    result: 'inconclusive',
    reason: expect.stringContaining('no scrape of 127.0.0.1:1'),
  });
  expect(find(criteria, 'AtOnce').result).toBe('fail');
});

test('an interruption ends the judgement and its process', async () => {
  const aborter = new AbortController();
  let pid = 0;
  const judging = judge({
    ...{ record, runDirectory: directory, tools: tools(), signal: aborter.signal },
    onProcess: (id) => {
      pid = id;
    },
    onProgress: (line) => {
      if (line.startsWith('computing')) aborter.abort();
    },
  });
  await expect(judging).rejects.toMatchObject({ code: 'ABORTED' });
  expect(() => process.kill(pid, 0)).toThrow(expect.objectContaining({ code: 'ESRCH' }));
  expect((await readdir(directory)).filter((name) => name.startsWith('.judge'))).toEqual([]);
});

/** A copy of the run that may be damaged. */
async function damaged(damage: (copy: string) => Promise<unknown>): Promise<ReturnType<typeof judge>> {
  const copy = await mkdtemp(join(tmpdir(), 'verdict-'));
  try {
    await cp(directory, copy, { recursive: true });
    await damage(copy);
    return await judge({ record, runDirectory: copy, tools: tools() });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

test.each<[string, (copy: string) => Promise<unknown>, string]>([
  ['no run.json', (copy) => rm(join(copy, 'run.json')), 'RUN_DIRECTORY_FOREIGN'],
  ['a run.json that is no JSON', (copy) => writeFile(join(copy, 'run.json'), '{'), 'RUN_DIRECTORY_FOREIGN'],
  [
    'the run.json of another run',
    (copy) => writeFile(join(copy, 'run.json'), '{"id":"other"}'),
    'RUN_DIRECTORY_FOREIGN',
  ],
  ['no configuration', (copy) => rm(join(copy, 'prometheus/prometheus.yml')), 'RUN_DIRECTORY_FOREIGN'],
  ['no rules', (copy) => rm(join(copy, 'prometheus/alerts'), { recursive: true }), 'RULES_MISSING'],
  ['no series', (copy) => rm(join(copy, 'tsdb'), { recursive: true }), 'TSDB_MISSING'],
  ['an empty store', async (copy) => rm(join(copy, 'tsdb/wal'), { recursive: true }), 'TSDB_MISSING'],
  ['a flipped byte in the write-ahead log', flipByte, 'TSDB_CORRUPT'],
])('%s is a typed error', async (_, damage, code) => {
  await expect(damaged(damage)).rejects.toMatchObject({ code });
});

async function flipByte(copy: string): Promise<void> {
  const wal = join(copy, 'tsdb/wal');
  const [segment] = (await readdir(wal)).sort();
  const bytes = await readFile(join(wal, segment!));
  bytes[2000]! ^= 0xff;
  await writeFile(join(wal, segment!), bytes);
}
