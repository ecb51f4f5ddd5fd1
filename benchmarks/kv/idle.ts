/** What a node takes of a core when nobody asks anything. */
import { setTimeout as delay } from 'node:timers/promises';
import { beside, type Metric } from '../bench.ts';
import type { Findings, Plan } from './plan.ts';
import { cpuSecondsOf, usageIsKnown } from './process_usage.ts';
import type { Side } from './sides.ts';
import { ENTRIES } from './workloads.ts';

export const IDLE_METRICS: readonly string[] = ['idle_cpu_cores'];

/** After the last request: timers of connections, garbage. */
const SETTLE_MS = 5_000;

export async function measureIdle(plan: Plan): Promise<Findings> {
  if (!usageIsKnown) return { metrics: [], notes: ['idle_cpu_cores was not measured: it is read from /proc'] };
  const { signal, onProgress } = plan.context;
  // At the same time: two sides that do nothing are not in each other's way.
  await using kv = await plan.start('kv');
  await using etcd = await plan.start('etcd');
  const sides = [kv, etcd];
  for (const side of sides) await side.prefill(ENTRIES, signal);
  onProgress(`${plan.idleSeconds} s without requests`);
  await delay(SETTLE_MS, undefined, { signal });
  const before = sides.map(cpuOfNodes);
  const begin = performance.now();
  await delay(plan.idleSeconds * 1000, undefined, { signal });
  const seconds = (performance.now() - begin) / 1000;
  const cores = sides.map((side, at) =>
    cpuOfNodes(side).map((cpu, node) => Math.max(0, cpu - before[at]![node]!) / seconds),
  );
  return { metrics: [metricOf(cores[0]!, cores[1]!)], notes: [noteOf(cores[0]!, cores[1]!, seconds)] };
}

function cpuOfNodes({ pids }: Side): number[] {
  return pids.map((pid) => cpuSecondsOf([pid]));
}

function metricOf(kv: readonly number[], etcd: readonly number[]): Metric {
  return beside('idle_cpu_cores', Math.max(...kv), 'cores', 'etcd', Math.max(...etcd));
}

function noteOf(kv: readonly number[], etcd: readonly number[], seconds: number): string {
  const each = (cores: readonly number[]) => cores.map((value) => value.toFixed(4)).join(', ');
  return (
    `idle_cpu_cores: the busiest node over ${seconds.toFixed(0)} s with ${ENTRIES} entries and no request; ` +
    `each: kv ${each(kv)}; etcd ${each(etcd)}`
  );
}
