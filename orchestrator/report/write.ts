/** Writes all reports of a run into its directory, from whatever is there: a run that was cut short has reports too. */

import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../kit/errors.ts';
import { RUN_FILES, type RunRecord } from '../run/record.ts';
import { type DashboardModel, loadDashboards } from './dashboards.ts';
import { renderHtml } from './html.ts';
import { type ReportInput, shownWindowOf } from './input.ts';
import { renderJunit } from './junit.ts';
import { parseLoadSummary } from './load-summary.ts';
import { renderMarkdown } from './markdown.ts';
import { loadAssets } from './page/assets.ts';
import { collectPanels, type Panels, type RangeQueries, windowOf } from './panels.ts';
import { loadRunbooks } from './runbooks.ts';

export interface ReportOptions {
  readonly record: RunRecord;
  readonly runDirectory: string;
  /** A Prometheus that has the run's data; left out, the report has no charts and says so. */
  readonly prometheus?: RangeQueries;
  /** Paths of the dashboards' JSON files, in the order of the report; the first row of the first one is the page's top. */
  readonly dashboards: readonly string[];
  /** Folders with the runbooks, `<Alert>.md` each; of two for one alert the last one counts. */
  readonly runbooks: readonly string[];
  /** Milliseconds; 1 s unless given. */
  readonly scrapeIntervalMs?: number;
}

export interface WrittenReports {
  /** Absolute paths. */
  readonly html: string;
  readonly markdown: string;
  readonly junit: string;
  /** What the reports had to do without, each a sentence for a person. */
  readonly problems: readonly string[];
}

async function dashboardsOf(files: readonly string[], problems: string[]): Promise<DashboardModel[]> {
  const loaded = await Promise.all(
    files.map(async (file) => {
      try {
        return await loadDashboards([file]);
      } catch (error) {
        problems.push(`The dashboard ${file} could not be read: ${messageOf(error)}`);
        return [];
      }
    }),
  );
  return loaded.flat();
}

async function panelsOf(options: ReportOptions, problems: string[]): Promise<Panels | null> {
  if (options.prometheus === undefined) return null;
  const { from, to } = shownWindowOf(options.record);
  const window = windowOf(from, to, options.scrapeIntervalMs);
  const panels = await collectPanels(await dashboardsOf(options.dashboards, problems), options.prometheus, window);
  const all = panels.dashboards.flatMap((dashboard) => dashboard.rows.flatMap((row) => row.panels));
  for (const panel of all)
    problems.push(...panel.errors.map((error) => `The panel "${panel.title}" has a query that failed: ${error}`));
  return panels;
}

/** Whoever reads a report while it is written sees the old one or the new one. */
async function writeAtomically(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}

/** Rejects only when the run directory cannot be written. */
export async function writeReports(options: ReportOptions): Promise<WrittenReports> {
  const { record, runDirectory } = options;
  const problems: string[] = [];
  const summary = await readFile(
    path.join(runDirectory, record.load?.summaryPath ?? RUN_FILES.k6Summary),
    'utf8',
  ).catch(() => '');
  const input: ReportInput = {
    record,
    panels: await panelsOf(options, problems),
    load: parseLoadSummary(summary),
    runbooks: new Map((await Promise.all(options.runbooks.map(loadRunbooks))).flatMap((books) => [...books])),
  };
  const files = {
    html: path.join(runDirectory, RUN_FILES.reportHtml),
    markdown: path.join(runDirectory, RUN_FILES.reportMarkdown),
    junit: path.join(runDirectory, RUN_FILES.junit),
  };
  await writeAtomically(files.junit, renderJunit(record));
  await writeAtomically(files.markdown, renderMarkdown(input));
  await writeAtomically(files.html, renderHtml(input, await loadAssets()));
  return { ...files, problems };
}
