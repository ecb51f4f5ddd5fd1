/** `up`, `down` and `status`: clusters that stay, without load or verdict. */
import { messageOf } from '../../../kit/errors.ts';
import type { SystemManifest } from '../../../kit/system.ts';
import { obtain, type ToolProgress } from '../../../tools/obtain.ts';
import { endLeftovers, findLeftovers, type Leftover, removeJudgeCopies } from '../../cluster/leftovers.ts';
import { NodeClient } from '../../cluster/node_client.ts';
import { StandingClusters } from '../../cluster/standing.ts';
import { isLocked } from '../../run/directory.ts';
import { systemTools, toolPaths } from '../../run/systems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { prepareForFaults } from '../fault_preparation.ts';
import { knownSystems, oneSystem } from '../system_choice.ts';
import { columns } from '../terminal.ts';

const GRACE_MS = 5000;

export interface UpFlags {
  readonly nodes?: number;
  readonly port?: number;
  readonly links: boolean;
  readonly faults: boolean;
  readonly system?: string;
}

export async function upCommand(command: Context, word: string | undefined, flags: UpFlags): Promise<ExitCode> {
  const { context, name: system } = await oneSystem(command, oneOf(word, flags.system));
  const manifest = await context.systems.manifest(system);
  if (manifest.start === undefined) throw new UsageError(`${system} has no \`start\`: its nodes run elsewhere already`);
  const count = flags.nodes ?? manifest.nodes.default;
  const { min, max } = manifest.nodes;
  if (count < min || count > max) throw new UsageError(`--nodes ${count}: ${system} takes ${min} to ${max}`);
  const prepared = await prepareForFaults(context, manifest, flags);
  const { home, manifestFile } = context.systems;
  const standing = await new StandingClusters(context.directories.base).up({
    ...{ home, manifest, count, signal: context.signals.signal },
    ...(manifestFile === undefined ? {} : { manifestFile }),
    tools: await obtainTools(context, manifest),
    ...(flags.port === undefined ? {} : { firstPort: flags.port }),
    ...prepared,
    onReady: (ready, total) => note(context, `${ready} of ${total} nodes ready`),
  });
  for (const { index, url } of standing.nodes) print(context, `node ${index}  ${url}`);
  note(context, `end them with: gameday down ${system}`);
  return EXIT.pass;
}

async function obtainTools(context: Context, manifest: SystemManifest): Promise<Record<string, string>> {
  const names = systemTools(manifest);
  if (names.length === 0) return {};
  const onProgress = ({ label, step, detail }: ToolProgress) => {
    if (step === 'downloading' || step === 'ready') note(context, `${label}: ${detail}`);
  };
  return toolPaths(manifest, await obtain(names, { signal: context.signals.signal, onProgress }));
}

/** A system is an argument or a flag, which means the same. */
function oneOf(argument: string | undefined, flag: string | undefined): string {
  const word = argument ?? flag;
  if (word === undefined || (argument !== undefined && flag !== undefined))
    throw new UsageError('say which system, once: gameday up kv, gameday up --system ./my-system/system.ts');
  return word;
}

export interface DownFlags {
  readonly system?: string;
  readonly all: boolean;
  readonly deleteData: boolean;
}

export async function downCommand(context: Context, word: string | undefined, flags: DownFlags): Promise<ExitCode> {
  const named = word ?? flags.system;
  if ((named === undefined) === !flags.all) {
    throw new UsageError('say which system, or --all: gameday down kv, gameday down --all');
  }
  // What was up can be ended by its name, whatever has become of its manifest.
  const system =
    named === undefined || knownSystems(context).includes(named) ? named : (await oneSystem(context, named)).name;
  const search = findLeftovers(context.directories.base);
  const wanted = search.leftovers.filter((leftover) => flags.all || leftover.runId === `up-${system}`);
  for (const { name, pid, runId } of wanted) note(context, `ending ${name} (process ${pid}) of ${runId}`);
  const left = await endLeftovers(wanted, GRACE_MS);
  if (flags.all) {
    for (const { runId, orchestrator } of search.alive) {
      note(
        context,
        `${runId} is going on under process ${orchestrator.pid}: end it there, with Ctrl-C, or from anywhere: kill ${orchestrator.pid}`,
      );
    }
    const copies = removeJudgeCopies(context.directories.base, isLocked);
    if (copies > 0)
      note(context, `deleted ${copies} ${copies === 1 ? 'copy' : 'copies'} of stored series that a killed judge left`);
  }
  if (left.length > 0) throw new Error(wouldNotEnd(left));
  if (flags.deleteData) deleteData(context, flags.all ? knownSystems(context) : [system!]);
  print(context, describe(wanted));
  return EXIT.pass;
}

