/** What `--json` puts on stdout when a command could not do its work: still one document. */
import { CommanderError } from 'commander';
import { type Problem, ScenarioError } from '../scenario/problems.ts';
import type { ExitCode } from './exit_code.ts';

export interface ErrorDocument {
  readonly exitCode: ExitCode;
  readonly error: {
    readonly code: string;
    readonly message: string;
    /** Of a scenario file, each with its place. */
    readonly problems?: readonly Problem[];
  };
}

export function errorDocument(error: unknown, exitCode: ExitCode): ErrorDocument {
  const { code, message } = (error instanceof Error ? error : new Error(String(error))) as Error & { code?: unknown };
  return {
    exitCode,
    error: {
      code: error instanceof CommanderError ? 'USAGE' : typeof code === 'string' ? code : 'INTERNAL',
      message: message.replace(/^error: /, ''),
      ...(error instanceof ScenarioError ? { problems: error.problems } : {}),
    },
  };
}
