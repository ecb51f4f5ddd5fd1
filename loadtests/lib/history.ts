/**
 * What the clients saw, one line for each operation, for the checkers. k6 writes the console to a file of the run directory
 * (`--console-output history/<segment>.ndjson --log-format raw`): each line whole, in one write, before the next operation of
 * that virtual user begins, so that a k6 that is killed loses only what had no answer yet.
 *
 * ```
 * {"header":{"version":1,"segment":0,"runId":"…"}}
 * {"process":12,"operation":"update","key":"<id>","value":"…","start":ms,"end":ms,"outcome":"ok","node":1}
 * {"clockStep":{"process":12,"at":ms,"milliseconds":-812}}
 * ```
 *
 * Pure: the clocks and the way out are given, so that it is tested without k6.
 */
import type { OperationResult, Reply } from './operation.ts';

export type RegisterOperation = 'create' | 'update' | 'delete' | 'read';

/** `absent`: the entry was not there, which is an observation. `unknown`: nobody knows whether it happened; open for ever. */
export type RegisterOutcome = 'ok' | 'absent' | 'unknown';

/** One operation before it is known when it was. */
export interface Observation {
  readonly operation: RegisterOperation;
  /** Id of the entry; null for a create that was not answered. */
  readonly key: string | null;
  /** What was written, or what was read. */
  readonly value: string | null;
  readonly outcome: RegisterOutcome;
}

export interface HistoryClocks {
  /** Milliseconds since the epoch, whole ones. */
  readonly wall: () => number;
  /** Milliseconds since any fixed moment, on a clock that never jumps; `null` in setup(), where k6 has none. */
  readonly monotonic: () => number | null;
}

export interface HistoryOptions {
  /** The virtual user: a sequential client. */
  readonly process: number;
  readonly clocks: HistoryClocks;
  /** Writes one line. */
  readonly write: (line: string) => void;
}

/** The wall clock may run away from the monotonic one by so much between two looks before it counts as a step … */
const CLOCK_STEP_MS = 5;
/** … and by this share of the time between them: a kernel that sets a clock right by slewing it does at most half of that. */
const CLOCK_SLEW = 0.001;
/** A look at both clocks that was interrupted for longer says nothing about either. */
const LOOK_MS_MAX = 2;

export class History {
  readonly #options: HistoryOptions;
  /** Wall minus monotonic lies within these bounds; null before the first look. */
  #offset: { readonly from: number; readonly to: number; readonly at: number } | null = null;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The first line of a file. */
  begin(runId: string, segment: number): void {
    this.#options.write(JSON.stringify({ header: { version: 1, segment, runId } }));
  }

  /**
   * Runs one operation, and records what was observed of it. Both ends are truncated to milliseconds, so the end is one later.
   * @param observe null when nothing was observed and nothing can have happened: a definite refusal is no operation
   */
  run<R extends Reply>(perform: () => OperationResult<R>, observe: (result: OperationResult<R>) => Observation | null) {
    const { process, clocks, write } = this.#options;
    // Once an operation is enough: a step between two of them shows at the end of the second.
    if (this.#offset === null) this.#watchClock();
    const start = clocks.wall();
    const result = perform();
    const end = clocks.wall() + 1;
    this.#watchClock();
    const observation = observe(result);
    if (observation !== null) {
      const { operation, key, value, outcome } = observation;
      const known = outcome === 'unknown' ? null : end;
      write(JSON.stringify({ process, operation, key, value, start, end: known, outcome, node: result.node }));
    }
    return result;
  }

  #watchClock(): void {
    const { process, clocks, write } = this.#options;
    const before = clocks.monotonic();
    const at = clocks.wall();
    const after = clocks.monotonic();
    if (before === null || after === null || after - before > LOOK_MS_MAX) return;
    const offset = { from: at - after, to: at + 1 - before, at: after };
    const last = this.#offset;
    this.#offset = offset;
    if (last === null) return;
    const milliseconds = offset.from > last.to ? offset.from - last.to : Math.min(0, offset.to - last.from);
    const allowed = CLOCK_STEP_MS + CLOCK_SLEW * (after - last.at);
    if (Math.abs(milliseconds) > allowed) write(JSON.stringify({ clockStep: { process, at, milliseconds } }));
  }
}

const NOT_FOUND = 404;

/** @param written what was to be written; null for a delete @param key null for a create: its answer has the id */
export function writeObservation(
  operation: 'create' | 'update' | 'delete',
  key: string | null,
  written: string | null,
  result: OperationResult<Reply>,
): Observation | null {
  const { status } = result.reply;
  const answered = status >= 200 && status < 300;
  if (answered && (operation !== 'create' || key !== null)) return { operation, key, value: written, outcome: 'ok' };
  if (status === NOT_FOUND && operation !== 'create') {
    // An earlier attempt that got no answer may have deleted it, and then this one came too late to see that.
    if (operation === 'delete') return { operation, key, value: null, outcome: result.uncertain ? 'ok' : 'absent' };
    if (!result.uncertain) return { operation, key, value: null, outcome: 'absent' };
  }
  // A create that was answered without an id was executed all the same.
  return answered || result.uncertain ? { operation, key, value: written, outcome: 'unknown' } : null;
}

/** @param value what the answer holds; null when it holds no entry. A read without an answer has no effect: it is not recorded. */
export function readObservation(key: string, value: string | null, result: OperationResult<Reply>): Observation | null {
  if (result.reply.status === NOT_FOUND) return { operation: 'read', key, value: null, outcome: 'absent' };
  return value === null ? null : { operation: 'read', key, value, outcome: 'ok' };
}
