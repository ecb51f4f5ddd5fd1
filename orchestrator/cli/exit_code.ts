/** Exit codes, the same for every command. */
import { CommanderError } from 'commander';
import { Interruption } from '../run/interruption.ts';
import type { RunRecord } from '../run/record.ts';
import type { Verdict } from '../verdict/types.ts';

export const EXIT = {
  pass: 0,
  fail: 1,
  usage: 2,
  inconclusive: 3,
  couldNotRun: 4,
  SIGHUP: 129,
  SIGINT: 130,
  SIGTERM: 143,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Codes of errors that a person makes: a wrong name, a wrong file, a wrong directory. */
const USAGE_CODES: readonly string[] = [
  'SCENARIO_INVALID',
  'SCENARIO_UNKNOWN',
  'SYSTEM_UNKNOWN',
  'MANIFEST_INVALID',
  'RUN_UNKNOWN',
  'RUN_FOREIGN',
  'RUN_DIRECTORY_FOREIGN',
  'RUN_INCOMPLETE',
  'USAGE',
];

/** `warnInconclusive` turns inconclusive into success (`--inconclusive=warn`). */
export function exitCodeOfRun(record: RunRecord, warnInconclusive: boolean): ExitCode {
  if (record.interrupted) return EXIT[record.interrupted.signal];
  if (record.error || record.verdict === undefined) return EXIT.couldNotRun;
  return exitCodeOfVerdict(record.verdict, warnInconclusive);
}

/** Of a judgement alone, whatever became of the run: a run that was interrupted long ago is inconclusive, and nothing is interrupted now. */
export function exitCodeOfVerdict({ result }: Verdict, warnInconclusive: boolean): ExitCode {
  if (result === 'inconclusive') return warnInconclusive ? EXIT.pass : EXIT.inconclusive;
  return result === 'fail' ? EXIT.fail : EXIT.pass;
}

/** Of several runs: what needs attention first. */
export function worstExitCode(codes: readonly ExitCode[]): ExitCode {
  const order: readonly ExitCode[] = [
    EXIT.SIGHUP,
    EXIT.SIGINT,
    EXIT.SIGTERM,
    EXIT.fail,
    EXIT.couldNotRun,
    EXIT.usage,
    EXIT.inconclusive,
  ];
  return order.find((code) => codes.includes(code)) ?? EXIT.pass;
}

export function exitCodeOfError(error: unknown): ExitCode {
  if (error instanceof Interruption) return EXIT[error.signal];
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.pass : EXIT.usage;
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === 'string' && USAGE_CODES.includes(code) ? EXIT.usage : EXIT.couldNotRun;
}

/** A mistake on the command line that commander cannot see. */
export class UsageError extends Error {
  readonly code = 'USAGE';
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
