/** The whole way, with the real k6 and the real Prometheus: one short run, and what can be done with it afterwards. */
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { obtain } from '../tools/obtain.ts';
import { Playground } from './testing/cli.ts';
import type { PromApi } from './verdict/api.ts';
import { judgeConfiguration, type Prometheus, startPrometheus } from './verdict/prometheus.ts';
import { withStoredSeries } from './verdict/stored.ts';

const playground = new Playground();
let summary: { exitCode: number; runs: { directory: string; record: { id: string; verdict: { result: string } } }[] };
let stdout: string;
let stderr: string;
/** Takes the copy that `--remote-write` sends. */
let receiver: Prometheus;

beforeAll(async () => {
  receiver = await startReceiver(join(playground.directory, 'receiver'));
  const copy = ['--remote-write', `${receiver.url}/api/v1/write`];
  const ended = await playground.run('run', 'kv/smoke', '--json', '--seed', '7', ...copy);
  ({ stdout, stderr } = ended);
  expect(ended).toMatchObject({ code: 0 });
  summary = JSON.parse(stdout);
}, 120_000);
afterAll(async () => {
  await receiver?.stop();
  await playground.remove();
}, 20_000);

async function startReceiver(directory: string): Promise<Prometheus> {
  mkdirSync(directory, { recursive: true });
  const configFile = join(directory, 'prometheus.yml');
  writeFileSync(configFile, judgeConfiguration());
  const logFile = join(directory, 'log');
  return startPrometheus({ binary: await prometheusBinary(), configFile, logFile, directory, mode: 'judge' });
}

async function prometheusBinary(): Promise<string> {
  return (await obtain(['prometheus'])).get('prometheus')!.path;
}

describe('a run without faults', () => {
  test('passes, and stdout is one JSON document', () => {
    expect(summary.exitCode).toBe(0);
    expect(summary.runs[0]!.record.verdict.result).toBe('pass');
  });

  test('leaves its record, its reports and its logs', () => {
    const record = playground.record();
    expect(record).toMatchObject({ version: 1, seed: 7, system: 'kv', inconclusive: [], load: { exitCode: 0 } });
    expect(record.phases.map(({ name }) => name)).toEqual(['starting', 'loading', 'settling', 'stopping', 'judging']);
    expect(record.phases.every(({ from, to }) => to !== undefined && to >= from)).toBe(true);
    expect(record.nodes.map(({ index }) => index)).toEqual([0, 1, 2]);
    const files = [
      'report.html',
      'report.md',
      'junit.xml',
      'k6-summary.json',
      'logs/k6.log',
      'logs/node_2.log',
      'history/0.ndjson',
      'history/final.ndjson',
      'tsdb',
    ];
    for (const file of files) expect([file, existsSync(join(playground.runDirectory, file))]).toEqual([file, true]);
  });

  test('has every operation of its clients checked', () => {
    const { checkers } = playground.record();
    expect(checkers).toMatchObject({
      ...{ problems: {}, states: { result: 'equal' } },
      ...{ linearizability: { linearizable: true }, durability: { durable: true } },
    });
    // 80 a second for 20 s, and what was looked at besides.
    expect(checkers!.linearizability!.operations).toBeGreaterThan(1500);
    expect(checkers!.durability!.writes).toBeGreaterThan(500);
  });

  test('has sent a copy of every series of nodes, clients and orchestrator, sample by sample, with its id', async () => {
    const record = playground.record();
    const until = record.phases.find(({ name }) => name === 'settling')!.to!;
    expect(record.remoteWrite).toEqual({ url: `${receiver.url}/api/v1/write`, sent: expect.any(Number), missing: 0 });
    // Series of nodes, of k6 (one a native histogram), and of the orchestrator.
    const names = ['raft_term', 'up', 'k6_operations_total', 'k6_operation_duration_seconds', 'gameday_phase'];
    const labels = 'job, instance, node, operation, outcome, phase, run_id';
    const count = (api: PromApi, name: string) => api.query(`sum by (${labels}) (count_over_time(${name}[5m]))`, until);
    const run = { runDirectory: playground.runDirectory, name: 'compare', binary: await prometheusBinary() };
    const stored = await withStoredSeries(run, (api) => Promise.all(names.map((name) => count(api, name))));
    for (const [index, name] of names.entries()) {
      const lines = (all: (typeof stored)[number]) =>
        all
          .map(({ labels: { run_id: _, ...own }, value }) => `${JSON.stringify(Object.entries(own).sort())} ${value}`)
          .sort();
      const there = await count(receiver.api, name);
      expect([name, stored[index]!.length > 0, lines(there)]).toEqual([name, true, lines(stored[index]!)]);
      expect(new Set(there.map((one) => one.labels.run_id))).toEqual(new Set([record.id]));
    }
  });

  test('leaves no process', () => expect(playground.processes()).toEqual([]));

  test('shows how it goes on, in plain lines', () => {
    for (const line of ['cluster    3 of 3 nodes ready', 'load       20s ahead', 'settle     8s']) {
      expect(stderr).toContain(line);
    }
    expect(stderr).not.toContain('\u001b');
  });
});

