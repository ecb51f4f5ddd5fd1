/**
 * What the client measures itself. Names and labels as they arrive in Prometheus are listed in README.md.
 *
 * k6 sends a series only for seconds in which something was added to it, and `rate()` needs two samples in its window: so every
 * series of a counter is touched, with 0, whenever any of them is. Then "no failures" is a rate of 0 and not an absent series.
 */
import { Counter, Gauge, Trend } from 'k6/metrics';
import type { AttemptOutcome } from './operation.ts';
import { ATTEMPT_OUTCOMES } from './operation.ts';

export type OperationKind = 'write' | 'read';
const OPERATION_KINDS: readonly OperationKind[] = ['write', 'read'];

const operations = new Counter('operations');
const operationDuration = new Trend('operation_duration', true);
const attempts = new Counter('attempts');
const clientChecks = new Counter('client_checks');
const staleReads = new Counter('stale_reads');
const repeatedWrites = new Counter('repeated_writes');
const duplicateWrites = new Counter('duplicate_writes');
const plannedOperations = new Gauge('planned_operations');
const iterationsBegun = new Counter('iterations_begun');
const iterationsEnded = new Counter('iterations_ended');
const operationsSucceeded = new Counter('operations_succeeded');
const historyLines = new Counter('history_lines');

export class LoadMetrics {
  readonly #planned: number;

  constructor(planned: number) {
    this.#planned = planned;
  }

  /** Makes every series exist, at 0, before the first operation. */
  initialise(nodes: number): void {
    for (const operation of OPERATION_KINDS) {
      for (const outcome of ['ok', 'failed']) operations.add(0, { operation, outcome });
    }
    for (let node = 0; node < nodes; node += 1) {
      for (const outcome of ATTEMPT_OUTCOMES) attempts.add(0, { node: String(node), outcome });
    }
    this.#touchChecks();
    plannedOperations.add(this.#planned);
  }

  /**
   * Runs one iteration. One that k6 cut off, or that failed in the script, begins and does not end: what it did is not in the
   * history, which then proves nothing (orchestrator/run/checkers).
   */
  iteration(run: () => void): void {
    iterationsBegun.add(1);
    run();
    iterationsEnded.add(1);
  }

  /** @param seconds from the first attempt to the answer, or to giving up: a failed operation counts with the time it took */
  operation(operation: OperationKind, ok: boolean, seconds: number): void {
    for (const kind of OPERATION_KINDS) {
      operations.add(kind === operation && ok ? 1 : 0, { operation: kind, outcome: 'ok' });
      operations.add(kind === operation && !ok ? 1 : 0, { operation: kind, outcome: 'failed' });
    }
    operationDuration.add(seconds * 1000, { operation });
    operationsSucceeded.add(ok ? 1 : 0);
    this.#touchChecks();
    plannedOperations.add(this.#planned);
  }

  attempt(node: number, outcome: AttemptOutcome): void {
    for (const one of ATTEMPT_OUTCOMES) attempts.add(one === outcome ? 1 : 0, { node: String(node), outcome: one });
  }

  /** A line was written to the history. With the counter before, it shows what the file lacks (orchestrator/run/checkers). */
  recorded(): void {
    historyLines.add(1);
  }

  /** An acknowledged write was looked for by a later linearizable read. */
  check(visible: boolean): void {
    clientChecks.add(1);
    staleReads.add(visible ? 0 : 1);
  }

  /** An acknowledged write was sent again with its idempotency key, and answered. */
  repeated(once: boolean): void {
    repeatedWrites.add(1);
    duplicateWrites.add(once ? 0 : 1);
  }

  #touchChecks(): void {
    for (const counter of [clientChecks, staleReads, repeatedWrites, duplicateWrites]) counter.add(0);
  }
}
