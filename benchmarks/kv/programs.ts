/** The programs that a benchmark runs to their end beside the nodes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Child, type ChildOptions } from '../../orchestrator/cluster/child.ts';
import type { ProcessRegistry } from '../../orchestrator/cluster/registry.ts';

const STOP_MS = 1000;
const LOG_LINES = 15;

export class Programs {
  /** k6's binary. */
  readonly k6: string;
  /** Ends the benchmark. */
  readonly signal: AbortSignal;
  readonly #root: string;
  readonly #registry: ProcessRegistry;

  constructor(given: {
    readonly k6: string;
    readonly root: string;
    readonly registry: ProcessRegistry;
    readonly signal: AbortSignal;
  }) {
    this.k6 = given.k6;
    this.#root = given.root;
    this.#registry = given.registry;
    this.signal = given.signal;
  }

  /** Absolute path of a load script. */
  script(name: string): string {
    return join(this.#root, 'loadtests', name);
  }

  /** Resolves when it has ended with code 0; rejects with the end of its log otherwise, and ends it when the benchmark is ended. */
  async run(options: Omit<ChildOptions, 'workingDirectory'>): Promise<void> {
    this.signal.throwIfAborted();
    const child = await Child.start({ ...options, workingDirectory: this.#root }, this.#registry);
    const end = () => void child.stop(STOP_MS);
    this.signal.addEventListener('abort', end, { once: true });
    const { code, signal } = await child.exited;
    this.signal.removeEventListener('abort', end);
    this.signal.throwIfAborted();
    if (code === 0) return;
    throw new Error(
      `${options.name} ${signal ? `was ended by ${signal}` : `exited with code ${code}`}:\n${logTail(options.logFile)}`,
    );
  }
}

export function logTail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n');
}