/** SIGKILL has been sent: what is left is stuck in the kernel, or belongs to somebody else. */
export function wouldNotEnd(left: readonly Leftover[]): string {
  const names = left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
  const pids = left.map(({ pid }) => pid).join(' ');
  return `these would not end: ${names}; as their owner or as root: kill ${pids}, then kill -9 ${pids}`;
}

function deleteData(context: Context, systems: readonly string[]): void {
  const clusters = new StandingClusters(context.directories.base);
  for (const name of systems) clusters.deleteData(name);
}

function describe(ended: readonly Leftover[]): string {
  return ended.length === 0 ? 'nothing was running' : `ended ${ended.length} process${ended.length === 1 ? '' : 'es'}`;
}

export async function statusCommand(
  context: Context,
  system: string | undefined,
  flags: { readonly json: boolean },
): Promise<ExitCode> {
  const words = system === undefined ? knownSystems(context) : [system];
  const states = system === undefined ? await statesOf(context, words) : [await statusOf(context, system)];
  if (flags.json) printJson(context, { systems: states });
  else for (const state of states) print(context, table(context, state));
  return EXIT.pass;
}

interface SystemStatus {
  readonly system: string;
  readonly nodes: readonly NodeStatus[];
}

interface NodeStatus {
  readonly node: number;
  readonly url: string;
  readonly pid: number | null;
  readonly ready: boolean;
  readonly roles: readonly string[];
}

/** Of those whose manifests can be read: one that is gone must not hide the others. */
async function statesOf(context: Context, names: readonly string[]): Promise<SystemStatus[]> {
  const states = await Promise.allSettled(names.map((name) => statusOf(context, name)));
  return states.flatMap((state, index) => {
    if (state.status === 'fulfilled') return [state.value];
    note(context, `${names[index]}: ${messageOf(state.reason)}`);
    return [];
  });
}

async function statusOf(command: Context, word: string): Promise<SystemStatus> {
  const { context, name: system } = await oneSystem(command, word);
  const manifest = await context.systems.manifest(system);
  const clusters = new StandingClusters(context.directories.base);
  const running = clusters.running(system);
  const nodes = (clusters.read(system)?.nodes ?? []).map(async ({ index, url }): Promise<NodeStatus> => {
    const pid = running.find(({ name }) => name === `node ${index}`)?.pid ?? null;
    if (pid === null) return { node: index, url, pid, ready: false, roles: [] };
    const client = new NodeClient(manifest, url);
    const ready = await client.isReady();
    const roles = await Promise.all(
      Object.keys(manifest.roles ?? {}).map(async (role) => ((await client.hasRole(role)) ? [role] : [])),
    );
    return { node: index, url, pid, ready, roles: roles.flat() };
  });
  return { system, nodes: await Promise.all(nodes) };
}

function table(context: Context, { system, nodes }: SystemStatus): string {
  if (nodes.every(({ pid }) => pid === null)) return `${system} is down: gameday up ${system}`;
  const { outColors } = context.terminal;
  const rows = nodes.map(({ node, url, pid, ready, roles }) => [
    `node ${node}`,
    url,
    pid === null ? '–' : String(pid),
    pid === null ? 'gone' : ready ? 'ready' : 'not ready',
    roles.join(', '),
  ]);
  return columns([[system, 'url', 'process', 'state', 'role'], ...rows], (cell, column, row) => {
    if (row === 0) return outColors.dim(cell);
    if (column !== 3) return cell;
    return cell.trim() === 'ready' ? outColors.green(cell) : outColors.yellow(cell);
  });
}