test('what cannot be run is one JSON document, too', async () => {
  const { code, stdout: text } = await playground.run('run', 'kv/smok', '--json');
  expect(code).toBe(2);
  expect(JSON.parse(text)).toMatchObject({ exitCode: 2, error: { code: 'SCENARIO_UNKNOWN' } });
});

describe('afterwards', () => {
  test('recheck comes to the same verdict', async () => {
    const before = playground.record().verdict!;
    const { code, stdout: text, stderr: notes } = await playground.run('recheck', '--json');
    expect(code).toBe(0);
    expect(notes).toMatch(/gives 0 entries that are not linearizable, of \d+ operations checked, as recorded/);
    expect(notes).toMatch(/gives 0 acknowledged writes lost, of \d+ operations checked, as recorded/);
    expect({ ...JSON.parse(text).record.verdict, judgedAt: 0 }).toEqual({ ...before, judgedAt: 0 });
    expect(playground.processes()).toEqual([]);
  }, 60_000);

  test('open serves the report until Ctrl-C', async () => {
    const opened = playground.start('open');
    await opened.says('Ctrl-C ends it.');
    opened.signal('SIGINT');
    const { code, stdout: text } = await opened.ended;
    expect(code).toBe(0);
    expect(text).toMatch(/Report +http:\/\/127\.0\.0\.1:\d+/);
    expect(playground.processes()).toEqual([]);
  }, 60_000);

  test('a run whose series are gone is refused, and stays as it is', async () => {
    const before = playground.record();
    const copy = join(playground.directory, 'runs', '20990101T000000Z-copy-0000');
    cpSync(playground.runDirectory, copy, { recursive: true });
    rmSync(join(copy, 'tsdb'), { recursive: true });
    const { code, stderr: text } = await playground.run('recheck', copy);
    expect(text).toContain('there are no stored series');
    expect(code).toBe(4);
    expect(playground.record()).toEqual(before);
    rmSync(copy, { recursive: true });
  }, 60_000);

  test('a directory that is no run is refused', async () => {
    const foreign = join(playground.directory, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'run.json'), '{"version": 1}');
    const { code, stderr: text } = await playground.run('report', foreign);
    expect(text).toContain('is not the record of a run');
    expect(code).toBe(2);
  });
});

describe('a cluster that stays', () => {
  test('is started, shown and ended', async () => {
    const port = String(31_000 + (process.pid % 500) * 3);
    const up = await playground.run('up', 'kv', '--port', port);
    expect(up).toMatchObject({ code: 0 });
    expect(up.stdout).toContain(`node 0  http://127.0.0.1:${port}`);
    const status = JSON.parse((await playground.run('status', 'kv', '--json')).stdout);
    expect(status.systems[0].nodes.map((node: { ready: boolean }) => node.ready)).toEqual([true, true, true]);
    expect(status.systems[0].nodes.flatMap((node: { roles: string[] }) => node.roles)).toEqual(['leader']);
    const again = await playground.run('up', 'kv', '--port', port);
    expect(again.stderr).toContain('kv is up already');
    expect(again.code).toBe(4);
    expect((await playground.run('down', 'kv')).stdout).toBe('ended 3 processes\n');
    expect((await playground.run('status', 'kv')).stdout).toBe('kv is down: gameday up kv\n');
  }, 60_000);
});
