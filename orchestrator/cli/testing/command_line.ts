/** A command line in this process, as `main.ts` runs it. */
import { resolve } from 'node:path';
import { RunDirectories } from '../../run/directory.ts';
import { Systems } from '../../run/systems.ts';
import { ScenarioCatalogue } from '../../scenario/catalogue.ts';
import { exitCodeOfError } from '../exit_code.ts';
import { createProgram } from '../program.ts';
import type { SignalWatch } from '../signals.ts';
import { createTerminal } from '../terminal.ts';

export const root = resolve(import.meta.dirname, '../../..');

export interface Place {
  /** The project's root unless given. */
  readonly workingDirectory?: string;
  /** In place of `.gameday`; one that does not exist unless given. */
  readonly base?: string;
  readonly signal?: AbortSignal;
}

/** @returns exit code −1 when the command ended without one */
export async function commandLine(
  words: readonly string[],
  {
    workingDirectory = root,
    base = resolve(root, '.gameday/nowhere'),
    signal = new AbortController().signal,
  }: Place = {},
) {
  const out = { code: -1, stdout: '', stderr: '' };
  const write = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (out[name] += text) });
  const context = {
    ...{ root, workingDirectory, terminal: createTerminal(write('stdout'), write('stderr'), {}) },
    systems: await Systems.project(root),
    catalogue: new ScenarioCatalogue(root),
    directories: new RunDirectories(base),
    signals: { signal, watch: () => undefined } as unknown as SignalWatch,
  };
  const program = createProgram(context, '1.2.3', (code) => Object.assign(out, { code }));
  await program.parseAsync(['node', 'gameday', ...words]).catch((error: unknown) => {
    out.code = exitCodeOfError(error);
    out.stderr += (error as Error).message;
  });
  return out;
}
