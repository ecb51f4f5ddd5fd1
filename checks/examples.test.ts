/** The examples' homes, held to what the project's own systems are held to (`manifest.test.ts`). */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import type { SystemManifest } from '../kit/system.ts';
import { type AlertExpectation, type AlertRule, alertProblems, drillProblems, listedPaths } from './catalogue_rules.ts';
import { projectFiles } from './selection.ts';

const root = join(import.meta.dirname, '..');
const manifests = projectFiles(root, 'examples/*/system.ts');

interface RuleFile {
  readonly groups: readonly { readonly rules: readonly Partial<AlertRule>[] }[];
}
interface RuleTest {
  readonly tests: readonly { readonly alert_rule_test?: readonly AlertExpectation[] }[];
}
interface Criteria {
  readonly criteria: readonly { readonly alert: string; readonly expect: string }[];
}

function read<Content>(...path: string[]): Content {
  return parse(readFileSync(join(root, ...path), 'utf8')) as Content;
}

function alertsOf(home: string, files: readonly string[]): AlertRule[] {
  return files
    .flatMap((file) => read<RuleFile>(home, file).groups.flatMap(({ rules }) => rules))
    .filter((rule): rule is AlertRule => rule.alert !== undefined);
}

test('there are examples', () => expect(manifests).not.toEqual([]));

describe.each(manifests)('%s', (path) => {
  const home = dirname(path);
  const load = async () => ((await import(join(root, path))) as { readonly default: SystemManifest }).default;

  test('bears the name of its folder, every path that it lists exists, and it lists every rule, rule test and dashboard', async () => {
    const { name, files } = await load();
    expect(name).toBe(basename(home));
    const listed = listedPaths(files).map((file) => join(home, file));
    expect(listed.filter((file) => !existsSync(join(root, file)))).toEqual([]);
    const there = projectFiles(root, `${home}/**/*.rules.yml`, `${home}/**/*.test.yml`, `${home}/dashboards/*.json`);
    expect(there.filter((file) => !listed.includes(file))).toEqual([]);
  });

  test('every alert says how bad, what, why, where to look and what to do, and is tested firing and silent', async () => {
    const { files } = await load();
    const expectations = (files.ruleTests ?? []).flatMap((file) =>
      read<RuleTest>(home, file).tests.flatMap(({ alert_rule_test = [] }) => alert_rule_test),
    );
    const folder = join(home, files.runbooks ?? 'docs/runbooks');
    const alerts = alertsOf(home, files.rules);
    expect(alerts.length).toBeGreaterThan(0);
    const problems = alerts.flatMap((rule) => {
      const file = join(root, folder, `${rule.alert}.md`);
      const runbook = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
      return alertProblems(rule, runbook, expectations, folder);
    });
    expect(problems).toEqual([]);
    const ofNoAlert = projectFiles(root, `${folder}/*.md`).filter(
      (file) => !alerts.some(({ alert }) => alert === basename(file, '.md')),
    );
    expect(ofNoAlert).toEqual([]);
  });

  test('every alert has a drill in which it must fire, and a healthy run in which it must not', async () => {
    const { files } = await load();
    const alerts = alertsOf(home, files.rules);
    const isOwn = ({ alert }: { readonly alert: string }) => alerts.some((rule) => rule.alert === alert);
    const drills = projectFiles(root, `${home}/scenarios/drills/*.yaml`).map((file) => ({
      name: file.replace(`${home}/scenarios/`, '').replace(/\.yaml$/, ''),
      // The shared alerts have their drills with the project's own systems.
      criteria: read<Criteria>(file).criteria.filter(isOwn),
    }));
    expect(drills.some(({ name }) => name === 'drills/healthy')).toBe(true);
    expect(drillProblems(alerts, drills)).toEqual([]);
  });
});
