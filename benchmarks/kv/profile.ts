/** Where the nodes of the store spend their time under the write load: one CPU profile of each, and a summary. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { alone } from '../bench.ts';
import { warmUp } from './closed_loop.ts';
import { measureLoad } from './load.ts';
import type { Findings, Plan } from './plan.ts';
import { type CpuProfile, summaryOf, tableOf } from './profile_summary.ts';
import { rolesOf } from './recovery.ts';
import { Side } from './sides.ts';
import { CLIENTS, ENTRIES } from './workloads.ts';

/** The same nodes, which write their profile into `directory` when they end. */
export function profiled(manifest: SystemManifest, directory: string): SystemManifest {
  return {
    ...manifest,
    start: (node, plan) => {
      const command = manifest.start!(node, plan);
      const options = `--cpu-prof --cpu-prof-dir=${directory} --cpu-prof-name=${fileOf(node.index)}`;
      return {
        ...command,
        environment: {
          ...command.environment,
          NODE_OPTIONS: [command.environment.NODE_OPTIONS, options].filter(Boolean).join(' '),
        },
      };
    },
  };
}

function fileOf(node: number): string {
  return `node_${node}.cpuprofile`;
}

/** Leaves `node_N.cpuprofile` and `summary.md` in the directory. */
export async function profileNodes(plan: Plan, directory: string): Promise<Findings> {
  mkdirSync(directory, { recursive: true });
  const { signal, root } = plan.context;
  const sides = {
    ...plan.sides,
    manifests: { ...plan.sides.manifests, kv: profiled(plan.sides.manifests.kv, directory) },
  };
  const { leader, count, perSecond, window } = await underLoad(await Side.start('kv', 'profiled', sides));
  const tables = Array.from({ length: count }, (_, node) => {
    const profile = JSON.parse(readFileSync(join(directory, fileOf(node)), 'utf8')) as CpuProfile;
    return tableOf(
      `node ${node}, ${node === leader ? 'the leader' : 'a follower'}`,
      summaryOf(profile, window, root + sep),
    );
  });
  writeFileSync(join(directory, 'summary.md'), `${tables.join('\n\n')}\n`);
  return {
    metrics: [alone('writes_per_second', perSecond, 'writes/s')],
    notes: [
      `profiles and summary.md are in ${directory}; with the profiler on, everything is slower`,
      ...tables.join('\n\n').split('\n'),
    ],
  };

  async function underLoad(started: Side) {
    await using side = started;
    const keysFile = await side.prefill(ENTRIES, signal);
    await warmUp(side, 'write', keysFile, plan, 'start');
    const from = monotonicUs();
    const load = { operation: 'write', clients: CLIENTS, seconds: plan.seconds, keysFile } as const;
    const measured = await measureLoad(side, load, plan.programs);
    const until = monotonicUs();
    const roles = await rolesOf(side, signal);
    return {
      ...{ leader: roles.leader.index, count: side.cluster.nodes.length, perSecond: measured.perSecond },
      window: { fromUs: from, untilUs: until },
    };
  }
}

/** The clock of V8's profiles. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}
