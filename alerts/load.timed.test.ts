/**
 * The load script under the real k6, against a store that misbehaves on demand, into a real Prometheus with the real rules: are the
 * series those that the rules read, and does each misbehaviour end up where it should?
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { until } from '../kit/until.ts';
import type { LoadInput } from '../loadtests/lib/environment.ts';
import { FakeStore, type Misbehaviour } from '../loadtests/testing/fake_store.ts';
import { runCheckers } from '../orchestrator/run/checkers.ts';
import { createRunMetrics, MetricsServer } from '../orchestrator/run/metrics.ts';
import { writePrometheusFiles, writeTargets } from '../orchestrator/run/prometheus_files.ts';
import { CHECKERS } from '../orchestrator/run/record.ts';
import type { Scenario } from '../orchestrator/scenario/types.ts';
import { type Prometheus, startPrometheus } from '../orchestrator/verdict/prometheus.ts';
import manifest from '../services/kv/system.ts';
import { obtain } from '../tools/obtain.ts';

jest.setTimeout(60_000);

const root = join(import.meta.dirname, '..');
const THRESHOLDS_CROSSED = 99;

let directory: string;
let k6: string;
let prometheus: Prometheus;
const stores: FakeStore[] = [];
const servers: MetricsServer[] = [];
const HISTORY = 'history/0.ndjson';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'load-'));
  const tools = await obtain(['k6', 'prometheus']);
  k6 = tools.get('k6')!.path;
  const ruleFiles = globSync('{alerts,prometheus/recording}/*.rules.yml', { cwd: root });
  prometheus = await startPrometheus({
    binary: tools.get('prometheus')!.path,
    directory: join(directory, 'tsdb'),
    configFile: writePrometheusFiles(root, directory, ruleFiles).configFile,
    logFile: join(directory, 'prometheus.log'),
    mode: 'run',
  });
});

afterAll(async () => {
  for (const store of stores) store.stop();
  for (const server of servers) await server.stop();
  await prometheus?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Load {
  readonly exitCode: number | null;
  readonly store: FakeStore;
  /** What a run directory would have of it. */
  readonly path: string;
  readonly targets: readonly string[];
  /** Sums over the last minute's highest values of the run's series, 0 when there is none. */
  total(selector: string): Promise<number>;
}

/** Runs the script at 300 operations a second for 4 s: enough for the thresholds on availability to conclude. */
async function run(
  runId: string,
  misbehave: Misbehaviour | ((store: FakeStore) => void) = {},
  change: Partial<LoadInput> = {},
  script = 'steady',
): Promise<Load> {
  const store = new FakeStore();
  stores.push(store);
  const targets = await store.start(3);
  const path = join(directory, runId);
  await mkdir(join(path, 'history'), { recursive: true });
  const input = {
    ...{ runId, segment: 0, seed: 7, targets },
    ...{ profile: 'steady', ratePerSecond: 300, durationSeconds: 4 },
    objectives: { availability: { unit: 'ratio', value: 0.999 } },
    ...change,
  };
  if (typeof misbehave === 'function') misbehave(store);
  else Object.assign(store.misbehaviour, misbehave);
  const child = spawn(
    k6,
    [
      ...['run', '--quiet', '--no-usage-report', '--address=', '--out=experimental-prometheus-rw'],
      ...['--console-output', join(path, HISTORY), '--log-format=raw'],
      ...['--summary-export', join(path, 'k6-summary.json'), `loadtests/kv/${script}.ts`],
    ],
    {
      cwd: root,
      stdio: 'ignore',
      env: {
        ...process.env,
        GAMEDAY_LOAD: JSON.stringify(input),
        K6_FEATURES: 'native-histograms',
        K6_PROMETHEUS_RW_SERVER_URL: `${prometheus.url}/api/v1/write`,
        K6_PROMETHEUS_RW_STALE_MARKERS: 'true',
        K6_PROMETHEUS_RW_PUSH_INTERVAL: '1s',
      },
    },
  );
  const exitCode = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  const total = async (selector: string) => {
    const [metric, labels = ''] = selector.split('{');
    const series = `${metric}{run_id="${runId}", ${labels.replace('}', '')}}`;
    return (await prometheus.api.query(`sum(max_over_time(${series}[1m]))`))[0]?.value ?? 0;
  };
  return { exitCode, store, path, targets, total };
}

