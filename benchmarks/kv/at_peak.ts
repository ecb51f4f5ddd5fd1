/** Both sides at the rate that is the most etcd can do: an open model, whose clients do not wait for the system. */
import { beside } from '../bench.ts';
import { warmUp } from './closed_loop.ts';
import { type Measured, measureLoad } from './load.ts';
import { inPairs, medianOf } from './pairs.ts';
import type { Findings, Plan } from './plan.ts';

export const AT_PEAK_METRICS: readonly string[] = ['write_p99_seconds'];

/** Requests under way at once, at most; what comes while all are waiting is dropped and counted. */
const CLIENTS_MAX = 200;
/** Writes need nothing to read; k6 opens the file all the same. */
const ENTRIES = 10;

/** @param etcdPeak writes per second */
export async function measureAtPeak(plan: Plan, etcdPeak: number): Promise<Findings> {
  const rate = Math.floor(etcdPeak);
  const series = await inPairs(plan.pairs, async (name, pair) => {
    await using side = await plan.start(name);
    const keysFile = await side.prefill(ENTRIES, plan.context.signal);
    await warmUp(side, 'write', keysFile, plan, 'start');
    const load = { operation: 'write', clients: CLIENTS_MAX, seconds: plan.seconds, rate, keysFile } as const;
    const measured = await measureLoad(side, load, plan.programs);
    plan.context.onProgress(
      `at ${rate} writes/s, pair ${pair + 1} of ${plan.pairs}, ${name}: p99 ${milliseconds(measured)}, ${measured.dropped} dropped`,
    );
    return measured;
  });
  const p99 = (each: readonly Measured[]) => medianOf(each, ({ p99Seconds }) => p99Seconds);
  const dropped = (each: readonly Measured[]) => each.map((measured) => measured.dropped).join(', ');
  const others = (each: readonly Measured[]) =>
    each.map(({ usage, seconds }) => (usage.others / seconds).toFixed(2)).join(', ');
  const planned = rate * plan.seconds;
  return {
    metrics: [beside('write_p99_seconds', p99(series.kv), 'seconds', 'etcd', p99(series.etcd))],
    notes: [
      `write_p99_seconds at ${rate} writes/s, etcd's median rate above, and at most ${CLIENTS_MAX} requests under way; ` +
        `by pair: kv ${series.kv.map(milliseconds).join(', ')}; etcd ${series.etcd.map(milliseconds).join(', ')}`,
      `write_p99_seconds, dropped of ${planned} by pair: kv ${dropped(series.kv)}; etcd ${dropped(series.etcd)}`,
      `write_p99_seconds, cores taken by others by pair: kv ${others(series.kv)}; etcd ${others(series.etcd)}`,
    ],
  };
}

function milliseconds({ p99Seconds }: Measured): string {
  return `${(p99Seconds * 1000).toFixed(1)} ms`;
}
