/** A small run for tests: an exporter under the test's control, a real Prometheus that watches it, and the run directory they leave. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { RunRecord } from '../../run/record.ts';
import type { Criterion } from '../../scenario/types.ts';
import { withHeartbeats } from '../heartbeat.ts';
import { type Prometheus, startPrometheus } from '../prometheus.ts';

export interface GameOptions {
  readonly binary: string;
  readonly directory: string;
  /** Text of a rule file. */
  readonly rules: string;
  /** The exposition of the node at this scrape; null answers 500. */
  readonly expose: () => string | null;
  /** Scrape and evaluation interval in milliseconds. */
  readonly intervalMs: number;
  readonly queryOffsetMs?: number;
}

export interface Game {
  readonly prometheus: Prometheus;
  /** Base URL of the node. */
  readonly nodeUrl: string;
  stop(): Promise<void>;
}

/** Jobs as in a run: `kv` is the node, `gameday` the orchestrator. */
export async function startGame(options: GameOptions): Promise<Game> {
  const node = await serve(options.expose);
  const own = await serve(() => 'gameday_phase{phase="loading"} 1\n');
  await writeRunFiles(options.directory, options.rules, configuration(options, addressOf(node), addressOf(own)));
  const prometheus = await startPrometheus({
    binary: options.binary,
    directory: join(options.directory, 'tsdb'),
    configFile: join(options.directory, 'prometheus/prometheus.yml'),
    logFile: join(options.directory, 'logs/prometheus.log'),
    mode: 'run',
  });
  const stop = async (): Promise<void> => {
    await prometheus.stop();
    for (const server of [node, own]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  };
  return { prometheus, nodeUrl: `http://${addressOf(node)}`, stop };
}

export async function writeRunFiles(directory: string, rules: string, prometheusYml: string): Promise<void> {
  await mkdir(join(directory, 'prometheus/alerts'), { recursive: true });
  await mkdir(join(directory, 'logs'), { recursive: true });
  const file = join(directory, 'prometheus/alerts/test.rules.yml');
  await writeFile(file, withHeartbeats(rules, file));
  await writeFile(join(directory, 'prometheus/prometheus.yml'), prometheusYml);
}

async function serve(expose: () => string | null): Promise<Server> {
  const server = createServer((_, response) => {
    const text = expose();
    response.writeHead(text === null ? 500 : 200, { 'content-type': 'text/plain; version=0.0.4' });
    response.end(text ?? '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function configuration({ intervalMs, queryOffsetMs }: GameOptions, node: string, own: string): string {
  return `
global:
  scrape_interval: ${intervalMs}ms
  scrape_timeout: ${intervalMs}ms
  evaluation_interval: ${intervalMs}ms
  rule_query_offset: ${queryOffsetMs ?? 0}ms
storage: { tsdb: { out_of_order_time_window: 10m } }
rule_files: ['alerts/test.rules.yml']
scrape_configs:
  - { job_name: kv, static_configs: [{ targets: ['${node}'] }] }
  - { job_name: gameday, static_configs: [{ targets: ['${own}'] }] }
`;
}

export interface RecordOptions {
  readonly criteria: readonly Criterion[];
  readonly startedAt: number;
  readonly loading: { readonly from: number; readonly to: number };
  readonly settledAt: number;
  readonly nodeUrls: readonly string[];
  readonly changes?: Partial<RunRecord>;
}

/** A record of a run in which everything went as planned, and `run.json`. */
export async function writeRecord(directory: string, o: RecordOptions): Promise<RunRecord> {
  const record: RunRecord = {
    version: 1,
    id: 'test-run',
    scenario: {
      version: 1,
      id: 'test',
      title: 'A test',
      system: 'kv',
      nodes: o.nodeUrls.length,
      load: {
        script: 'kv/steady.ts',
        profile: 'smoke',
        ratePerSecond: 1,
        durationMs: o.loading.to - o.loading.from,
        deadlineMs: 5000,
        history: true,
      },
      objectives: {},
      faults: [],
      criteria: o.criteria,
      settleMs: o.settledAt - o.loading.to,
      overlay: 'none',
      timeScale: 1,
    },
    scenarioPath: 'scenarios/test.yaml',
    system: 'kv',
    seed: 1,
    gamedayVersion: '0.1.0',
    tools: {},
    runtime: { node: process.version, platform: process.platform, cpus: 1, memoryBytes: 1 },
    startedAt: o.startedAt,
    phases: [
      { name: 'starting', from: o.startedAt, to: o.loading.from },
      { name: 'loading', from: o.loading.from, to: o.loading.to },
      { name: 'settling', from: o.loading.to, to: o.settledAt },
    ],
    nodes: o.nodeUrls.map((url, index) => ({ index, url, ports: {}, pid: 1, log: 'logs/node.log' })),
    faults: [],
    load: {
      script: 'kv/steady.ts',
      from: o.loading.from,
      to: o.loading.to,
      exitCode: 0,
      summaryPath: 'k6-summary.json',
      logPath: 'logs/k6.log',
    },
    inconclusive: [],
    ...o.changes,
  };
  await writeFile(join(directory, 'run.json'), JSON.stringify(record));
  return record;
}
