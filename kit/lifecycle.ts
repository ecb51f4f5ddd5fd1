import type { EventEmitter } from 'node:events';
import { constants } from 'node:os';
import type { Logger } from './logger.ts';

/** What the lifecycle needs of `process`; tests give their own. */
export interface Host extends Pick<EventEmitter, 'on'> {
  exit(code: number): void;
}

export interface LifecycleOptions {
  readonly logger: Logger;
  /** Most time for an orderly end; when it is over the process exits with 1. */
  readonly timeoutMs: number;
  /** The process itself unless a test says otherwise. */
  readonly host?: Host;
}

interface Part {
  readonly name: string;
  close(): Promise<unknown> | unknown;
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * From a signal to the end of the process: what was opened is closed in reverse order, so that the HTTP application, opened last,
 * drains first while the node under it still works. Exit codes: 0 in order, 1 when closing failed or took too long or after an
 * unhandled error, 128 + signal number when a second signal came.
 */
export class Lifecycle {
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #host: Host;
  readonly #parts: Part[] = [];
  #stopping = false;

  constructor({ logger, timeoutMs, host = process }: LifecycleOptions) {
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
    this.#host = host;
    for (const signal of SIGNALS) host.on(signal, () => this.#onSignal(signal));
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      host.on(event, (error: unknown) => this.#onBug(event, error));
    }
  }

  /** Something that must be closed at the end; the latest comes first. */
  opened(name: string, close: Part['close']): void {
    this.#parts.push({ name, close });
  }

  /** Closes everything and exits; does nothing when that is already under way. */
  async stop(reason: string, exitCode = 0): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#logger.info({ reason }, 'stopping');
    let current = 'nothing';
    const timer = setTimeout(() => {
      this.#logger.fatal({ closing: current, timeout_ms: this.#timeoutMs }, 'not closed in time');
      this.#host.exit(1);
    }, this.#timeoutMs);
    let failed = false;
    for (const part of this.#parts.toReversed()) {
      current = part.name;
      try {
        await part.close();
      } catch (error) {
        failed = true;
        this.#logger.error({ err: error, closing: part.name }, 'could not be closed');
      }
    }
    clearTimeout(timer);
    this.#logger.info('stopped');
    this.#host.exit(failed ? 1 : exitCode);
  }

  #onSignal(signal: (typeof SIGNALS)[number]): void {
    if (!this.#stopping) return void this.stop(signal);
    this.#logger.fatal({ signal }, 'second signal: exiting at once');
    this.#host.exit(128 + constants.signals[signal]);
  }

  /** After a bug nobody knows what state the process is in: it ends at once, as if it had crashed, which nodes survive by design. */
  #onBug(event: string, error: unknown): void {
    this.#logger.fatal({ err: error, event }, 'unhandled error');
    this.#host.exit(1);
  }
}
