/** The last two stages of a run, on what is in its directory: judgement and report. `recheck` and `report` begin here. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeReports } from '../report/write.ts';
import type { PromApi } from '../verdict/api.ts';
import { judge } from '../verdict/judge.ts';
import { judgeConfiguration, startPrometheus } from '../verdict/prometheus.ts';
import { checkStore, cloneStore } from '../verdict/store.ts';
import type { Verdict } from '../verdict/types.ts';
import type { StageInput } from './conductor.ts';
import { RUN_FILES } from './record.ts';

export async function judgeStage(input: StageInput): Promise<Verdict> {
  const { record, directory, tools, signal, onProgress, registry } = input;
  const prometheus = tools.get('prometheus');
  return judge({
    ...{ record, signal, onProgress },
    runDirectory: directory.path,
    tools: prometheus ? new Map([['prometheus' as const, prometheus]]) : new Map(),
    environment: registry.environment(),
    onProcess: (pid) => registry.add('prometheus (judge)', pid),
  });
}

/** Writes the reports; without charts where there are no stored series, or when the signal says that there is no time. */
export async function reportStage(input: StageInput): Promise<void> {
  const { record, directory, root, onProgress } = input;
  const write = (prometheus?: PromApi) =>
    writeReports({
      record,
      runDirectory: directory.path,
      dashboards: dashboards(root, record.system),
      runbooks: join(root, 'docs/runbooks'),
      ...(prometheus ? { prometheus } : {}),
    });
  onProgress('writing the report');
  try {
    await onStoredSeries(input, write);
  } catch {
    // No series, damaged ones, no Prometheus, no time: a report without charts is still worth having, and says so.
    await write();
  }
}

async function onStoredSeries<T>(input: StageInput, work: (api: PromApi) => Promise<T>): Promise<T> {
  const series = await openStoredSeries(input);
  try {
    return await work(series.api);
  } finally {
    await series.stop();
  }
}

/** A Prometheus on a copy of what the run has stored; `stop` ends it and removes the copy. */
export async function openStoredSeries(
  input: Pick<StageInput, 'directory' | 'tools' | 'signal' | 'registry'>,
): Promise<{ readonly url: string; readonly api: PromApi; stop(): Promise<void> }> {
  const { directory, tools, signal, registry } = input;
  const stored = join(directory.path, RUN_FILES.tsdb);
  await checkStore(stored);
  const clone = await cloneStore(stored);
  try {
    const configFile = join(clone.path, 'prometheus.yml');
    await writeFile(configFile, judgeConfiguration());
    const { url, api, stop } = await startPrometheus({
      binary: tools.get('prometheus')!.path,
      directory: join(clone.path, 'tsdb'),
      configFile,
      logFile: join(directory.path, RUN_FILES.logs, 'stored-series.log'),
      mode: 'judge',
      signal,
      environment: registry.environment(),
      onProcess: (pid) => registry.add('prometheus (stored series)', pid),
    });
    // What is in the copy is thrown away: nothing is lost by not waiting for an orderly end.
    return { url, api, stop: () => stop(0).then(() => clone.remove()) };
  } catch (error) {
    await clone.remove();
    throw error;
  }
}

/** Overview first, then the system's own, then the faults. */
function dashboards(root: string, system: string): string[] {
  return ['overview', system, 'faults']
    .map((name) => join(root, 'grafana/dashboards', `${name}.json`))
    .filter((file) => existsSync(file));
}
