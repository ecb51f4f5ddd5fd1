/** Starts and stops a real Prometheus: one that watches a run, or one that judges what a run has stored. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PromApi } from './api.ts';
import { VerdictError } from './errors.ts';

export interface PrometheusOptions {
  /** Path of the executable. */
  readonly binary: string;
  /** Where the TSDB is or will be. */
  readonly directory: string;
  readonly configFile: string;
  /** On 127.0.0.1; left out, the system chooses a free one. */
  readonly port?: number;
  readonly logFile: string;
  /** `run` scrapes and evaluates as its configuration says; for `judge` use a configuration without either (judgeConfiguration). */
  readonly mode: 'run' | 'judge';
  /** Aborting stops the process. */
  readonly signal?: AbortSignal;
  /** Default 30 s: replaying a long write-ahead log takes a while. */
  readonly readyTimeoutMs?: number;
  /** On top of this process' own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Told the process id as soon as there is one. */
  readonly onProcess?: (pid: number) => void;
}

export interface Prometheus {
  /** Base URL, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly pid: number;
  readonly api: PromApi;
  /** SIGTERM, and SIGKILL after the time-out (default 10 s). Answers how it ended; calling it again is harmless. */
  stop(timeoutMs?: number): Promise<'clean' | 'killed'>;
  /** Whether the process is gone, stopped or not. */
  hasEnded(): boolean;
}

/** For a judge: no scrapes, no rules, and samples of any age are accepted, since it writes recomputed series into the past. */
export function judgeConfiguration(): string {
  return 'global: {}\nstorage:\n  tsdb:\n    out_of_order_time_window: 3650d\n';
}

/** Both modes must look back equally far, otherwise the judge would see stale values that the run did not, or the reverse. */
const LOOKBACK = '5m';

/**
 * Series of days would be made into blocks two hours long while they are judged, and a query that runs just then finds chunks gone that
 * it has begun to read ("head chunk file does not exist"). What a judge holds is held for moments: it stays as it is.
 */
const JUDGE_FLAGS = [
  '--query.timeout=1m',
  '--storage.tsdb.min-block-duration=365d',
  '--storage.tsdb.max-block-duration=365d',
];

function commandLine(options: PrometheusOptions): string[] {
  return [
    `--config.file=${options.configFile}`,
    `--storage.tsdb.path=${options.directory}`,
    // A run is judged again whenever somebody asks; nothing may expire.
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${options.port ?? 0}`,
    '--web.enable-remote-write-receiver',
    '--enable-feature=exemplar-storage',
    `--query.lookback-delta=${LOOKBACK}`,
    // Five seconds by default, which a run would wait for its first scrape.
    '--scrape.discovery-reload-interval=500ms',
    // A minute by default; whoever sends a copy elsewhere has waited for it before.
    '--storage.remote.flush-deadline=1s',
    ...(options.mode === 'judge' ? JUDGE_FLAGS : []),
  ];
}

/**
 * Starts Prometheus and waits until it serves. The process gets a session of its own, so that Ctrl-C in a terminal reaches only the
 * orchestrator, which stops it in order. Throws VerdictError PORT_IN_USE, PROMETHEUS_NOT_STARTED, TSDB_CORRUPT or ABORTED.
 */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  options.signal?.throwIfAborted();
  await mkdir(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'w');
  const child = spawn(options.binary, commandLine(options), {
    stdio: ['ignore', log, log],
    detached: true,
    env: { ...process.env, ...options.environment },
  });
  closeSync(log);
  if (child.pid !== undefined) options.onProcess?.(child.pid);
  const running = new PrometheusProcess(child);
  const abort = (): void => void running.stop();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    const url = await running.ready(options);
    const api = new PromApi(url);
    const stop = async (timeoutMs?: number): Promise<'clean' | 'killed'> => {
      options.signal?.removeEventListener('abort', abort);
      await api.close();
      return running.stop(timeoutMs);
    };
    return { url, pid: child.pid ?? -1, api, stop, hasEnded: () => running.hasEnded };
  } catch (error) {
    options.signal?.removeEventListener('abort', abort);
    await running.stop();
    throw error;
  }
}

/** The child, from its start to its end. */
class PrometheusProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #failure: Error | null = null;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
    });
  }

  /** Waits for the address in the log and then for readiness (the write-ahead log is replayed). */
  async ready(options: PrometheusOptions): Promise<string> {
    const deadline = performance.now() + (options.readyTimeoutMs ?? 30_000);
    let url: string | null = null;
    for (;;) {
      if (options.signal?.aborted === true) throw new VerdictError('ABORTED', 'stopped while Prometheus was starting');
      if (this.hasEnded) throw await this.#startFailure(options);
      url ??= listeningUrl(await readFile(options.logFile, 'utf8'));
      if (url !== null && (await answers(`${url}/-/ready`))) return url;
      if (performance.now() > deadline) {
        throw new VerdictError('PROMETHEUS_NOT_STARTED', `Prometheus was not ready in time: see ${options.logFile}`);
      }
      await delay(15);
    }
  }

  async stop(timeoutMs = 10_000): Promise<'clean' | 'killed'> {
    if (this.hasEnded) return 'clean';
    this.#child.kill('SIGTERM');
    const kill = new AbortController();
    const timer = delay(timeoutMs, 'late' as const, { signal: kill.signal }).catch(() => 'late' as const);
    const outcome = await Promise.race([this.#exited.then(() => 'exited' as const), timer]);
    kill.abort();
    if (outcome === 'exited') return 'clean';
    this.#child.kill('SIGKILL');
    await this.#exited;
    return 'killed';
  }

  get hasEnded(): boolean {
    return this.#failure !== null || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #startFailure(options: PrometheusOptions): Promise<VerdictError> {
    if (this.#failure !== null) {
      return new VerdictError(
        'PROMETHEUS_NOT_STARTED',
        `cannot run ${options.binary}: ${this.#failure.message} (\`gameday doctor\` shows the tools)`,
      );
    }
    const log = await readFile(options.logFile, 'utf8');
    if (/address already in use/.test(log)) {
      return new VerdictError(
        'PORT_IN_USE',
        `port ${options.port} on 127.0.0.1 is taken: stop what listens there, or leave the port out to get a free one`,
      );
    }
    if (/lock DB directory/.test(log)) {
      return new VerdictError(
        'PROMETHEUS_NOT_STARTED',
        `another Prometheus has ${options.directory} open: stop it first (\`gameday down --all\`)`,
      );
    }
    const last =
      log
        .trimEnd()
        .split('\n')
        .filter((line) => /level=(ERROR|WARN)|panic|error/i.test(line))
        .at(-1) ??
      log.trimEnd().split('\n').at(-1) ??
      '';
    const corrupt = /Opening storage failed|Fail to open|corrupt/i.test(last);
    const what = corrupt
      ? `the stored data in ${options.directory} cannot be opened`
      : `Prometheus ended with code ${this.#child.exitCode ?? this.#child.signalCode}`;
    return new VerdictError(
      corrupt ? 'TSDB_CORRUPT' : 'PROMETHEUS_NOT_STARTED',
      `${what}: ${last} (log: ${options.logFile})`,
    );
  }
}

/** The exporter-toolkit logs the address it really listens on, which is the only way to learn a port chosen by the system. */
export function listeningUrl(log: string): string | null {
  const match = /msg="Listening on".*address=(\S+)/.exec(log);
  return match === null ? null : `http://${match[1]}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
