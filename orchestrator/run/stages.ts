/** The last two stages of a run, on what is in its directory: judgement and report. `recheck` and `report` begin here. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeReports } from '../report/write.ts';
import type { PromApi } from '../verdict/api.ts';
import { judge } from '../verdict/judge.ts';
import { openStoredSeries, type StoredOptions, type StoredSeries, withStoredSeries } from '../verdict/stored.ts';
import type { Verdict } from '../verdict/types.ts';
import type { StageInput } from './options.ts';
import { RUNBOOKS } from './project.ts';
import type { RunRecord } from './record.ts';

/** @param input `rulesFiles`, absolute, to judge by other rules than those that the run had */
export async function judgeStage(input: StageInput & { readonly rulesFiles?: readonly string[] }): Promise<Verdict> {
  const { record, directory, tools, signal, onProgress, registry, rulesFiles } = input;
  const prometheus = tools.get('prometheus');
  return judge({
    ...{ record, signal, onProgress },
    ...(rulesFiles === undefined ? {} : { rulesFiles }),
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
      dashboards: dashboards(root, record),
      runbooks: runbookFolders(root, record),
      ...(prometheus ? { prometheus } : {}),
      ...(record.observed && { scrapeIntervalMs: record.observed.intervalMs }),
    });
  onProgress('writing the report');
  try {
    await withStoredSeries(storedOptions(input), write);
  } catch {
    // No series, damaged ones, no Prometheus, no time: a report without charts is still worth having, and says so.
    await write();
  }
}

/** A Prometheus on a copy of what the run has stored. */
export function openSeries(
  input: Pick<StageInput, 'directory' | 'tools' | 'signal' | 'registry'>,
): Promise<StoredSeries> {
  return openStoredSeries(storedOptions(input));
}

function storedOptions({
  directory,
  tools,
  signal,
  registry,
}: Pick<StageInput, 'directory' | 'tools' | 'signal' | 'registry'>): StoredOptions {
  return {
    ...{ binary: tools.get('prometheus')!.path, runDirectory: directory.path, name: 'stored-series', signal },
    environment: registry.environment(),
    onProcess: (pid) => registry.add('prometheus (stored series)', pid),
  };
}

/** Overview first, then the system's own, then the faults. A record of an older version has no home: its system was the project's. */
function dashboards(root: string, { system, home = root, files, observed }: RunRecord): string[] {
  const shared = (name: string) => join(root, 'grafana/dashboards', `${name}.json`);
  const own = files?.dashboards?.map((file) => join(home, file)) ?? (files === undefined ? [shared(system)] : []);
  // Of an existing system only what the rules read was copied: most panels would be empty, and some would show a 0 that means nothing.
  if (observed !== undefined) return [];
  return [shared('overview'), ...own, shared('faults')].filter((file) => existsSync(file));
}

/** Of the shared alerts, and of the system's own, which win. */
function runbookFolders(root: string, { home = root, files }: RunRecord): string[] {
  return [...new Set([join(root, RUNBOOKS), join(home, files?.runbooks ?? RUNBOOKS)])];
}
