/** Runs k6 on one load script and follows it by its REST API. */
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Child, ChildOptions, ExitStatus } from '../cluster/child.ts';

export interface LoadOptions {
  /** k6's binary. */
  readonly binary: string;
  /** Absolute path of the script. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly summaryFile: string;
  readonly logFile: string;
  /** Where the script's console goes: the history of all operations. */
  readonly historyFile: string;
  /** A free port for its REST API. */
  readonly apiPort: number;
  readonly spawn: (options: ChildOptions) => Promise<Child>;
}

export interface LoadProgress {
  /** Operations finished since the start. */
  readonly operations: number;
}

/** k6 could not do its work: the exit code is not 0 and says nothing about the system under test. */
export class LoadError extends Error {
  readonly code = 'LOAD_FAILED';
  readonly exitCode: number | null;
  constructor(message: string, exitCode: number | null) {
    super(message);
    this.name = 'LoadError';
    this.exitCode = exitCode;
  }
}

/** From k6's `errext/exitcodes`. */
const THRESHOLDS_CROSSED = 99;
/** Names the Prometheus that receives what k6 measures; without it k6 has its summary only. */
const REMOTE_WRITE_URL = 'K6_PROMETHEUS_RW_SERVER_URL';
/** k6's execution status from which iterations run; 6 is setup(). */
const STATUS_RUNNING = 7;
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 25;
const ANSWER_TIMEOUT_MS = 1000;

/** True when k6 did its work and found the system wanting; false when it found nothing; throws `LoadError` otherwise. */
export function thresholdsCrossed(status: ExitStatus, logTail: string): boolean {
  if (status.code === 0) return false;
  if (status.code === THRESHOLDS_CROSSED) return true;
  const how = status.signal ? `was ended by ${status.signal}` : `exited with code ${status.code}`;
  throw new LoadError(`k6 ${how}; the end of its log:\n${logTail}`, status.code);
}

export class K6 {
  readonly #child: Child;
  readonly #api: string;
  readonly #logFile: string;

  private constructor(child: Child, api: string, logFile: string) {
    this.#child = child;
    this.#api = api;
    this.#logFile = logFile;
  }

  static async start(options: LoadOptions): Promise<K6> {
    const address = `127.0.0.1:${options.apiPort}`;
    const words = [
      ...['run', '--quiet', '--no-color', '--no-usage-report', '--address', address],
      ...(REMOTE_WRITE_URL in options.environment ? ['--out', 'experimental-prometheus-rw'] : []),
      ...['--summary-export', options.summaryFile],
      // Raw, since the console would otherwise be wrapped in k6's log lines; k6's own log loses its levels by that.
      ...['--console-output', options.historyFile, '--log-format', 'raw'],
      options.script,
    ];
    const { environment, workingDirectory, logFile, binary, spawn } = options;
    const child = await spawn({
      name: 'k6',
      command: binary,
      arguments: words,
      environment,
      workingDirectory,
      logFile,
    });
    return new K6(child, `http://${address}`, logFile);
  }

  /** Resolves with the time (epoch ms) at which iterations began; rejects with `LoadError` when k6 ends before. */
  async running(signal: AbortSignal): Promise<number> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      signal.throwIfAborted();
      if (this.#child.status) {
        thresholdsCrossed(this.#child.status, this.logTail());
        throw new LoadError(
          `k6 ended before it ran an iteration; the end of its log:\n${this.logTail()}`,
          this.#child.status.code,
        );
      }
      const status = await this.#status();
      if (status !== undefined && status >= STATUS_RUNNING) return Date.now();
      if (performance.now() > deadline) {
        throw new LoadError(
          `k6 has not started after ${START_TIMEOUT_MS / 1000} s; the end of its log:\n${this.logTail()}`,
          null,
        );
      }
      await delay(POLL_MS);
    }
  }

  get exited(): Promise<ExitStatus> {
    return this.#child.exited;
  }

  /** Undefined when k6 does not answer, as when it has ended. */
  async progress(): Promise<LoadProgress | undefined> {
    const answer = (await this.#get('/v1/metrics/iterations')) as
      | { data?: { attributes?: { sample?: { count?: number } } } }
      | undefined;
    const operations = answer?.data?.attributes?.sample?.count;
    return operations === undefined ? undefined : { operations };
  }

  /** Lets it stand still until the returned function is called. What should have begun meanwhile begins then, all at once. */
  pause(): () => Promise<void> {
    this.#child.signal('SIGSTOP');
    return async () => this.#child.signal('SIGCONT');
  }

  /** SIGTERM lets k6 write its summary; SIGKILL follows after `graceMs`. */
  async stop(graceMs: number): Promise<ExitStatus> {
    return this.#child.stop(graceMs);
  }

  logTail(): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  }

  async #status(): Promise<number | undefined> {
    const answer = (await this.#get('/v1/status')) as { data?: { attributes?: { status?: number } } } | undefined;
    return answer?.data?.attributes?.status;
  }

  async #get(path: string): Promise<unknown> {
    return new Promise((resolve) => {
      const request = get(this.#api + path, { agent: false, timeout: ANSWER_TIMEOUT_MS }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
        });
        response.once('end', () => resolve(parsed(body)));
        response.once('error', () => resolve(undefined));
      });
      request.once('timeout', () => request.destroy());
      request.once('error', () => resolve(undefined));
    });
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
