/** `start` and `run`: conduct scenarios one after the other and show their verdicts. */
import { randomInt } from 'node:crypto';
import { join, relative } from 'node:path';
import { findLeftovers } from '../../cluster/leftovers.ts';
import { conduct, type RunResult } from '../../run/conductor.ts';
import type { RunEvent } from '../../run/events.ts';
import type { ConductOptions } from '../../run/options.ts';
import { scenarioLoader } from '../../run/project.ts';
import { RUN_FILES } from '../../run/record.ts';
import { judgeStage, reportStage } from '../../run/stages.ts';
import type { CatalogueEntry } from '../../scenario/catalogue.ts';
import type { LoadedScenario } from '../../scenario/load.ts';
import { formatProblem } from '../../scenario/problems.ts';
import { type Context, note, print, printJson, programName, shellWord } from '../context.ts';
import { type ExitCode, exitCodeOfRun, UsageError, worstExitCode } from '../exit_code.ts';
import { RunProgress } from '../progress.ts';
import { type PrometheusFlags, prometheusOptions, refuseFaultsOnly } from '../prometheus_flags.ts';
import { contextOf, type SystemFlags } from '../system_choice.ts';
import { widthOf } from '../terminal.ts';
import { verdictTable } from '../verdict_table.ts';

export interface RunFlags extends SystemFlags, PrometheusFlags {
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
  if (system === 'all') return runCommand(context, await defaultScenarios(context), flags);
  const word = system ?? flags.system ?? context.systems.names()[0]!;
  return runCommand(context, [], { ...flags, system: word });
}

async function defaultScenarios({ systems }: Context): Promise<string[]> {
  return (await systems.manifests()).map((manifest) => manifest.defaultScenario);
}

/** Without words the default scenario of the system that was chosen. */
export async function runCommand(command: Context, words: readonly string[], flags: RunFlags): Promise<ExitCode> {
  if (words.length === 0 && flags.system === undefined)
    throw new UsageError("missing required argument 'scenario': gameday list shows them");
  const elsewhere = prometheusOptions(flags, process.env, Date.now());
  const context = await contextOf(command, flags);
  const wanted = words.length > 0 ? words : await defaultScenarioOf(context, flags.system!);
  const entries = context.catalogue.find(wanted, context.workingDirectory);
  // All are checked before the first is run: a mistake in the last one should not show after an hour.
  const scenarios = await loadAll(context, entries, flags);
  warnOfLeftovers(context);
  const results: RunResult[] = [];
  for (const loaded of scenarios) {
    if (context.signals.signal.aborted) break;
    const result = await runOne(context, loaded, flags, elsewhere);
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

/** By the name of one of several systems of a home; a manifest of its own is the only one there. */
async function defaultScenarioOf({ systems }: Context, word: string): Promise<string[]> {
  const name = systems.names().includes(word) ? word : systems.names()[0]!;
  return [(await systems.manifest(name)).defaultScenario];
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
    if (flags.prometheus === undefined) {
      for (const warning of loaded.warnings) note(context, formatProblem(warning));
      refuseNowhere(loaded);
      // What is warned of is the scenario's own time; here another one is judged.
    } else refuseFaultsOnly(loaded);
    scenarios.push(loaded);
  }
  return scenarios;
}

function refuseNowhere({ manifest }: LoadedScenario): void {
  if (manifest.start === undefined && manifest.elsewhere === undefined)
    throw new UsageError(
      `${manifest.name} has no \`start\`, and nobody says where its nodes run: --targets http://10.0.0.1:2379,…, or \`elsewhere\` in the manifest`,
    );
}

/** Conducts one run and shows how it goes on. */
export async function runOne(
  context: Context,
  loaded: LoadedScenario,
  flags: Pick<RunFlags, 'seed' | 'keep'>,
  elsewhere: Pick<ConductOptions, 'existing' | 'remoteWrite'> = {},
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
    ...elsewhere,
    signal: context.signals.signal,
    emit,
    judge: judgeStage,
    report: reportStage,
  });
  progress.end();
  return result;
}

/** What makes the same choices again. */
function repetition({ record }: RunResult, { ci, nodes, timeScale, system, targets }: RunFlags): string {
  const words = [
    shellWord(record.scenarioPath),
    ...(system === undefined ? [] : [`--system ${shellWord(system)}`]),
    ...(targets === undefined ? [] : [`--targets ${shellWord(targets.join(','))}`]),
    `--seed ${record.seed}`,
    ...(ci ? ['--ci'] : []),
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(timeScale === 1 ? [] : [`--time-scale ${timeScale}`]),
  ];
  return `run ${words.join(' ')}`;
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
  print(context, `\nreport  ${report}\nopen    ${programName(context)} open ${record.id}`);
  if (record.verdict?.result !== 'pass' && flags.prometheus === undefined)
    print(context, `repeat  ${programName(context)} ${repetition(result, flags)}`);
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
    `warning: ${orphans.length} processes of a killed run are left over and disturb this one: \`${programName(context)} down --all\``,
  );
}
