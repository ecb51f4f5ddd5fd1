import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { writePrometheusFiles, writeTargets } from './prometheus_files.ts';

const root = resolve(import.meta.dirname, '../..');
let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gameday-prometheus-'));
  mkdirSync(join(directory, 'prometheus'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test("the run's configuration is the project's, with copies of the rules and targets of its own", () => {
  const { configFile, ruleFiles } = writePrometheusFiles(root, directory, [
    'alerts/gameday.rules.yml',
    'alerts/kv.rules.yml',
  ]);
  const template = parse(readFileSync(join(root, 'prometheus/prometheus.yml'), 'utf8'));
  const configuration = parse(readFileSync(configFile, 'utf8'));
  expect(configuration.global).toEqual(template.global);
  expect(configuration.storage).toEqual(template.storage);
  expect(configuration.rule_files).toEqual(['alerts/gameday.rules.yml', 'alerts/kv.rules.yml']);
  expect(configuration.scrape_configs[0].file_sd_configs[0].files).toEqual(['targets/run.json']);
  const rules = parse(readFileSync(ruleFiles[1]!, 'utf8'));
  // Every group also says when it was evaluated.
  for (const group of rules.groups) expect(group.rules.at(-1).record).toMatch(/^gameday:/);
});

test('targets are replaced as a whole', () => {
  writePrometheusFiles(root, directory, []);
  const groups = [{ targets: ['127.0.0.1:1'], labels: { job: 'kv', node: '0' } }];
  writeTargets(directory, groups);
  expect(JSON.parse(readFileSync(join(directory, 'prometheus/targets/run.json'), 'utf8'))).toEqual(groups);
});
