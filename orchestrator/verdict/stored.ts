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

/**
 * Runs `work` against a Prometheus on a clone of the run's series, which neither scrapes nor evaluates rules. Whatever happens, process and clone are gone
 * afterwards. Throws VerdictError when the series are missing or damaged, or Prometheus does not start.
 */
export async function withStoredSeries<T>(options: StoredOptions, work: (api: PromApi) => Promise<T>): Promise<T> {
  const { runDirectory, name, binary, signal, environment, onProcess } = options;
  const stored = join(runDirectory, RUN_FILES.tsdb);
  await checkStore(stored);
  const clone = await cloneStore(stored);
  try {
    const configFile = join(clone.path, 'prometheus.yml');
    // Of its own while it runs: two judges at once must not read each other's address in one log.
    const logFile = join(runDirectory, RUN_FILES.logs, `${name}${basename(clone.path)}.log`);
    await writeFile(configFile, judgeConfiguration());
    const prometheus = await startPrometheus({
      ...{ binary, configFile, logFile, mode: 'judge' as const, directory: join(clone.path, 'tsdb') },
      ...(signal === undefined ? {} : { signal }),
      ...(environment === undefined ? {} : { environment }),
      ...(onProcess === undefined ? {} : { onProcess }),
    });
    try {
      await checkUndamaged(logFile, stored);
      const result = await work(prometheus.api);
      await rename(logFile, join(runDirectory, RUN_FILES.logs, `${name}.log`));
      return result;
    } finally {
      // The clone is thrown away, so nothing is lost by not waiting for an orderly end.
      await prometheus.stop(0);
    }
  } finally {
    await clone.remove();
  }
}
