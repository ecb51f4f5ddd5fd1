/** One k6 process from its start to its summary: `.gameday/bombarder/<id>/`. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { obtain, type ToolProgress } from '../../../../tools/obtain.ts';
import { createProgressRenderer } from '../../../../tools/progress.ts';
import { Child } from '../../../cluster/child.ts';
import { reservePorts } from '../../../cluster/ports.ts';
import { ProcessRegistry } from '../../../cluster/registry.ts';
import { K6, LoadError, thresholdsCrossed } from '../../../load/k6.ts';
import { runId } from '../../../run/directory.ts';
import { RUN_FILES } from '../../../run/record.ts';
import type { Context } from '../../context.ts';
import { k6Input, type LoadRequest } from './load.ts';
import type { LoadProgressLine } from './progress.ts';
import { historySeconds, type LoadResult, loadResult } from './result.ts';

/** Older ones are deleted. */
const KEPT = 10;
const POLL_MS = 200;
/** Within the patience that an interrupted command has. */
const STOP_GRACE_MS = 2000;

export interface K6RunOptions {
  readonly context: Context;
  readonly request: LoadRequest;
  readonly seed: number;
  readonly progress: LoadProgressLine;
  /** Called when the first operation begins. */
  readonly onRunning: () => void;
}

export interface K6RunResult {
  readonly result: LoadResult;
  /** k6's log, its summary and the history of operations. */
  readonly directory: string;
}

/** From the PATH, the cache, a release or its sources, with progress. @returns the path of the binary */
export async function obtainK6(context: Context): Promise<string> {
  const progress = createProgressRenderer(context.terminal.stderr);
  try {
    const { signal } = context.signals;
    // Where it is there already there is nothing to show.
    const onProgress = (line: ToolProgress) => line.step === 'ready' || progress.onProgress(line);
    const tools = await obtain(['k6'], { signal, onProgress });
    return tools.get('k6')!.path;
  } finally {
    progress.end();
  }
}

/** @throws LoadError when k6 could not do its work, the signal's reason when interrupted; k6 has ended in every case */
export async function runK6(binary: string, options: K6RunOptions): Promise<K6RunResult> {
  const { context, request, seed, progress } = options;
  const { base } = context.directories;
  const id = runId(request.name, new Date(), randomBytes(2).toString('hex'));
  const directory = join(base, 'bombarder', id);
  mkdirSync(directory, { recursive: true });
  prune(join(base, 'bombarder'));
  const files = { summary: join(directory, RUN_FILES.k6Summary), history: join(directory, 'history.ndjson') };
  const registry = new ProcessRegistry({
    file: join(directory, RUN_FILES.processes),
    runId: id,
    runDirectory: directory,
  });
  context.signals.watch(directory);
  const api = await reservePorts(1);
  await api.release();
  const k6 = await K6.start({
    ...{ binary, apiPort: api.ports[0]!, workingDirectory: context.root, summaryFile: files.summary },
    spawn: (child) => Child.start(child, registry),
    script: join(context.root, 'loadtests', 'kv', `${request.name}.ts`),
    environment: { GAMEDAY_LOAD: JSON.stringify(k6Input(request, { id, seed })), K6_NO_USAGE_REPORT: 'true' },
    logFile: join(directory, 'k6.log'),
    historyFile: files.history,
  });
  try {
    const measured = await follow(k6, options);
    progress.end();
    const seconds = (existsSync(files.history) ? historySeconds(lines(files.history)) : undefined) ?? measured;
    const result = loadResult(readFileSync(files.summary, 'utf8'), request.count, seconds);
    if (result === undefined) throw new LoadError(`${files.summary} is not a summary of k6`, 0);
    return { result, directory };
  } finally {
    await k6.stop(STOP_GRACE_MS);
    progress.end();
  }
}

/** Until k6 has ended by itself. @returns for how many seconds it ran operations */
async function follow(k6: K6, { context, progress, onRunning }: K6RunOptions): Promise<number> {
  const { signal } = context.signals;
  await k6.running(signal);
  onRunning();
  const startedAt = performance.now();
  let ended = false;
  const exited = k6.exited.then((status) => {
    ended = true;
    return status;
  });
  while (!ended) {
    signal.throwIfAborted();
    const now = await k6.progress();
    if (now !== undefined) progress.show(now.operations, performance.now() - startedAt);
    await Promise.race([exited, delay(POLL_MS, undefined, { ref: false })]);
  }
  thresholdsCrossed(await exited, k6.logTail());
  return (performance.now() - startedAt) / 1000;
}

function lines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n');
}

function prune(base: string): void {
  const ids = readdirSync(base)
    .filter((name) => /^\d{8}T\d{6}Z-/.test(name))
    .sort()
    .reverse();
  for (const id of ids.slice(KEPT)) rmSync(join(base, id), { recursive: true, force: true });
}
