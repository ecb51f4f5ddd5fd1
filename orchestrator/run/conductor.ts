/**
 * Conducts one run: tools, then cluster, load, faults and Prometheus (`observe`), then judgement and report. Whatever happens on
 * the way, every child is ended, every fault healed, and `run.json` says how far the run came.
 */
import { join } from 'node:path';
import { obtain, type ToolName } from '../../tools/obtain.ts';
import { ClusterStartError } from '../cluster/cluster.ts';
import { ProcessRegistry } from '../cluster/registry.ts';
import { lockDirectory, type RunDirectory } from './directory.ts';
import { Interruption } from './interruption.ts';
import { Journal, newRecord } from './journal.ts';
import { observe } from './observation.ts';
import type { ConductOptions, StageInput, Tools } from './options.ts';
import { projectVersion } from './project.ts';
import { RUN_FILES, type RunRecord } from './record.ts';
import { faultTools } from './run_faults.ts';

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
    const journal = new Journal(directory, newRecord({ directory, loaded, seed, gamedayVersion, startedAt }));
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
    tools = await obtain([...TOOLS, ...faultTools(options.loaded.scenario)], {
      signal: options.signal,
      onProgress: (progress) => options.emit({ type: 'tool', progress }),
    });
    journal.update({ tools: Object.fromEntries([...tools.values()].map(({ name, version }) => [name, version])) });
    await observe(options, journal, registry, tools);
    await judgeRun(options, journal, registry, tools);
  } catch (error) {
    noteFailure(journal, options.signal, error);
  }
  await writeReport(options, journal, registry, tools);
  journal.enter('done');
}

async function judgeRun(
  options: ConductOptions,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
): Promise<void> {
  journal.enter('judging');
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