/** The checkers' stage on what the load has left, its results scraped like those of a run. */
async function check(load: Load) {
  const scenario = { id: 'x', system: 'kv', objectives: {}, faults: [] } as unknown as Scenario;
  const metrics = createRunMetrics({
    ...{ runId: 'r', version: '1', scenario, nodes: 3, checkers: CHECKERS, probed: true },
    now: Date.now,
  });
  const server = await MetricsServer.start(metrics);
  servers.push(server);
  const targets = servers.map(({ port }) => ({ targets: [`127.0.0.1:${port}`], labels: { job: 'gameday' } }));
  writeTargets(directory, targets);
  const result = await runCheckers({
    ...{ checkers: manifest.checkers!, runDirectory: load.path, runId: 'r', historyFiles: [HISTORY], clockSteps: [] },
    nodes: load.targets.map((url, index) => ({ index, url, isReady: async () => true })),
    ...{ metrics: metrics.checkers, ranBefore: false, signal: new AbortController().signal, onProgress: () => {} },
  });
  const instance = `127.0.0.1:${server.port}`;
  /** Alerts on the checkers that fire, once the rules have seen the results. */
  const firing = async () => {
    const seen = `count_over_time(gameday_linearizability_violations{instance="${instance}"}[30s] offset 5s)`;
    await until(async () => (await prometheus.api.query(seen)).length > 0, { withinMs: 20_000, everyMs: 200 });
    const alerts = await prometheus.api.query(`ALERTS{alertstate="firing", instance="${instance}"}`);
    return alerts.map(({ labels }) => labels.alertname).sort();
  };
  return { result, firing };
}

/** 50 users at once: over in a second. */
const STORM: Partial<LoadInput> = { profile: 'count', closed: { count: 600, concurrency: 50 } };

/** From the first operation on: how long k6 takes to begin depends on the machine. */
const after = (delayMs: number, forMs: number, change: Misbehaviour) => (store: FakeStore) => {
  const begin = until(() => store.requests > 0, { withinMs: 30_000 });
  void begin.then(async () => {
    await sleep(delayMs);
    Object.assign(store.misbehaviour, change);
    await sleep(forMs);
    for (const name of Object.keys(change)) delete store.misbehaviour[name as keyof Misbehaviour];
  });
};

