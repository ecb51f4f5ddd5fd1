/** `fault list`, `inject`, `heal`: breaks something in a cluster that `up` left running. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../../kit/prng.ts';
import type { SystemManifest } from '../../../kit/system.ts';
import type { ClusterNode } from '../../cluster/node.ts';
import { type AttachedCluster, StandingClusters } from '../../cluster/standing.ts';
import { createFaults } from '../../faults/kinds.ts';
import { NodeFaultDesk } from '../../faults/node_faults.ts';
import { chooseTargets } from '../../faults/target.ts';
import { ToxiproxyApi } from '../../faults/toxiproxy.ts';
import type { Faults, Heal } from '../../faults/types.ts';
import { describeParameters, FAULT_KINDS, FAULT_SHAPES, type ParameterName } from '../../scenario/fault_kinds.ts';
import { parseLoneFault } from '../../scenario/lone_fault.ts';
import { suggestion } from '../../scenario/problems.ts';
import type { FaultPlan } from '../../scenario/types.ts';
import { formatDuration } from '../../scenario/units.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { standingSystem } from '../system_choice.ts';
import { columns } from '../terminal.ts';

export interface FaultFlags {
  readonly system?: string;
}

export type InjectFlags = FaultFlags & { readonly for?: string } & Readonly<Partial<Record<ParameterName, string>>>;

export const FAULT_PARAMETERS: Readonly<Record<ParameterName, string>> = {
  direction: 'of links: in, out or both',
  delay: 'such as 50ms',
  jitter: 'such as 10ms',
  rate: 'of bandwidth, such as 100KB/s; of clock_skew, such as 1.5',
  probability: 'such as 5%',
  offset: 'of clock_skew, such as -5s',
  as: 'a misbehaviour of the system',
};

/** Somebody must stay and see to it. */
const NEEDS_A_TIME: readonly string[] = ['stall'];
/** What they leave behind (another id, a queueing discipline) is taken care of by a run only; and only a run starts an earlier version. */
const ONLY_IN_RUNS: readonly string[] = ['flipped_bit', 'packet_loss', 'silence', 'upgrade'];
const READY_MS_MAX = 15_000;
const POLL_MS = 100;

class FaultUnavailableError extends Error {
  readonly code = 'FAULT_UNAVAILABLE';
}

export async function faultListCommand(
  context: Context,
  flags: FaultFlags & { readonly json: boolean },
): Promise<ExitCode> {
  const { faults } = await attach(context, flags);
  const rows = FAULT_KINDS.map((kind) => {
    const { needs, takes } = FAULT_SHAPES[kind];
    const parameters = [...needs.map((name) => `--${name}`), ...takes.map((name) => `[--${name}]`)].join(' ');
    return { kind, available: availability(faults, kind), parameters };
  });
  if (flags.json) printJson(context, { faults: rows });
  else {
    const cells = rows.map(({ kind, available, parameters }) => [
      kind,
      parameters,
      available === true ? 'available' : available,
    ]);
    print(
      context,
      columns([['fault', 'parameters', 'here'], ...cells], (cell) => cell),
    );
  }
  return EXIT.pass;
}

export async function faultInjectCommand(
  context: Context,
  kind: string,
  target: string,
  flags: InjectFlags,
): Promise<ExitCode> {
  if (!FAULT_KINDS.some((known) => known === kind))
    throw new UsageError(`no fault is "${kind}": \`gameday fault list\` shows them${suggestion(kind, FAULT_KINDS)}`);
  const attached = await attach(context, flags);
  const plan = planOf(context, attached, kind, target, flags);
  const available = availability(attached.faults, plan.kind);
  if (available !== true) throw new FaultUnavailableError(`${kind} is not available: ${available}`);
  if (flags.for === undefined && NEEDS_A_TIME.includes(kind))
    throw new UsageError(`${kind} lasts as long as this command: say --for, such as --for 10s`);
  const heal = await inject(context, attached, plan, flags.for === undefined);
  if (flags.for === undefined) {
    note(context, `heal it with: gameday fault heal`);
    return EXIT.pass;
  }
  const { signal } = context.signals;
  await delay(plan.healAfterMs, undefined, { signal }).catch(() => undefined);
  await heal();
  print(context, `healed${signal.aborted ? ', before its time' : ''}`);
  // Nodes that were started for the heal stay when this command ends.
  attached.cluster.release();
  signal.throwIfAborted();
  return EXIT.pass;
}

