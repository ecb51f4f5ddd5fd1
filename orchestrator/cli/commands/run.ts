/** `start` and `run`: conduct scenarios one after the other and show their verdicts. */
import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { findLeftovers } from '../../cluster/leftovers.ts';
import { conduct, type RunResult } from '../../run/conductor.ts';
import type { RunEvent } from '../../run/events.ts';
import { scenarioLoader } from '../../run/project.ts';
import { RUN_FILES } from '../../run/record.ts';
import { judgeStage, reportStage } from '../../run/stages.ts';
import type { CatalogueEntry } from '../../scenario/catalogue.ts';
import type { LoadedScenario } from '../../scenario/load.ts';
import { formatProblem } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { type ExitCode, exitCodeOfRun, worstExitCode } from '../exit_code.ts';
import { RunProgress } from '../progress.ts';
import { widthOf } from '../terminal.ts';
import { verdictTable } from '../verdict_table.ts';

export interface RunFlags {
  readonly ci: boolean;
  readonly nodes?: number;
  readonly seed?: number;
  readonly timeScale: number;
  readonly json: boolean;
  readonly keep: boolean;
  readonly inconclusive: 'fail' | 'warn';
}

/** The default scenario of one system, or of every system. */
export async function startCommand(context: Context, system: string | undefined, flags: RunFlags): Promise<ExitCode> {
  const names = system === 'all' ? context.systems.names() : [system ?? context.systems.names()[0]!];
  const manifests = await Promise.all(names.map((name) => context.systems.manifest(name)));
  return runCommand(
    context,
    manifests.map((manifest) => manifest.defaultScenario),
    flags,
  );
}

export async function runCommand(context: Context, words: readonly string[], flags: RunFlags): Promise<ExitCode> {
  const entries = context.catalogue.find(words, context.workingDirectory);
  // All are checked before the first is run: a mistake in the last one should not show after an hour.
  const scenarios = await loadAll(context, entries, flags);
  warnOfLeftovers(context);
  const results: RunResult[] = [];
  for (const loaded of scenarios) {
    if (context.signals.signal.aborted) break;
    const result = await runOne(context, loaded, flags);
    if (!flags.json) showResult(context, result, flags);
    results.push(result);
  }
  const codes = results.map(({ record }) => exitCodeOfRun(record, flags.inconclusive === 'warn'));
  const exitCode = worstExitCode(codes);
  if (flags.json)
    printJson(context, { exitCode, runs: results.map((result, index) => summary(result, codes[index]!)) });
  else if (results.length > 1) print(context, `\n${suite(results)}`);
  return exitCode;
}

async function loadAll(
  context: Context,
  entries: readonly CatalogueEntry[],
  flags: RunFlags,
): Promise<LoadedScenario[]> {
  const loader = scenarioLoader(context.root, context.systems);
  const { ci, timeScale, nodes } = flags;
  const scenarios: LoadedScenario[] = [];
  for (const entry of entries) {
    const loaded = await loader.load(entry.file, { ci, timeScale, ...(nodes === undefined ? {} : { nodes }) });
    for (const warning of loaded.warnings) note(context, formatProblem(warning));
    scenarios.push(loaded);
  }
  return scenarios;
}

/** Conducts one run and shows how it goes on. */
export async function runOne(
  context: Context,
  loaded: LoadedScenario,
  flags: Pick<RunFlags, 'seed' | 'keep'>,
): Promise<RunResult> {
  const progress = new RunProgress(context.terminal);
  const emit = (event: RunEvent) => {
    if (event.type === 'created') context.signals.watch(event.directory);
    progress.show(event);
  };
  const result = await conduct({
    root: context.root,
    directories: context.directories,
    systems: context.systems,
    loaded,
    seed: flags.seed ?? randomInt(2 ** 32),
    keep: flags.keep,
    signal: context.signals.signal,
    emit,
    judge: judgeStage,
    report: reportStage,
  });
  progress.end();
  return result;
}

/** The command that makes the same choices again. */
function repetition({ record }: RunResult, { ci, nodes, timeScale }: RunFlags): string {
  const words = [
    record.scenarioPath,
    `--seed ${record.seed}`,
    ...(ci ? ['--ci'] : []),
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(timeScale === 1 ? [] : [`--time-scale ${timeScale}`]),
  ];
  return `npx gameday run ${words.join(' ')}`;
}

function showResult(context: Context, result: RunResult, flags: RunFlags): void {
  const { record, directory } = result;
  const { outColors, stdout } = context.terminal;
  print(context, '');
  if (record.verdict) print(context, verdictTable(record, widthOf(stdout), outColors));
  if (record.interrupted)
    print(context, outColors.yellow(`ended by ${record.interrupted.signal}: there is no verdict`));
  if (record.error) print(context, outColors.red(`could not run: ${record.error.message}`));
  const report = relative(context.workingDirectory, join(directory.path, RUN_FILES.reportHtml));
  print(context, `\nreport  ${report}\nopen    npx gameday open ${record.id}`);
  if (record.verdict?.result !== 'pass') print(context, `repeat  ${repetition(result, flags)}`);
}

function suite(results: readonly RunResult[]): string {
  return results
    .map(({ record }) => `${(record.verdict?.result ?? 'no verdict').padEnd(12)}  ${record.scenario.id}`)
    .join('\n');
}

function summary({ record, directory }: RunResult, exitCode: ExitCode) {
  return { exitCode, directory: directory.path, report: join(directory.path, RUN_FILES.reportHtml), record };
}

function warnOfLeftovers(context: Context): void {
  const { leftovers } = findLeftovers(context.directories.base);
  const orphans = leftovers.filter((leftover) => !leftover.runId.startsWith('up-'));
  if (orphans.length === 0) return;
  note(
    context,
    `warning: ${orphans.length} processes of a killed run are left over and disturb this one: \`npx gameday down --all\``,
  );
}
