/**
 * The load script under the real k6, against a store that misbehaves on demand, into a real Prometheus with the real rules: are the
 * series those that the rules read, and does each misbehaviour end up where it should?
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { until } from '../kit/until.ts';
import type { LoadInput } from '../loadtests/lib/environment.ts';
import { FakeStore, type Misbehaviour } from '../loadtests/testing/fake_store.ts';
import { type Prometheus, startPrometheus } from '../orchestrator/verdict/prometheus.ts';
import { obtain } from '../tools/obtain.ts';

jest.setTimeout(60_000);

const root = join(import.meta.dirname, '..');
const THRESHOLDS_CROSSED = 99;

let directory: string;
let k6: string;
let prometheus: Prometheus;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'load-'));
  const tools = await obtain(['k6', 'prometheus']);
  k6 = tools.get('k6')!.path;
  prometheus = await startPrometheus({
    binary: tools.get('prometheus')!.path,
    directory: join(directory, 'tsdb'),
    configFile: join(root, 'prometheus/prometheus.yml'),
    logFile: join(directory, 'prometheus.log'),
    mode: 'run',
  });
});

afterAll(async () => {
  await prometheus?.stop();
  await rm(directory, { recursive: true, force: true });
});

interface Load {
  readonly exitCode: number | null;
  readonly store: FakeStore;
  /** Sums over the last minute's highest values of the run's series, 0 when there is none. */
  total(selector: string): Promise<number>;
}

/** Runs the script at 300 operations a second for 4 s: enough for the thresholds on availability to conclude. */
async function run(
  runId: string,
  misbehave: (store: FakeStore) => void = () => {},
  change: Partial<LoadInput> = {},
): Promise<Load> {
  const store = new FakeStore();
  const input = {
    ...{ runId, segment: 0, seed: 7, targets: await store.start(3) },
    ...{ profile: 'steady', ratePerSecond: 300, durationSeconds: 4 },
    objectives: { availability: { unit: 'ratio', value: 0.999 } },
    ...change,
  };
  misbehave(store);
  const child = spawn(
    k6,
    ['run', '--quiet', '--no-usage-report', '--address=', '--out=experimental-prometheus-rw', 'loadtests/kv/steady.ts'],
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
  store.stop();
  const total = async (selector: string) => {
    const [metric, labels = ''] = selector.split('{');
    const series = `${metric}{run_id="${runId}", ${labels.replace('}', '')}}`;
    return (await prometheus.api.query(`sum(max_over_time(${series}[1m]))`))[0]?.value ?? 0;
  };
  return { exitCode, store, total };
}

const after = (delayMs: number, forMs: number, change: Misbehaviour) => (store: FakeStore) => {
  setTimeout(() => Object.assign(store.misbehaviour, change), delayMs).unref();
  setTimeout(() => {
    for (const name of Object.keys(change)) delete store.misbehaviour[name as keyof Misbehaviour];
  }, delayMs + forMs).unref();
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
      'operations_total|operation_duration_seconds|attempts_total|client_checks_total|stale_reads_total|repeated_writes_total|duplicate_writes_total|planned_operations';
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

test('lost writes are stale reads: k6 fails, and the alert fires', async () => {
  const load = await run('loses', (store) => {
    store.misbehaviour.loseEveryCreate = 10;
  });
  expect(load.exitCode).toBe(THRESHOLDS_CROSSED);
  expect(await load.total('k6_stale_reads_total')).toBeGreaterThan(0);
  const fired = 'max_over_time(ALERTS{alertname="KvStaleRead", alertstate="firing", run_id="loses"}[1m])';
  await until(async () => (await prometheus.api.query(fired)).length > 0);
});

test('forgotten idempotency keys are duplicate writes: k6 fails, and the alert fires', async () => {
  const load = await run('forgets', (store) => {
    store.misbehaviour.forgetKeys = true;
  });
  expect(load.exitCode).toBe(THRESHOLDS_CROSSED);
  expect(await load.total('k6_duplicate_writes_total')).toBe(await load.total('k6_repeated_writes_total'));
  expect(await load.total('k6_stale_reads_total')).toBe(0);
  const fired = 'max_over_time(ALERTS{alertname="KvWriteDuplicated", alertstate="firing", run_id="forgets"}[1m])';
  await until(async () => (await prometheus.api.query(fired)).length > 0);
});

test('a second of 503 costs retries and no operation', async () => {
  const load = await run('unavailable', after(1500, 1000, { unavailable: true }));
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
