/** `gameday bench kv`: the key-value store beside etcd, on the machine that it runs on. */
import type { Bench, BenchContext } from './bench.ts';
import { AT_PEAK_METRICS, measureAtPeak } from './kv/at_peak.ts';
import { CLOSED_LOOP_METRICS, measureClosedLoop } from './kv/closed_loop.ts';
import { DISK_METRICS, measureDisk } from './kv/disk.ts';
import { IDLE_METRICS, measureIdle } from './kv/idle.ts';
import { LIMIT_METRICS, measureLimits } from './kv/limits.ts';
import { type Findings, type Plan, planOf } from './kv/plan.ts';
import { profileNodes } from './kv/profile.ts';
import { measureRecovery, RECOVERY_METRICS } from './kv/recovery.ts';
import { verdictsOf } from './kv/targets.ts';

export const kv: Bench = {
  name: 'kv',
  summary: 'the key-value store beside etcd: writes, reads, latency, CPU, memory, recovery of a follower',
  selectable: [
    ...[...CLOSED_LOOP_METRICS, ...AT_PEAK_METRICS, ...DISK_METRICS],
    ...[...IDLE_METRICS, ...RECOVERY_METRICS, ...LIMIT_METRICS],
  ],
  async run(context) {
    const findings = await measure(context);
    const metrics = findings.flatMap((each) => each.metrics);
    return {
      bench: 'kv',
      metrics,
      notes: [...verdictsOf(metrics), ...findings.flatMap(({ notes }) => notes)],
    };
  },
};

async function measure(context: BenchContext): Promise<Findings[]> {
  const plan = await planOf(context);
  if (context.settings.profile !== undefined) return [await profileNodes(plan, context.settings.profile)];
  const findings: Findings[] = [{ metrics: [], notes: [plan.conditions] }];
  const wantsAny = (names: readonly string[]) => names.some(plan.wants);
  const closedLoop = await measureClosedLoop(plan, wantsAny(AT_PEAK_METRICS));
  findings.push(closedLoop);
  if (wantsAny(AT_PEAK_METRICS)) findings.push(await measureAtPeak(plan, closedLoop.etcdPeak!));
  for (const [names, measurePart] of PARTS) if (wantsAny(names)) findings.push(await measurePart(plan));
  return findings;
}

const PARTS: readonly (readonly [readonly string[], (plan: Plan) => Promise<Findings>])[] = [
  [DISK_METRICS, measureDisk],
  [IDLE_METRICS, measureIdle],
  [RECOVERY_METRICS, measureRecovery],
  [LIMIT_METRICS, measureLimits],
];
