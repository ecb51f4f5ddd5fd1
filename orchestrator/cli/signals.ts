/**
 * SIGINT, SIGTERM and SIGHUP: the first asks the run to end in order, a second one or the end of patience ends it by force. So
 * does a mistake in the program: no child outlives this process unless it is killed outright.
 */
import { join } from 'node:path';
import { signalGroup } from '../cluster/child.ts';
import { isRunning } from '../cluster/identity.ts';
import { readRegistry } from '../cluster/registry.ts';
import { INTERRUPTIONS, Interruption, type InterruptionSignal } from '../run/interruption.ts';
import { RUN_FILES } from '../run/record.ts';
import { EXIT } from './exit_code.ts';

/** An interrupted run ends within seven seconds, whatever hangs. */
const PATIENCE_MS = 6500;
/** One wish may arrive several times: supervisors signal a whole group, and npm and the launcher pass on what they get. */
const ECHO_MS = 500;
/** How often this process looks whether its launcher is still there. */
const LAUNCHER_CHECK_MS = 500;

export class SignalWatch {
  readonly #controller = new AbortController();
  readonly #onForce: (message: string) => void;
  #runDirectory: string | undefined;
  #firstAt = 0;

  constructor(onForce: (message: string) => void) {
    this.#onForce = onForce;
    for (const signal of INTERRUPTIONS) process.on(signal, () => this.#received(signal));
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whose processes are ended when force is needed. */
  watch(runDirectory: string): void {
    this.#runDirectory = runDirectory;
  }

  /** Whoever waits for this process waits for its launcher: one that was killed is an interruption, too. */
  followLauncher(pid: number): void {
    const timer = setInterval(() => {
      if (process.ppid === pid) return;
      clearInterval(timer);
      this.#received('SIGTERM');
    }, LAUNCHER_CHECK_MS);
    timer.unref();
  }

  /** For a mistake in the program: nobody is left who could end the children. */
  endChildren(): void {
    const registry = this.#runDirectory && readRegistry(join(this.#runDirectory, RUN_FILES.processes));
    for (const child of registry ? registry.processes : []) if (isRunning(child)) signalGroup(child.pid, 'SIGKILL');
  }

  #received(signal: InterruptionSignal): void {
    if (this.signal.aborted) {
      if (performance.now() - this.#firstAt > ECHO_MS) this.#force(signal, 'a second signal');
      return;
    }
    this.#firstAt = performance.now();
    this.#controller.abort(new Interruption(signal));
    setTimeout(() => this.#force(signal, `it did not end within ${PATIENCE_MS / 1000} s`), PATIENCE_MS).unref();
  }

  #force(signal: InterruptionSignal, why: string): never {
    this.endChildren();
    this.#onForce(`ended by force: ${why}; \`gameday down --all\` ends what may be left`);
    process.exit(EXIT[signal]);
  }
}
