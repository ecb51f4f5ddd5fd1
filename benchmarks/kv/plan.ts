/** What every part of `gameday bench kv` is given, and what it gives back. */
import { join } from 'node:path';
import { ProcessRegistry } from '../../orchestrator/cluster/registry.ts';
import { systems } from '../../services/index.ts';
import { obtain } from '../../tools/obtain.ts';
import type { BenchContext, Metric } from '../bench.ts';
import { etcdManifest } from '../etcd.ts';
import { bareManifest } from './limits.ts';
import { Programs } from './programs.ts';
import { type NodesName, Side, type SidesOptions } from './sides.ts';

/** As many as the lowest number of pairs whose median one bad one on either side cannot move. */
const PAIRS = 5;
const SECONDS = 6;
const IDLE_SECONDS = 60;

export interface Findings {
  readonly metrics: readonly Metric[];
  readonly notes: readonly string[];
}

export interface Plan {
  readonly context: BenchContext;
  readonly programs: Programs;
  readonly pairs: number;
  /** Of one measurement under load. */
  readonly seconds: number;
  readonly idleSeconds: number;
  /** A sentence for the notes: versions, and what every measurement has in common. */
  readonly conditions: string;
  readonly sides: SidesOptions;
  wants(metric: string): boolean;
  /** Starts nodes with fresh data directories. */
  start(nodes: NodesName): Promise<Side>;
}

export async function planOf(context: BenchContext): Promise<Plan> {
  const { root, directory, runId, signal, settings } = context;
  const tools = await obtain(['k6', 'etcd'], { signal });
  const registry = new ProcessRegistry({ file: join(directory, 'processes.json'), runId, runDirectory: directory });
  const [k6, etcd] = [tools.get('k6')!, tools.get('etcd')!];
  const manifests = { kv: (await systems.kv!()).default, etcd: etcdManifest(etcd.path), bare: bareManifest(directory) };
  const sides: SidesOptions = { context, registry, manifests };
  let started = 0;
  return {
    ...{ context, pairs: settings.pairs ?? PAIRS, seconds: settings.seconds ?? SECONDS, idleSeconds: IDLE_SECONDS },
    sides,
    programs: new Programs({ k6: k6.path, root, registry, signal }),
    conditions:
      `etcd ${etcd.version} with default settings, k6 ${k6.version}; three nodes of each side, asked in turn, on this machine, nothing ` +
      'between clients and nodes or between nodes; both fsync before they acknowledge; fresh data directories for every measurement',
    wants: (metric) => settings.only?.includes(metric) ?? true,
    start: (nodes) => Side.start(nodes, `${nodes}-${++started}`, sides),
  };
}