export async function faultHealCommand(context: Context, flags: FaultFlags): Promise<ExitCode> {
  const { manifest, cluster, standing, faultToken } = await attach(context, flags);
  if (standing.links) await new ToxiproxyApi(standing.links.api).reset();
  for (const node of cluster.nodes) {
    if (node.state === 'paused') node.resume();
    if (node.state === 'stopped') await node.start();
  }
  const deadline = performance.now() + READY_MS_MAX;
  // A node must answer before it can be told; one that has just been started knows of no fault.
  if (faultToken !== undefined) await Promise.all(cluster.nodes.map((node) => tellHealthy(node, deadline)));
  while ((await cluster.readyCount()) < cluster.nodes.length) {
    if (performance.now() > deadline) break;
    await delay(POLL_MS, undefined, { signal: context.signals.signal });
  }
  cluster.release();
  const ready = await cluster.readyCount();
  print(context, `${ready} of ${cluster.nodes.length} nodes ready`);
  if (ready < cluster.nodes.length) note(context, `see: gameday status ${manifest.name}`);
  return ready === cluster.nodes.length ? EXIT.pass : EXIT.fail;
}

async function tellHealthy(node: ClusterNode, deadline: number): Promise<void> {
  for (;;) {
    try {
      await node.applyFaults({});
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

interface Attached extends AttachedCluster {
  readonly manifest: SystemManifest;
  readonly faults: Faults;
}

/** The system that was named, else the only one that is up. */
async function attach(command: Context, { system }: FaultFlags): Promise<Attached> {
  const { context, name } = await standingSystem(command, system);
  const manifest = await context.systems.manifest(name);
  const attached = new StandingClusters(context.directories.base).attach(manifest, context.systems.home);
  if (attached === undefined) throw new UsageError(`${name} is down: gameday up ${name} --links --faults`);
  return { ...attached, manifest, faults: await faultsOn(attached, manifest) };
}

async function faultsOn({ cluster, standing, faultToken }: AttachedCluster, manifest: SystemManifest): Promise<Faults> {
  const desk = new NodeFaultDesk();
  for (const node of cluster.nodes) {
    if (faultToken === undefined || node.state !== 'running') continue;
    const before = await manifest.nodeFaults?.read(node.url, faultToken).catch(() => undefined);
    if (before !== undefined) desk.assume(node, before);
  }
  const restart = `gameday down ${manifest.name}, then gameday up ${manifest.name}`;
  return createFaults({
    ...{ manifest, desk, nodesObey: faultToken !== undefined },
    ...(standing.links ? { links: { api: new ToxiproxyApi(standing.links.api), count: cluster.nodes.length } } : {}),
    remedy: { links: `${restart} --links`, nodes: `${restart} --faults` },
  });
}

function availability(faults: Faults, kind: FaultPlan['kind']): true | string {
  return ONLY_IN_RUNS.includes(kind) ? 'only in a run: put it into a scenario' : faults[kind].available();
}

function planOf(
  context: Context,
  { manifest, standing }: Attached,
  kind: string,
  target: string,
  flags: InjectFlags,
): FaultPlan {
  const schema = JSON.parse(readFileSync(join(context.root, 'scenarios/scenario.schema.json'), 'utf8')) as object;
  const { system: _, for: healAfter = '1s', ...parameters } = flags;
  const rate = kind === 'clock_skew' && flags.rate !== undefined ? { rate: Number(flags.rate) } : {};
  const fault = { name: 'by-hand', [kind]: target, heal_after: healAfter, ...parameters, ...rate };
  const lone = parseLoneFault(schema, fault, manifest, standing.nodes.length);
  if (!lone.ok) throw new UsageError(lone.mistakes.join('\n'));
  return lone.plan;
}

async function inject(
  context: Context,
  { cluster, faults }: Attached,
  plan: FaultPlan,
  isLasting: boolean,
): Promise<Heal> {
  const { kind, target, parameters, healAfterMs } = plan;
  const seed = Date.now();
  const { signal } = context.signals;
  const nodes = await chooseTargets(target, cluster.nodes, new Prng(seed));
  if (nodes.length === 0) throw new FaultUnavailableError(`no running node is "${target}"`);
  // Several commands may inject at once: what one heals must be its own.
  const heal = await faults[kind].inject({
    name: `by-hand-${seed}`,
    nodes,
    parameters,
    seed,
    signal,
    struck: () => {},
  });
  const how = describeParameters(parameters);
  const whom = nodes.map(({ index }) => `node ${index}`).join(', ');
  print(
    context,
    `${kind}${how && `, ${how}`} on ${whom}, ${isLasting ? 'until it is healed' : `for ${formatDuration(healAfterMs)}`}`,
  );
  return heal;
}