describe('a store that works', () => {
  let load: Load;
  beforeAll(async () => {
    load = await run('works');
  });

  test('passes, with every operation counted once', async () => {
    expect(load.exitCode).toBe(0);
    const operations = await load.total('k6_operations_total');
    // A busy machine starts some late, after the end of the load.
    expect(operations).toBeGreaterThan(1100);
    expect(operations).toBeLessThanOrEqual(1201);
    expect(await load.total('k6_planned_operations')).toBe(1200);
    expect(await load.total('k6_attempts_total')).toBe(operations);
    // Every read is a check; the other checks are looks at what was just written.
    const looks =
      (await load.total('k6_client_checks_total')) - (await load.total('k6_operations_total{operation="read"}'));
    expect(looks).toBeGreaterThan(20);
    const repeats = await load.total('k6_repeated_writes_total');
    expect(repeats).toBeGreaterThan(5);
    expect(await load.total('k6_duplicate_writes_total')).toBe(0);
    expect(load.store.requests).toBe(operations + looks + repeats);
  });

  test('exports exactly these series and labels of its own', async () => {
    const names =
      'operations_total|operation_duration_seconds|attempts_total|client_checks_total|stale_reads_total|repeated_writes_total|duplicate_writes_total|planned_operations|iterations_begun_total|iterations_ended_total|operations_succeeded_total|history_lines_total';
    const own = ['run_id', 'segment', 'operation', 'outcome', 'node'];
    const query = `count by (__name__, ${own}) (last_over_time({__name__=~"k6_(${names})", run_id="works", segment="0"}[1m]))`;
    const byName = Object.groupBy(await prometheus.api.query(query), ({ labels }) => String(labels.__name__));
    const seen = Object.fromEntries(
      Object.entries(byName).map(([name, series = []]) => [
        name,
        `${series.length} by ${own.filter((label) => series[0]?.labels[label] !== undefined).join(', ')}`,
      ]),
    );
    expect(seen).toEqual({
      k6_operations_total: '4 by run_id, segment, operation, outcome',
      k6_operation_duration_seconds: '2 by run_id, segment, operation',
      k6_attempts_total: '18 by run_id, segment, outcome, node',
      k6_client_checks_total: '1 by run_id, segment',
      k6_stale_reads_total: '1 by run_id, segment',
      k6_repeated_writes_total: '1 by run_id, segment',
      k6_duplicate_writes_total: '1 by run_id, segment',
      k6_planned_operations: '1 by run_id, segment',
      k6_iterations_begun_total: '1 by run_id, segment',
      k6_iterations_ended_total: '1 by run_id, segment',
      k6_operations_succeeded_total: '1 by run_id, segment',
      k6_history_lines_total: '1 by run_id, segment',
    });
  });

  test('has samples of a failure counter every second, although nothing failed: a rate exists', async () => {
    const rate = 'rate(k6_operations_total{run_id="works", operation="write", outcome="failed"}[10s])';
    expect((await prometheus.api.query(rate)).map(({ value }) => value)).toEqual([0]);
  });

  test('has a p99 in seconds, and a segment adds to the one before', async () => {
    const second = await run('works', undefined, { segment: 1 });
    const durations = 'k6_operation_duration_seconds{run_id="works"}';
    const p99 = `histogram_quantile(0.99, sum by (run_id) (rate(${durations}[1m])))`;
    const value = (await prometheus.api.query(p99))[0]?.value;
    expect(value).toBeGreaterThan(0.0001);
    expect(value).toBeLessThan(1);
    const counted = await prometheus.api.query(`histogram_count(sum by (run_id) (last_over_time(${durations}[1m])))`);
    expect(counted[0]?.value).toBe(await second.total('k6_operations_total'));
    expect(counted[0]?.value).toBeGreaterThan(2200);
  });
});

describe('what the clients saw', () => {
  const MISBEHAVIOURS = {
    works: {},
    lags: { staleEveryRead: 20 },
    loses: { loseEveryCreate: 20 },
    breaks: { breakEveryWrite: 5 },
  } satisfies Record<string, Misbehaviour>;
  type Name = keyof typeof MISBEHAVIOURS;
  const checked = {} as Record<Name, Awaited<ReturnType<typeof check>> & { exitCode: number | null }>;

  // One after the other before the first test: the rules see all results at once.
  beforeAll(async () => {
    for (const name of Object.keys(MISBEHAVIOURS) as Name[]) {
      const load = await run(`storm-${name}`, MISBEHAVIOURS[name], STORM, 'storm');
      checked[name] = { ...(await check(load)), exitCode: load.exitCode };
    }
  });

  test.each<[string, Name, boolean, boolean, string[]]>([
    ['a store that works is linearizable, and nothing is lost', 'works', true, true, []],
    ['broken connections and retries is linearizable, too', 'breaks', true, true, []],
    ['old values is not linearizable, although nothing is lost', 'lags', false, true, ['NotLinearizable']],
    ['forgotten writes is neither', 'loses', false, false, ['AcknowledgedWriteLost', 'NotLinearizable']],
  ])('of %s', async (_, name, linearizable, durable, alerts) => {
    const { result, firing, exitCode } = checked[name];
    expect(result).toMatchObject({ linearizability: { linearizable }, durability: { durable }, problems: {} });
    expect(result.linearizability!.operations).toBeGreaterThan(600);
    expect(result.durability!.writes).toBeGreaterThan(200);
    expect(await firing()).toEqual(alerts);
    // Broken connections cost retries, and no operation.
    if (linearizable) expect(exitCode).toBe(0);
  });
});

