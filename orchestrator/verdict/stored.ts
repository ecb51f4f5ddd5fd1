/** Opens what a run has stored, for reading, without changing it. */
import { rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RUN_FILES } from '../run/record.ts';
import type { PromApi } from './api.ts';
import { judgeConfiguration, startPrometheus } from './prometheus.ts';
import { checkStore, checkUndamaged, cloneStore } from './store.ts';

export interface StoredOptions {
  /** Path of the Prometheus executable. */
  readonly binary: string;
  readonly runDirectory: string;
  /** Its log ends up as `logs/<name>.log` of the run; after a failure it keeps the name that the message shows. */
  readonly name: string;
  readonly signal?: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onProcess?: (pid: number) => void;
}

export interface StoredSeries {
  readonly url: string;
  readonly api: PromApi;
  /** Ends Prometheus and removes the clone; nothing is lost, since the clone is thrown away. */
  stop(): Promise<void>;
}

/**
 * Starts a Prometheus on a clone of the run's series, which neither scrapes nor evaluates rules. Throws VerdictError when the series
 * are missing or damaged, or Prometheus does not start; then neither process nor clone is left.
 */
export async function openStoredSeries(options: StoredOptions): Promise<StoredSeries> {
  const { runDirectory, name, binary, signal, environment, onProcess } = options;
  const stored = join(runDirectory, RUN_FILES.tsdb);
  await checkStore(stored);
  const clone = await cloneStore(stored);
  // Of its own while it runs: two judges at once must not read each other's address in one log.
  const logFile = join(runDirectory, RUN_FILES.logs, `${name}${basename(clone.path)}.log`);
  try {
    const configFile = join(clone.path, 'prometheus.yml');
    await writeFile(configFile, judgeConfiguration());
    const prometheus = await startPrometheus({
      ...{ binary, configFile, logFile, mode: 'judge' as const, directory: join(clone.path, 'tsdb') },
      ...(signal === undefined ? {} : { signal }),
      ...(environment === undefined ? {} : { environment }),
      ...(onProcess === undefined ? {} : { onProcess }),
    });
    const stop = async (): Promise<void> => {
      await prometheus.stop(0);
      await rename(logFile, join(runDirectory, RUN_FILES.logs, `${name}.log`));
      await clone.remove();
    };
    try {
      await checkUndamaged(logFile, stored);
    } catch (error) {
      await prometheus.stop(0);
      throw error;
    }
    return { url: prometheus.url, api: prometheus.api, stop };
  } catch (error) {
    await clone.remove();
    throw error;
  }
}

/** Runs `work` on the run's stored series; whatever happens, process and clone are gone afterwards. Throws as `openStoredSeries`. */
export async function withStoredSeries<T>(options: StoredOptions, work: (api: PromApi) => Promise<T>): Promise<T> {
  const series = await openStoredSeries(options);
  try {
    return await work(series.api);
  } finally {
    await series.stop();
  }
}
