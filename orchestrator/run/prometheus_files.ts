/**
 * What the run's Prometheus reads, in the run directory: `prometheus/prometheus.yml` after the project's template, copies of the
 * rule files (a later change in the project does not change what this run was judged by), and the targets.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { type Document, parseDocument } from 'yaml';
import { withHeartbeats } from '../verdict/heartbeat.ts';
import type { RuleSource } from '../verdict/rules.ts';
import { RUN_FILES } from './record.ts';

const TEMPLATE = 'prometheus/prometheus.yml';
const TARGETS = 'targets/run.json';

/** One group of targets in the format of `file_sd`. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Two rule files whose copies would be one. */
export class RuleFileError extends Error {
  readonly code = 'RULES_INVALID';
  constructor(file: string, other: string) {
    super(`the rule files ${other} and ${file} have the same name in folders of the same name: rename the latter`);
    this.name = 'RuleFileError';
  }
}

export interface PrometheusFiles {
  readonly configFile: string;
  /** The copies. */
  readonly ruleFiles: readonly string[];
}

/** @param ruleFiles absolute, or relative to the root; a copy bears the last two parts of the name, as the rules' groups do. `more` are rules that are in no file; `change` has the last word on the configuration */
export function writePrometheusFiles(
  root: string,
  runDirectory: string,
  ruleFiles: readonly string[],
  more: readonly RuleSource[] = [],
  change: (configuration: Document) => void = () => undefined,
): PrometheusFiles {
  const directory = join(runDirectory, RUN_FILES.prometheus);
  const sources = [...ruleFiles.map((name) => ({ name, text: readFileSync(resolve(root, name), 'utf8') })), ...more];
  const copies = sources.map(({ name }) => join(basename(dirname(name)), basename(name)));
  for (const [index, copy] of copies.entries()) {
    if (copies.indexOf(copy) < index)
      throw new RuleFileError(sources[index]!.name, sources[copies.indexOf(copy)]!.name);
    mkdirSync(join(directory, dirname(copy)), { recursive: true });
    const { text } = sources[index]!;
    // The heartbeat tells the judge when, and whether, each group was evaluated.
    writeFileSync(join(directory, copy), withHeartbeats(text, copy));
  }
  mkdirSync(join(directory, dirname(TARGETS)), { recursive: true });
  writeTargets(runDirectory, []);
  const document = parseDocument(readFileSync(join(root, TEMPLATE), 'utf8'));
  document.set('rule_files', copies);
  document.setIn(['scrape_configs', 0, 'file_sd_configs', 0, 'files'], [TARGETS]);
  change(document);
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
