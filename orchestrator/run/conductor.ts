/**
 * Conducts one run: tools, then cluster, load, faults and Prometheus (`observe`), then judgement and report. Whatever happens on
 * the way, every child is ended, every fault healed, and `run.json` says how far the run came.
 */
import { join } from 'node:path';
import { obtain, type ToolName } from '../../tools/obtain.ts';
import { ClusterStartError } from '../cluster/cluster.ts';
import { ProcessRegistry } from '../cluster/registry.ts';
import { limitsOf } from '../scenario/limits.ts';
import { lockDirectory, type RunDirectory } from './directory.ts';
import { copyExisting } from './existing.ts';
import { Interruption } from './interruption.ts';
import { Journal, newRecord } from './journal.ts';
import { observe } from './observation.ts';
import type { ConductOptions, StageInput, Tools } from './options.ts';
import { projectVersion, rulesOf } from './project.ts';
import { RUN_FILES, type RunRecord } from './record.ts';
import { alertShapes } from './rules.ts';
import { faultTools } from './run_faults.ts';
import { systemTools } from './systems.ts';

export interface RunResult {
  readonly record: RunRecord;
  readonly directory: RunDirectory;
}

const TOOLS: readonly ToolName[] = ['k6', 'prometheus'];
/** What is left of the seven seconds that an interrupted run has, once the children are gone. */
const PARTIAL_REPORT_MS = 2500;

/** Never rejects for what goes wrong inside the run: the record then has the error or the interruption. */
export async function conduct(options: ConductOptions): Promise<RunResult> {
  const startedAt = new Date();
  const { directories, loaded, seed } = options;
  const directory = directories.create(loaded.scenario.id, startedAt, options.keep);
  const unlock = lockDirectory(directory.path);
  try {
    const gamedayVersion = projectVersion(options.root);
    const { manifestFile } = options.systems;
    const record = newRecord({ directory, loaded, manifestFile, seed, gamedayVersion, startedAt });
    const journal = new Journal(directory, record);
    options.emit({ type: 'created', record: journal.record, directory: directory.path });
    await perform(options, journal, runRegistry(directory));
    return { record: journal.record, directory };
  } finally {
    unlock();
    directories.prune();
  }
}

async function perform(options: ConductOptions, journal: Journal, registry: ProcessRegistry): Promise<void> {
  let tools: Tools = new Map();
  try {
    const { loaded, existing } = options;
    if (existing === undefined) await sayLimits(options, journal);
    const started: ToolName[] = [...TOOLS, ...faultTools(loaded.scenario), ...systemTools(loaded.manifest)];
    tools = await obtain(existing === undefined ? started : ['prometheus'], {
      signal: options.signal,
      onProgress: (progress) => options.emit({ type: 'tool', progress }),
    });
    journal.update({ tools: Object.fromEntries([...tools.values()].map(({ name, version }) => [name, version])) });
    if (existing === undefined) await observe(options, journal, registry, tools);
    else await copyExisting(options, existing, journal, registry, tools);
    await judgeRun(options, journal, registry, tools);
  } catch (error) {
    noteFailure(journal, options.signal, error);
  }
  await writeReport(options, journal, registry, tools);
  journal.enter('done');
}

/** First of all: what is missing is said before anybody waits for what it would have shown. */
async function sayLimits({ root, loaded, emit }: ConductOptions, journal: Journal): Promise<void> {
  const { manifest, home } = loaded;
  const limits = limitsOf(manifest, alertShapes(await rulesOf(root, home, manifest)));
  if (limits.length > 0) journal.update({ limits });
  for (const text of limits) emit({ type: 'limit', text });
}

async function judgeRun(
  options: ConductOptions,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
): Promise<void> {
  // The phases of an existing system are those of its window, which is over.
  if (options.existing === undefined) journal.enter('judging');
  options.emit({ type: 'phase', phase: 'judging', expectedMs: 0 });
  journal.update({ verdict: await options.judge(stageInput(options, journal, registry, tools, options.signal)) });
}

async function writeReport(
  options: ConductOptions,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
): Promise<void> {
  // A run that was interrupted has little time left, and its own signal is spent.
  const signal = options.signal.aborted ? AbortSignal.timeout(PARTIAL_REPORT_MS) : options.signal;
  try {
    await options.report(stageInput(options, journal, registry, tools, signal));
  } catch (error) {
    options.emit({ type: 'warning', message: `no report could be written: ${messageOf(error)}` });
  }
}

function stageInput(
  options: ConductOptions,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
  signal: AbortSignal,
): StageInput {
  const onProgress = (what: string) => options.emit({ type: 'judging', what });
  return {
    root: options.root,
    record: journal.record,
    directory: journal.directory,
    registry,
    tools,
    signal,
    onProgress,
  };
}

/** Which processes work on this run directory; one for each command that does. */
export function runRegistry({ id, path }: RunDirectory): ProcessRegistry {
  return new ProcessRegistry({ file: join(path, RUN_FILES.processes), runId: id, runDirectory: path });
}

function noteFailure(journal: Journal, signal: AbortSignal, error: unknown): void {
  if (signal.aborted && signal.reason instanceof Interruption) {
    journal.update({ interrupted: { signal: signal.reason.signal, at: Date.now() } });
    return;
  }
  const code = (error as { readonly code?: unknown }).code;
  journal.update({ error: { code: typeof code === 'string' ? code : 'INTERNAL', message: messageOf(error) } });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = typeof (error as { readonly code?: unknown }).code === 'string';
  // A mistake in the program needs its stack; what can be expected has a message made for people.
  return expected || error instanceof ClusterStartError ? error.message : (error.stack ?? error.message);
}
