/** What a killed orchestrator left behind, found by the registries of its runs and by the marker in the children's environment. */
import { globSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { signalGroup } from './child.ts';
import { identify, isRunning, type ProcessIdentity } from './identity.ts';
import {
  type RegisteredProcess,
  type RegistryContent,
  RUN_DIRECTORY_VARIABLE,
  RUN_ID_VARIABLE,
  readRegistry,
} from './registry.ts';

export interface Leftover extends RegisteredProcess {
  readonly runId: string;
}

export interface LeftoverSearch {
  /** Nobody looks after them any more. */
  readonly leftovers: readonly Leftover[];
  /** Runs whose orchestrator is alive; they are let alone. */
  readonly alive: readonly { readonly runId: string; readonly orchestrator: ProcessIdentity }[];
}

/** `base` is the `.gameday` directory. */
export function findLeftovers(base: string): LeftoverSearch {
  const registries = globSync('{runs,up,bench}/*/processes.json', { cwd: base })
    .map((file) => ({ directory: dirname(join(base, file)), content: readRegistry(join(base, file)) }))
    .filter((entry): entry is { directory: string; content: RegistryContent } => entry.content !== undefined);
  const looksAfter = ({ orchestrator }: RegistryContent) => orchestrator !== undefined && isRunning(orchestrator);
  const alive = registries.filter((entry) => looksAfter(entry.content));
  const aliveIds = new Set(alive.map((entry) => entry.content.runId));
  const registered = registries
    .filter((entry) => !looksAfter(entry.content))
    .flatMap(({ content }) => content.processes.map((entry) => ({ ...entry, runId: content.runId })))
    .filter(isRunning);
  const known = new Set(registered.map((entry) => entry.pid));
  const marked = markedProcesses(base).filter((entry) => !known.has(entry.pid) && !aliveIds.has(entry.runId));
  return {
    leftovers: [...registered, ...marked],
    alive: alive.map(({ content }) => ({ runId: content.runId, orchestrator: content.orchestrator! })),
  };
}

/** Ends them: a paused one is woken first. Resolves with those that would not go. */
export async function endLeftovers(leftovers: readonly Leftover[], graceMs: number): Promise<Leftover[]> {
  const send = (signal: NodeJS.Signals) => {
    for (const entry of leftovers.filter(isRunning)) signalGroup(entry.pid, signal);
  };
  send('SIGTERM');
  send('SIGCONT');
  if (await allGone(leftovers, graceMs)) return [];
  send('SIGKILL');
  await allGone(leftovers, 2000);
  return leftovers.filter(isRunning);
}

/**
 * Deletes the copies of stored series that a judge works on, and the credentials of a `--remote-write`, that a killed one left in its run's directory; those of runs that are `inUse`
 * are let alone. Returns how many they were.
 */
export function removeJudgeCopies(base: string, inUse: (runDirectory: string) => boolean): number {
  const copies = globSync('{runs,bench}/*/.{judge,remote-write}-*', { cwd: base }).map((copy) => join(base, copy));
  const left = copies.filter((copy) => !inUse(dirname(copy)));
  for (const copy of left) rmSync(copy, { recursive: true, force: true });
  return left.length;
}

async function allGone(leftovers: readonly Leftover[], withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (leftovers.some(isRunning)) {
    if (performance.now() > deadline) return false;
    await delay(20);
  }
  return true;
}

/** Linux only: elsewhere a process's environment cannot be read, and the registry is all there is. */
function markedProcesses(base: string): Leftover[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((name) => {
    const environment = environmentOf(name);
    const runId = environment.get(RUN_ID_VARIABLE);
    const inside = environment.get(RUN_DIRECTORY_VARIABLE)?.startsWith(base + sep);
    const identity = runId !== undefined && inside ? identify(Number(name)) : undefined;
    return identity && runId !== undefined ? [{ name: commandOf(name), runId, ...identity }] : [];
  });
}

function environmentOf(pid: string): Map<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
  } catch {
    return new Map(); // It ended, or it is somebody else's.
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return `process ${pid}`;
  }
}