test('lost writes are stale reads: k6 fails, and the alert fires', async () => {
  const load = await run('loses', (store) => {
    store.misbehaviour.loseEveryCreate = 10;
  });
  expect(load.exitCode).toBe(THRESHOLDS_CROSSED);
  expect(await load.total('k6_stale_reads_total')).toBeGreaterThan(0);
  const fired = 'max_over_time(ALERTS{alertname="StaleRead", alertstate="firing", run_id="loses"}[1m])';
  await until(async () => (await prometheus.api.query(fired)).length > 0);
});

test('forgotten idempotency keys are duplicate writes: k6 fails, and the alert fires', async () => {
  const load = await run('forgets', (store) => {
    store.misbehaviour.forgetKeys = true;
  });
  expect(load.exitCode).toBe(THRESHOLDS_CROSSED);
  expect(await load.total('k6_duplicate_writes_total')).toBe(await load.total('k6_repeated_writes_total'));
  expect(await load.total('k6_stale_reads_total')).toBe(0);
  const fired = 'max_over_time(ALERTS{alertname="WriteDuplicated", alertstate="firing", run_id="forgets"}[1m])';
  await until(async () => (await prometheus.api.query(fired)).length > 0);
});

test('a second of 503 costs retries and no operation', async () => {
  const load = await run('unavailable', after(1000, 1000, { unavailable: true }));
  expect(load.exitCode).toBe(0);
  expect(await load.total('k6_operations_total{outcome="failed"}')).toBe(0);
  expect(await load.total('k6_attempts_total{outcome="unavailable"}')).toBeGreaterThan(100);
});

test('a dead node costs retries and no operation', async () => {
  const load = await run('dead', (store) => void setTimeout(() => store.kill(1), 1500).unref());
  expect(load.exitCode).toBe(0);
  expect(await load.total('k6_operations_total{outcome="failed"}')).toBe(0);
  expect(await load.total('k6_attempts_total{outcome="refused", node="1"}')).toBeGreaterThan(10);
  expect(await load.total('k6_attempts_total{outcome="refused", node="0"}')).toBe(0);
});

test('a write without an answer is sent again with its key, and executed once', async () => {
  const load = await run('broken', (store) => {
    store.misbehaviour.breakEveryWrite = 10;
  });
  expect(load.exitCode).toBe(0);
  expect(load.store.requests).toBeGreaterThan(await load.total('k6_operations_total'));
  expect([...load.store.executed.values()].every((times) => times === 1)).toBe(true);
  expect(await load.total('k6_stale_reads_total')).toBe(0);
});

test('slower than the deadline is failed, within the deadline', async () => {
  const load = await run('slow', after(1000, 2000, { delayMs: 700 }), {
    deadlineSeconds: 0.5,
    attemptTimeoutSeconds: 0.2,
  });
  expect(load.exitCode).toBe(THRESHOLDS_CROSSED);
  expect(await load.total('k6_operations_total{outcome="failed"}')).toBeGreaterThan(100);
  expect(await load.total('k6_attempts_total{outcome="timeout"}')).toBeGreaterThan(200);
  const durations = 'k6_operation_duration_seconds{run_id="slow"}';
  // Most: on a busy machine k6 itself may be late.
  const most = await prometheus.api.query(`histogram_quantile(0.9, sum(last_over_time(${durations}[1m])))`);
  expect(most[0]?.value).toBeGreaterThan(0.4);
  expect(most[0]?.value).toBeLessThan(0.65);
});
