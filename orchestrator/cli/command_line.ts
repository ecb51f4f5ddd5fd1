/** Runs one command line: the only place that reads the environment, handles signals and decides the exit code. */
import { join, resolve } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { RunDirectories } from '../run/directory.ts';
import { PROJECT_ROOT, projectVersion } from '../run/project.ts';
import { Systems } from '../run/systems.ts';
import { ScenarioCatalogue } from '../scenario/catalogue.ts';
import type { Context } from './context.ts';
import { errorDocument } from './error_document.ts';
import { EXIT, type ExitCode, exitCodeOfError } from './exit_code.ts';
import { SignalWatch } from './signals.ts';
import { createTerminal, type Terminal } from './terminal.ts';

/** Set by bin/handover.mjs: the process that stands in for this one. */
const LAUNCHER_VARIABLE = 'GAMEDAY_LAUNCHER';

/** A program's commands; `done` receives the exit code of the one that ran. */
export type CreateProgram = (
  context: Context,
  version: string,
  done: (code: ExitCode) => void,
  environment: NodeJS.ProcessEnv,
) => Command;

export async function runCommandLine(createProgram: CreateProgram): Promise<ExitCode> {
  const terminal = createTerminal(process.stdout, process.stderr, process.env);
  const signals = new SignalWatch((message) => terminal.stderr.write(`\n${message}\n`));
  guard(terminal, signals);
  let exitCode: ExitCode = EXIT.pass;
  const context = {
    ...{ root: PROJECT_ROOT, workingDirectory: process.cwd(), terminal, signals },
    systems: await Systems.project(PROJECT_ROOT),
    catalogue: new ScenarioCatalogue(PROJECT_ROOT),
    directories: new RunDirectories(resolve(process.env.GAMEDAY_DIRECTORY || join(PROJECT_ROOT, '.gameday'))),
  };
  const done = (code: ExitCode) => {
    exitCode = code;
  };
  const program = createProgram(context, projectVersion(PROJECT_ROOT), done, process.env);
  try {
    if (process.argv.length <= 2) program.outputHelp();
    else await program.parseAsync(process.argv);
    return exitCode;
  } catch (error) {
    // Commander has written its own message.
    if (!(error instanceof CommanderError)) terminal.stderr.write(`${terminal.errColors.red(describe(error))}\n`);
    const code = exitCodeOfError(error);
    // No command throws after it has printed its document.
    if (process.argv.includes('--json') && code !== EXIT.pass)
      terminal.stdout.write(`${JSON.stringify(errorDocument(error, code), null, 2)}\n`);
    return code;
  }
}

/** What would end this process at once, and leave a run's children behind. */
function guard(terminal: Terminal, signals: SignalWatch): void {
  // A reader that goes away (`| head`, a closed terminal) loses lines, nothing else.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', (error) => {
    signals.endChildren();
    terminal.stderr.write(`\n${terminal.errColors.red(describe(error))}\n`);
    process.exit(EXIT.couldNotRun);
  });
  const launcher = Number(process.env[LAUNCHER_VARIABLE]);
  delete process.env[LAUNCHER_VARIABLE];
  // The variable may come from further up, where it meant another process.
  if (launcher === process.ppid) signals.followLauncher(launcher);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = typeof (error as { readonly code?: unknown }).code === 'string';
  return expected ? error.message : (error.stack ?? error.message);
}
