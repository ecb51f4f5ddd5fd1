import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { until } from '../../kit/until.ts';
import { obtain } from '../../tools/obtain.ts';
import { store } from './materialise.ts';
import type { Prometheus } from './prometheus.ts';
import { judgeConfiguration, startPrometheus } from './prometheus.ts';
import { startGame } from './testing/game.ts';

jest.setTimeout(30_000);

let directory: string;
let binary: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'verdict-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function startJudge(tsdb: string): Promise<Prometheus> {
  const configFile = join(directory, 'judge.yml');
  await writeFile(configFile, judgeConfiguration());
  return startPrometheus({
    binary,
    directory: tsdb,
    configFile,
    logFile: join(directory, 'logs/judge.log'),
    mode: 'judge',
  });
}

test('a clean stop keeps every sample, and a judge that opens the store adds none', async () => {
  const rules = 'groups: [{ name: g, rules: [{ record: "a:b", expr: "up" }] }]';
  const game = await startGame({ binary, directory, rules, expose: () => 'x 1\n', intervalMs: 100 });
  await until(async () => ((await game.prometheus.api.query('count_over_time(x[1m])'))[0]?.value ?? 0) >= 20);
  expect((await game.prometheus.api.rules()).map((rule) => rule.health)).toEqual(['ok', 'ok']);
  await game.stop();
  const stopped = Date.now();

  const judge = await startJudge(join(directory, 'tsdb'));
  const [series] = await judge.api.samples('x', stopped, 60_000);
  const times = series!.points.map(([time]) => time);
  expect(times.length).toBeGreaterThanOrEqual(20);
  expect(stopped - times.at(-1)!).toBeLessThan(1000);
  for (const [i, time] of times.slice(1).entries()) expect(time - times[i]!).toBeLessThan(1000);
  await delay(300);
  expect((await judge.api.samples('x', Date.now(), 60_000))[0]!.points).toHaveLength(times.length);
  expect(await judge.stop()).toBe('clean');
});

test('series of days stay as they were written: nothing makes blocks of them while a query reads them', async () => {
  const judge = await startJudge(join(directory, 'tsdb'));
  const end = Date.now();
  const samples = Array.from({ length: 3 * 24 * 60 }, (_, minute) => ({ timeMs: end - minute * 60_000, value: 1 }));
  await store([{ labels: { __name__: 'x' }, samples: samples.reverse() }], judge.api);
  // Prometheus begins as soon as the samples are in, and has made blocks of them within half a second.
  await delay(1000);
  expect((await readdir(join(directory, 'tsdb'))).filter((name) => /^[0-9A-Z]{26}$/.test(name))).toEqual([]);
  expect(await judge.stop()).toBe('clean');
});

test('a port in use is a typed error that names the port, and nothing is left running', async () => {
  const occupant = createServer().listen(0, '127.0.0.1');
  await until(async () => occupant.listening);
  const { port } = occupant.address() as AddressInfo;
  const configFile = join(directory, 'p.yml');
  await writeFile(configFile, 'global: {}\n');
  let pid = 0;
  const start = startPrometheus({
    binary,
    directory: join(directory, 'tsdb'),
    configFile,
    port,
    logFile: join(directory, 'p.log'),
    mode: 'run',
    onProcess: (id) => {
      pid = id;
    },
  });
  await expect(start).rejects.toMatchObject({ code: 'PORT_IN_USE', message: expect.stringContaining(String(port)) });
  expect(() => process.kill(pid, 0)).toThrow();
  occupant.close();
});

test('a binary that is not there and a configuration that is wrong are said so', async () => {
  const configFile = join(directory, 'p.yml');
  await writeFile(configFile, 'gobal: {}\n');
  const options = {
    directory: join(directory, 'tsdb'),
    configFile,
    logFile: join(directory, 'p.log'),
    mode: 'run' as const,
  };
  await expect(startPrometheus({ ...options, binary: '/nowhere/prometheus' })).rejects.toMatchObject({
    code: 'PROMETHEUS_NOT_STARTED',
  });
  const wrong = startPrometheus({ ...options, binary });
  await expect(wrong).rejects.toMatchObject({
    code: 'PROMETHEUS_NOT_STARTED',
    message: expect.stringContaining('gobal'),
  });
});

test('aborting stops the process, and a query that is wrong or that nobody answers is a typed error', async () => {
  const configFile = join(directory, 'p.yml');
  await writeFile(configFile, 'global: {}\n');
  const aborter = new AbortController();
  const logFile = join(directory, 'p.log');
  const running = await startPrometheus({
    binary,
    directory: join(directory, 'tsdb'),
    configFile,
    logFile,
    mode: 'run',
    signal: aborter.signal,
  });
  await expect(running.api.query('sum(')).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  expect(await running.api.query('scalar(vector(3))')).toMatchObject([{ value: 3 }]);
  aborter.abort();
  await until(async () => (await readFile(logFile, 'utf8')).includes('See you next time'));
  await expect(running.api.query('up')).rejects.toMatchObject({ code: 'PROMETHEUS_UNREACHABLE' });
  await running.stop();
});

test('a range longer than one request may have comes back whole', async () => {
  const configFile = join(directory, 'p.yml');
  await writeFile(configFile, 'global: {}\n');
  const running = await startPrometheus({
    binary,
    directory: join(directory, 'tsdb'),
    configFile,
    logFile: join(directory, 'p.log'),
    mode: 'run',
  });
  const [series] = await running.api.queryRange('vector(time())', {
    fromMs: 1_000_250,
    toMs: 1_000_250 + 24_999_000,
    stepMs: 1000,
  });
  expect(series!.points).toHaveLength(25_000);
  expect(series!.points[20_000]).toEqual([21_000_250, 21_000.25]);
  await running.stop();
});
