/** What the run's Prometheus was told: how often it scraped and evaluated, and by which rules. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { parseDuration } from './duration.ts';
import { VerdictError } from './errors.ts';

export interface RunConfiguration {
  readonly scrapeIntervalMs: number;
  readonly evaluationIntervalMs: number;
  /** By how much rules look into the past, so that late samples are in. */
  readonly queryOffsetMs: number;
  /** Absolute. */
  readonly ruleFiles: readonly string[];
}

interface RawConfiguration {
  readonly global?: {
    readonly scrape_interval?: unknown;
    readonly evaluation_interval?: unknown;
    readonly rule_query_offset?: unknown;
  };
  readonly rule_files?: readonly string[];
}

/** Reads the `prometheus.yml` of a run. Defaults are Prometheus' own. */
export async function readConfiguration(file: string): Promise<RunConfiguration> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new VerdictError(
      'RUN_DIRECTORY_FOREIGN',
      `${file} is missing: this is no run directory of Gameday, or not a whole one (runs are in .gameday/runs)`,
      { cause },
    );
  });
  const { global = {}, rule_files = [] } = (parseDocument(text).toJS() ?? {}) as RawConfiguration;
  const duration = (value: unknown, otherwise: number): number => {
    const ms = value === undefined ? otherwise : parseDuration(String(value));
    if (ms === null) throw new VerdictError('RUN_DIRECTORY_FOREIGN', `${file}: \`${String(value)}\` is not a duration`);
    return ms;
  };
  return {
    scrapeIntervalMs: duration(global.scrape_interval, 60_000),
    evaluationIntervalMs: duration(global.evaluation_interval, 60_000),
    queryOffsetMs: duration(global.rule_query_offset, 0),
    ruleFiles: rule_files.map((path) => resolve(dirname(file), path)),
  };
}
