import { relative, sep } from 'node:path';
import type { RunDirectories } from '../run/directory.ts';
import type { Systems } from '../run/systems.ts';
import type { ScenarioCatalogue } from '../scenario/catalogue.ts';
import type { SignalWatch } from './signals.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with; made once in `main.ts`. */
export interface Context {
  /** The project's root. */
  readonly root: string;
  readonly workingDirectory: string;
  readonly terminal: Terminal;
  readonly systems: Systems;
  readonly catalogue: ScenarioCatalogue;
  readonly directories: RunDirectories;
  readonly signals: SignalWatch;
}

/** How the program is called from here: in the project npx finds it; elsewhere it would ask the registry for a package of that name. */
export function programName({ root, workingDirectory }: Context): string {
  return `${workingDirectory}${sep}`.startsWith(root + sep) ? 'npx gameday' : 'gameday';
}

/** Lines for stdout: a command's result. */
export function print(context: Context, text: string): void {
  context.terminal.stdout.write(`${text}\n`);
}

/** Lines for stderr: progress, hints, warnings. */
export function note(context: Context, text: string): void {
  context.terminal.stderr.write(`${text}\n`);
}

/** With `--json` the only thing on stdout. */
export function printJson(context: Context, document: unknown): void {
  print(context, JSON.stringify(document, null, 2));
}

/** A word as a shell takes it. */
export function shellWord(text: string): string {
  return /[^\w./@:,+-]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : text;
}

/** A path as a person would write it here. */
export function pathWord(context: Context, path: string): string {
  const inside = relative(context.workingDirectory, path) || '.';
  return shellWord(inside.length < path.length ? inside : path);
}
