/** etcd by its own client library (`benchmarks/etcd_grpc`): how it is used at its best, beside the same load over HTTP. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildGoModule } from '../go_module.ts';
import type { Load, LoadResult, Measured } from './load.ts';
import { watchUsage } from './process_usage.ts';
import { logTail, type Programs } from './programs.ts';
import type { Side } from './sides.ts';

/** The version that `etcd_grpc/go.mod` pins. */
const CLIENT_VERSION = '3.6.8';
/** Go compiles before it runs: nothing has to be warmed up but the connections. */
const WARM_UP_SECONDS = 1;

/** Null where there is no Go. */
export function buildGrpcClient(): Promise<string | null> {
  return buildGoModule('etcd_grpc', CLIENT_VERSION);
}

export async function measureGrpc(binary: string, side: Side, load: Load, programs: Programs): Promise<Measured> {
  const run = randomBytes(4).toString('hex');
  const logFile = join(side.directory, `grpc-${run}.log`);
  const fsyncsBefore = await side.fsyncs(programs.signal);
  const usageSince = watchUsage(side.pids);
  const begin = performance.now();
  const flags = {
    endpoints: side.urls.map((url) => new URL(url).host).join(','),
    ...{ operation: load.operation, keys: load.keysFile, run, clients: load.clients },
    ...{ duration: `${load.seconds}s`, 'warm-up': `${WARM_UP_SECONDS}s` },
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [`-${name}`, String(value)]);
  await programs.run({ name: 'etcd client', command: binary, arguments: words, environment: {}, logFile });
  const [usage, seconds] = [usageSince(), (performance.now() - begin) / 1000];
  const fsyncs = (await side.fsyncs(programs.signal)) - fsyncsBefore;
  const result = parseGrpcResult(readFileSync(logFile, 'utf8'));
  if (result.failures > 0) throw new Error(`etcd by gRPC: ${result.failures} operations failed:\n${logTail(logFile)}`);
  // What is used of the machine includes the warm-up.
  const share = load.seconds / (load.seconds + WARM_UP_SECONDS);
  return {
    ...result,
    seconds,
    fsyncs: fsyncs * share,
    usage: { ...usage, nodes: usage.nodes * share, client: usage.client * share },
  };
}

/** @param log whose last line is the client's result */
export function parseGrpcResult(log: string): LoadResult {
  const { operations, failures, seconds, ...rest } = JSON.parse(log.trimEnd().split('\n').at(-1)!) as {
    readonly operations: number;
    readonly failures: number;
    readonly seconds: number;
    readonly p50Seconds: number;
    readonly p95Seconds: number;
    readonly p99Seconds: number;
    readonly byNode: readonly number[];
  };
  return { ...rest, operations, failures, dropped: 0, perSecond: operations / seconds };
}
