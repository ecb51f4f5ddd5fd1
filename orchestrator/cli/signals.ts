/** SIGINT and SIGTERM: the first asks the run to end in order, a second one or the end of patience ends it by force. */
import { join } from 'node:path';
import { signalGroup } from '../cluster/child.ts';
import { isRunning } from '../cluster/identity.ts';
import { readRegistry } from '../cluster/registry.ts';
import { Interruption } from '../run/interruption.ts';
import { RUN_FILES } from '../run/record.ts';
import { EXIT } from './exit_code.ts';

/** An interrupted run ends within seven seconds, whatever hangs. */
const PATIENCE_MS = 6500;

export class SignalWatch {
  readonly #controller = new AbortController();
  readonly #onForce: (message: string) => void;
  #runDirectory: string | undefined;
  readonly #handler = (signal: NodeJS.Signals): void => this.#received(signal as 'SIGINT' | 'SIGTERM');

  constructor(onForce: (message: string) => void) {
    this.#onForce = onForce;
    process.on('SIGINT', this.#handler);
    process.on('SIGTERM', this.#handler);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whose processes are ended when force is needed. */
  watch(runDirectory: string): void {
    this.#runDirectory = runDirectory;
  }

  #received(signal: 'SIGINT' | 'SIGTERM'): void {
    if (this.signal.aborted) this.#force(signal, 'a second signal');
    this.#controller.abort(new Interruption(signal));
    setTimeout(() => this.#force(signal, `it did not end within ${PATIENCE_MS / 1000} s`), PATIENCE_MS).unref();
  }

  #force(signal: 'SIGINT' | 'SIGTERM', why: string): never {
    const registry = this.#runDirectory && readRegistry(join(this.#runDirectory, RUN_FILES.processes));
    for (const child of registry ? registry.processes : []) if (isRunning(child)) signalGroup(child.pid, 'SIGKILL');
    this.#onForce(`ended by force: ${why}; \`gameday down --all\` ends what may be left`);
    process.exit(EXIT[signal]);
  }
}
