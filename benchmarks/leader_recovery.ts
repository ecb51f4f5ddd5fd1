/**
 * How long the clients of the key-value store cannot write after its leader was killed: SIGKILL to the first acknowledged write that
 * began after it, through any surviving node. Real processes on real disks, and every kill strikes a whole cluster.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../kit/prng.ts';
import { until } from '../kit/until.ts';
import { Cluster } from '../orchestrator/cluster/cluster.ts';
import { ProcessRegistry } from '../orchestrator/cluster/registry.ts';
import { chooseTargets } from '../orchestrator/faults/target.ts';
import { systems } from '../services/index.ts';
import { type BenchContext, median } from './bench.ts';

export interface LeaderRecovery {
  /** Seconds, one for each kill. */
  readonly seconds: readonly number[];
  readonly p50: number;
  readonly max: number;
}

const SYSTEM = 'kv';
const READY_TIMEOUT_MS = 30_000;
const SERVED_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const RETRY_MS = 5;

export async function measureLeaderRecovery(context: BenchContext, kills: number): Promise<LeaderRecovery> {
  const cluster = await startCluster(context);
  try {
    const seconds: number[] = [];
    for (let kill = 1; kill <= kills; kill += 1) {
      seconds.push(await killLeader(cluster, context.signal));
      context.onProgress(`leader killed ${kill} of ${kills} times, last recovery ${seconds.at(-1)!.toFixed(2)} s`);
    }
    return { seconds, p50: median(seconds), max: Math.max(...seconds) };
  } finally {
    await cluster.stop(2000);
  }
}

async function startCluster({ root, directory, runId, signal }: BenchContext): Promise<Cluster> {
  const registry = new ProcessRegistry({ file: join(directory, 'processes.json'), runId, runDirectory: directory });
  return Cluster.start({
    ...{ registry, home: root, signal, count: 3, readyTimeoutMs: READY_TIMEOUT_MS },
    manifest: (await systems[SYSTEM]!()).default,
    dataDirectory: join(directory, 'nodes'),
    logDirectory: join(directory, 'logs'),
    onReady: () => {},
    onUnexpectedExit: () => {},
  });
}

/** Kills the leader, measures, and brings the cluster back to strength. Resolves with seconds. */
async function killLeader(cluster: Cluster, signal: AbortSignal): Promise<number> {
  const wait = { withinMs: READY_TIMEOUT_MS, everyMs: POLL_MS };
  const leader = await until(
    async () => {
      signal.throwIfAborted();
      return (await chooseTargets('leader', cluster.nodes, new Prng(0)))[0];
    },
    { ...wait, what: 'a leader' },
  );
  const survivors = cluster.nodes.filter((node) => node !== leader);
  await leader.kill();
  const killedAt = performance.now();
  const served = new AbortController();
  const stop = AbortSignal.any([signal, served.signal, AbortSignal.timeout(SERVED_TIMEOUT_MS)]);
  try {
    await Promise.any(survivors.map((node) => writeUntilAcknowledged(node.url, stop)));
  } catch {
    signal.throwIfAborted();
    throw new Error(`no write was acknowledged within ${SERVED_TIMEOUT_MS / 1000} s after the leader was killed`);
  } finally {
    served.abort();
  }
  const seconds = (performance.now() - killedAt) / 1000;
  await leader.start();
  await until(
    async () => {
      signal.throwIfAborted();
      return (await cluster.readyCount()) === cluster.nodes.length;
    },
    { ...wait, what: 'the return of all nodes' },
  );
  return seconds;
}

async function writeUntilAcknowledged(url: string, stop: AbortSignal): Promise<void> {
  const body = JSON.stringify({ key: 'recovery', value: randomUUID() });
  for (;;) {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID(), 'Request-Timeout': '5' };
    const answer = await fetch(`${url}/api/kv`, { method: 'POST', headers, body, signal: stop }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 201) return;
    stop.throwIfAborted();
    await delay(RETRY_MS);
  }
}
