/**
 * What the run's Prometheus reads, in the run directory: `prometheus/prometheus.yml` after the project's template, copies of the
 * rule files (a later change in the project does not change what this run was judged by), and the targets.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { withHeartbeats } from '../verdict/heartbeat.ts';
import { RUN_FILES } from './record.ts';

const TEMPLATE = 'prometheus/prometheus.yml';
const TARGETS = 'targets/run.json';

/** One group of targets in the format of `file_sd`. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface PrometheusFiles {
  readonly configFile: string;
  /** The copies. */
  readonly ruleFiles: readonly string[];
}

/** `ruleFiles` are relative to the root, such as `alerts/kv.rules.yml` and `prometheus/recording/kv.rules.yml`. */
export function writePrometheusFiles(
  root: string,
  runDirectory: string,
  ruleFiles: readonly string[],
): PrometheusFiles {
  const directory = join(runDirectory, RUN_FILES.prometheus);
  const copies = ruleFiles.map((file) => join(basename(dirname(file)), basename(file)));
  for (const [index, copy] of copies.entries()) {
    mkdirSync(join(directory, dirname(copy)), { recursive: true });
    const text = readFileSync(join(root, ruleFiles[index]!), 'utf8');
    // The heartbeat tells the judge when, and whether, each group was evaluated.
    writeFileSync(join(directory, copy), withHeartbeats(text, copy));
  }
  mkdirSync(join(directory, dirname(TARGETS)), { recursive: true });
  writeTargets(runDirectory, []);
  const document = parseDocument(readFileSync(join(root, TEMPLATE), 'utf8'));
  document.set('rule_files', copies);
  document.setIn(['scrape_configs', 0, 'file_sd_configs', 0, 'files'], [TARGETS]);
  const configFile = join(directory, basename(TEMPLATE));
  writeFileSync(configFile, document.toString());
  return { configFile, ruleFiles: copies.map((copy) => join(directory, copy)) };
}

/** Prometheus looks again every second. */
export function writeTargets(runDirectory: string, groups: readonly TargetGroup[]): void {
  const file = join(runDirectory, RUN_FILES.prometheus, TARGETS);
  // By rename, and under a name that file_sd does not match: half a file would drop every target.
  writeFileSync(`${file}.tmp`, JSON.stringify(groups, null, 2));
  renameSync(`${file}.tmp`, file);
}
