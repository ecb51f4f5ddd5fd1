/** One measurement under load: k6 with `loadtests/bench.ts` against a running side. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Usage, watchUsage } from './process_usage.ts';
import { logTail, type Programs } from './programs.ts';
import type { Side } from './sides.ts';

export interface Load {
  readonly operation: 'write' | 'read' | 'mixed';
  readonly clients: number;
  readonly seconds: number;
  /** Operations per second of an open model; a closed one when absent. */
  readonly rate?: number;
  /** JSON file with what can be read. */
  readonly keysFile: string;
}

export interface LoadResult {
  /** That were answered as they should be. */
  readonly operations: number;
  readonly failures: number;
  /** That an open model had no client for. */
  readonly dropped: number;
  readonly perSecond: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly p99Seconds: number;
  /** Requests to each node. */
  readonly byNode: readonly number[];
}

export interface Measured extends LoadResult {
  readonly usage: Usage;
  /** Of all nodes together. */
  readonly fsyncs: number;
  /** How long the client's process ran. */
  readonly seconds: number;
}

/** Of what is measured, so long does each k6 do the same before. */
const RAMP = 0.5;
/** Of a scenario, in k6. */
const SCENARIO_SECONDS_MIN = 1;
/** More than this, and a rate says nothing about the system. */
const FAILED_SHARE_MAX = 0.001;

export async function measureLoad(side: Side, load: Load, programs: Programs): Promise<Measured> {
  const run = randomBytes(4).toString('hex');
  const summaryFile = join(side.directory, `summary-${run}.json`);
  const logFile = join(side.directory, `k6-${run}.log`);
  const fsyncsBefore = await side.fsyncs(programs.signal);
  const usageSince = watchUsage(side.pids);
  const begin = performance.now();
  await programs.run({
    name: 'k6',
    command: programs.k6,
    arguments: ['run', '--quiet', '--no-color', '--no-usage-report', '--address', '', programs.script('bench.ts')],
    environment: {
      ...{ API: side.api.name, OPERATION: load.operation, TARGETS: side.urls.join(','), KEYS: load.keysFile, RUN: run },
      ...{
        VUS: String(load.clients),
        SECONDS: String(load.seconds),
        RAMP_SECONDS: String(Math.max(SCENARIO_SECONDS_MIN, RAMP * load.seconds)),
        RATE: String(load.rate ?? 0),
      },
      SUMMARY: summaryFile,
      // The client leaves the machine to the sides: collecting its garbage at every doubling takes a fifth of its time.
      GOGC: '400',
    },
    logFile,
  });
  const [usage, seconds] = [usageSince(), (performance.now() - begin) / 1000];
  const fsyncs = (await side.fsyncs(programs.signal)) - fsyncsBefore;
  const { share, ...result } = parseSummary(readFileSync(summaryFile, 'utf8'), side.urls.length, load.seconds);
  const total = result.operations + result.failures;
  if (result.operations === 0 || result.failures > total * FAILED_SHARE_MAX)
    throw new Error(
      `${side.name}: ${result.failures} of ${total} operations failed; the end of k6's log:\n${logTail(logFile)}`,
    );
  // What was used can only be seen of the whole: an operation takes its share, whether before or while it was measured.
  const used = { ...usage, nodes: usage.nodes * share, client: usage.client * share };
  return { ...result, usage: used, fsyncs: fsyncs * share, seconds };
}

interface Summary {
  readonly metrics: Readonly<Record<string, { readonly values: Readonly<Record<string, number>> } | undefined>>;
}

/**
 * @param text what k6 gives `handleSummary`, as JSON
 * @param seconds of the load
 * @returns also the share of all requests that were measured
 */
export function parseSummary(text: string, nodes: number, seconds: number): LoadResult & { readonly share: number } {
  const { metrics } = JSON.parse(text) as Summary;
  const counted = (name: string) => metrics[name]?.values.count ?? 0;
  const duration = metrics['http_req_duration{scenario:load}']?.values;
  const requests = counted('http_reqs{scenario:load}');
  if (duration === undefined || requests === 0) throw new Error('k6 has made no request');
  const failures = counted('failures{scenario:load}');
  const operations = requests - failures;
  return {
    ...{ operations, failures, dropped: counted('dropped_iterations{scenario:load}') },
    perSecond: operations / seconds,
    p50Seconds: duration.med! / 1000,
    p95Seconds: duration['p(95)']! / 1000,
    p99Seconds: duration['p(99)']! / 1000,
    byNode: Array.from({ length: nodes }, (_, node) => counted(`http_reqs{scenario:load,node:${node}}`)),
    share: requests / counted('http_reqs'),
  };
}
