/** Stretched time under a real Prometheus and the burn-rate rules as they are in alerts/. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { obtain } from '../../tools/obtain.ts';
import type { Criterion } from '../scenario/types.ts';
import type { PromApi } from './api.ts';
import { judge } from './judge.ts';
import { store } from './materialise.ts';
import { judgeConfiguration, startPrometheus } from './prometheus.ts';
import { Stretch, withStretchedSeries } from './stretch.ts';
import { writeRecord, writeRunFiles } from './testing/game.ts';
import type { Span } from './types.ts';

jest.setTimeout(60_000);

/** A run of 40 s at 100 operations a second, of which all fail from 10 s to 14 s, with a sample each second. */
const SECONDS = 40;
const OUTAGE = { from: 10, to: 14 };
const startedAt = Math.floor(Date.now() / 60_000) * 60_000 - 120_000;
const at = (second: number): number => startedAt + second * 1000;
const failedUntil = (second: number): number =>
  100 * Math.min(Math.max(second - OUTAGE.from, 0), OUTAGE.to - OUTAGE.from);

let directory: string;
let binary: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stretch-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
  await writeRunFiles(
    directory,
    await readFile(join(import.meta.dirname, '../../alerts/kv_slo.rules.yml'), 'utf8'),
    "global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: ['alerts/test.rules.yml']\n",
  );
});
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Stores the run with as many failures as `failed` says for each second. */
async function storeRun<T>(failed: (second: number) => number, work: (api: PromApi) => Promise<T>): Promise<T> {
  await rm(join(directory, 'tsdb'), { recursive: true, force: true });
  await mkdir(join(directory, 'logs'), { recursive: true });
  const configFile = join(directory, 'store.yml');
  await writeFile(configFile, judgeConfiguration());
  const prometheus = await startPrometheus({
    ...{ binary, configFile, directory: join(directory, 'tsdb'), mode: 'judge' as const },
    logFile: join(directory, 'logs/store.log'),
  });
  const series = (name: string, labels: object, value: (second: number) => number) => ({
    labels: { __name__: name, ...labels },
    samples: Array.from({ length: SECONDS + 1 }, (_, second) => ({ timeMs: at(second), value: value(second) })),
  });
  const ok = (second: number) => 100 * second - failed(second);
  const served = { job: 'kv', route: '/api/kv', status: '200' };
  try {
    await store(
      [
        series('k6_operations_total', { outcome: 'failed' }, failed),
        series('k6_operations_total', { outcome: 'ok' }, ok),
        series('http_requests_total', served, ok),
      ],
      prometheus.api,
    );
    return await work(prometheus.api);
  } finally {
    await prometheus.stop();
  }
}

test('a ratio over a window is the ratio over the stretched window, a rate is not', async () => {
  const stretch = new Stretch(360, at(SECONDS));
  const data: Span = { from: startedAt - 1000, to: at(SECONDS) };
  const options = { binary, runDirectory: directory, name: 'stretch' };
  const ratio = (window: string) =>
    `sum(rate(k6_operations_total{outcome="failed"}[${window}])) / sum(rate(k6_operations_total[${window}]))`;
  await storeRun(failedUntil, async (api) =>
    withStretchedSeries(api, data, ['k6_operations_total'], stretch, options, async (virtual) => {
      for (const second of [12, 15, 20, 30]) {
        const [short] = await api.query(ratio('10s'), at(second));
        const [long] = await virtual.query(ratio('1h'), stretch.time(at(second)));
        expect(long!.value).toBeCloseTo(short!.value, 9);
        if (second === 15) expect(long!.value).toBeGreaterThan(0.3);
      }
      const [slow] = await virtual.query('sum(rate(k6_operations_total[1h]))', stretch.time(at(30)));
      expect(slow!.value).toBeCloseTo(100 / 360, 6);
    }),
  );
});

const burn = (expect: 'firing' | 'silent', during?: string): Criterion[] =>
  Object.entries({
    ErrorBudgetBurn1h: 60,
    ErrorBudgetBurn6h: 360,
    ErrorBudgetBurn1d: 1440,
    ErrorBudgetBurn3d: 4320,
  }).map(([alert, stretch]) => ({ alert, expect, stretch, ...(during === undefined ? {} : { during }) }));

async function verdict(criteria: Criterion[]) {
  const healthy = { name: 'outage', kind: 'pause' as const, target: 'all' };
  const fault = { ...healthy, injectedAt: at(OUTAGE.from), healedAt: at(OUTAGE.to), recoveredAt: at(OUTAGE.to) };
  const record = await writeRecord(directory, {
    ...{ criteria, startedAt, nodeUrls: [] },
    loading: { from: startedAt, to: at(SECONDS) },
    settledAt: at(SECONDS),
    changes: { faults: [fault] },
  });
  const tools = new Map([['prometheus' as const, { path: binary }]]);
  return judge({ record, runDirectory: directory, tools, live: false });
}

test('four seconds of failures turn every burn-rate alert red, at virtual times and with the rules as they are', async () => {
  await storeRun(failedUntil, async () => undefined);
  const { criteria } = await verdict(burn('firing', 'outage'));
  expect(criteria.map(({ alert, result }) => `${alert} ${result}`)).toEqual(
    criteria.map(({ alert }) => `${alert} pass`),
  );
  const [oneHour] = criteria;
  // 14.4 times the budget is over after a second of failures, a minute of virtual time, and `for` is two minutes more.
  expect(oneHour!.reason).toMatch(/^[34] min( \d+ s)? after the injection/);
  expect(oneHour!.firing[0]!.from).toBeGreaterThan(at(OUTAGE.from + 2));
  expect(oneHour!.firing[0]!.from).toBeLessThan(at(OUTAGE.from + 6));
  // The short window lets it end before the long one is over: five minutes after the failures.
  expect(oneHour!.firing[0]!.to).toBeLessThan(at(OUTAGE.to + 7));
});

test('without failures they stay silent, where the run is long enough that they could have fired', async () => {
  await storeRun(
    () => 0,
    async () => undefined,
  );
  const { criteria } = await verdict(burn('silent').map((each) => ({ ...each, stretch: each.stretch! * 2 })));
  expect(criteria.map(({ alert, result, reason }) => `${alert} ${result} ${reason}`)).toEqual(
    criteria.map(({ alert }) => expect.stringContaining(`${alert} pass silent`)),
  );
});
