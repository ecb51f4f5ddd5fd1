/** `recheck`, `report` and `open`: what can be done with a run that is over. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { obtain } from '../../../tools/obtain.ts';
import { createProgressRenderer } from '../../../tools/progress.ts';
import { findLeftovers } from '../../cluster/leftovers.ts';
import { findGrafana } from '../../report/grafana.ts';
import { openRun } from '../../report/open.ts';
import { runRegistry } from '../../run/conductor.ts';
import { lockDirectory, type RunDirectory, RunDirectoryError, readRecord, writeRecord } from '../../run/directory.ts';
import type { StageInput } from '../../run/options.ts';
import { RUN_FILES, type RunRecord } from '../../run/record.ts';
import { SERIES_FILE } from '../../run/series_rules.ts';
import { judgeStage, openSeries, reportStage } from '../../run/stages.ts';
import { recheckHistory } from '../../run/stored_history.ts';
import { ruleFiles } from '../../run/systems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, exitCodeOfVerdict } from '../exit_code.ts';
import { widthOf } from '../terminal.ts';
import { verdictTable } from '../verdict_table.ts';

export interface RecheckFlags {
  /** `run`: those that the run had; `current`: those of the working tree. */
  readonly rules: 'run' | 'current';
  readonly json: boolean;
  readonly inconclusive: 'fail' | 'warn';
}

/**
 * Judges again from what is stored; verdict and report are replaced. By the rules of the working tree the result is shown only: what the
 * directory holds stays of one piece with the rules in it.
 */
export async function recheckCommand(
  context: Context,
  word: string | undefined,
  flags: RecheckFlags,
): Promise<ExitCode> {
  return withRun(context, word, async (input) => {
    const isCurrent = flags.rules === 'current';
    const files = await currentRules(context, input);
    const verdict = await judgeStage(isCurrent ? { ...input, rulesFiles: files } : input);
    const record: RunRecord = { ...input.record, verdict };
    if (!isCurrent) {
      writeRecord(input.directory.path, record);
      await reportStage({ ...input, record });
    }
    for (const { text, same } of await recheckHistory(input.directory.path, record, input.signal))
      note(context, same ? text : context.terminal.errColors.yellow(text));
    const exitCode = exitCodeOfVerdict(verdict, flags.inconclusive === 'warn');
    if (flags.json) printJson(context, { exitCode, directory: input.directory.path, record });
    else {
      print(context, verdictTable(record, widthOf(context.terminal.stdout), context.terminal.outColors));
      if (isCurrent)
        print(context, '\njudged by the rules of the working tree; the stored verdict and report are as they were');
      else printReportPath(context, input.directory);
    }
    return exitCode;
  });
}

/** What the working tree has now; how metrics are mapped is in the run only. */
async function currentRules(
  { root, systems }: Context,
  { record, directory }: Pick<StageInput, 'record' | 'directory'>,
): Promise<string[]> {
  const { home = root, files = (await systems.manifest(record.system)).files } = record;
  const series = join(directory.path, RUN_FILES.prometheus, SERIES_FILE);
  return [...ruleFiles(root, home, files.rules), ...(existsSync(series) ? [series] : [])];
}

/** Writes the reports again, e.g. after a dashboard has changed. */
export async function reportCommand(context: Context, word: string | undefined): Promise<ExitCode> {
  return withRun(context, word, async (input) => {
    await reportStage(input);
    printReportPath(context, input.directory);
    return EXIT.pass;
  });
}

export async function openCommand(
  context: Context,
  word: string | undefined,
  flags: { readonly port?: number },
): Promise<ExitCode> {
  return withRun(context, word, async (input) => {
    const opened = await openRun(input.directory.path, {
      signal: input.signal,
      grafana: findGrafana(process.env),
      openData: () => openSeries(input),
      ...(flags.port === undefined ? {} : { port: flags.port }),
    });
    for (const line of opened.lines) print(context, line);
    note(context, 'Ctrl-C ends it.');
    if (!input.signal.aborted)
      await new Promise((resolve) => input.signal.addEventListener('abort', resolve, { once: true }));
    await opened.close();
    return EXIT.pass;
  });
}

/** Finds the run, takes its directory for this process, and obtains what its stored series are read with. */
async function withRun(
  context: Context,
  word: string | undefined,
  work: (input: StageInput) => Promise<ExitCode>,
): Promise<ExitCode> {
  const directory = context.directories.find(word, context.workingDirectory);
  const record = readRecord(directory);
  refuseLeftovers(context, directory);
  const unlock = lockDirectory(directory.path);
  try {
    context.signals.watch(directory.path);
    const { signal } = context.signals;
    const progress = createProgressRenderer(context.terminal.stderr);
    const tools = await obtain(['prometheus'], { signal, onProgress: progress.onProgress });
    progress.end();
    const onProgress = (what: string) => note(context, what);
    const registry = runRegistry(directory);
    return await work({ root: context.root, record, directory, tools, registry, signal, onProgress });
  } finally {
    unlock();
  }
}

/** The registry of a killed run is about to be replaced: its processes must not be forgotten. */
function refuseLeftovers(context: Context, directory: RunDirectory): void {
  const left = findLeftovers(context.directories.base).leftovers.filter(({ runId }) => runId === directory.id);
  if (left.length === 0) return;
  throw new RunDirectoryError(
    'RUN_IN_USE',
    `${left.length} processes of ${directory.id} are left over: \`gameday down --all\` ends them`,
  );
}

function printReportPath(context: Context, directory: RunDirectory): void {
  print(context, `report  ${relative(context.workingDirectory, join(directory.path, RUN_FILES.reportHtml))}`);
}
