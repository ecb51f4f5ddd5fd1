import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { systems } from '../services/index.ts';
import {
  type AlertExpectation,
  type AlertRule,
  alertProblems,
  type DrillScenario,
  drillProblems,
  listedPaths,
  unlisted,
} from './catalogue_rules.ts';
import { projectFiles } from './selection.ts';

const root = join(import.meta.dirname, '..');
const names = Object.keys(systems);
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe.each(Object.entries(systems))('the manifest of %s', (name, load) => {
  test('bears its name, and every path that it lists exists', async () => {
    const { default: manifest } = await load();
    expect(manifest.name).toBe(name);
    expect(listedPaths(manifest.files).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('lists every file that bears its name', async () => {
    const { default: manifest } = await load();
    const files = projectFiles(root, '{alerts,loadtests,scenarios,prometheus,docs/runbooks,grafana/dashboards}/**/*.*');
    expect(unlisted(name, listedPaths(manifest.files), files, names)).toEqual([]);
  });
});

function alertRules(): AlertRule[] {
  interface RuleFile {
    readonly groups: readonly { readonly rules: readonly Partial<AlertRule>[] }[];
  }
  return projectFiles(root, 'alerts/**/*.rules.yml')
    .flatMap((path) => (parse(read(path)) as RuleFile).groups.flatMap((group) => group.rules))
    .filter((rule): rule is AlertRule => rule.alert !== undefined);
}

test('every alert says how bad, what, why, where to look and what to do, and is tested firing and silent', () => {
  interface RuleTest {
    readonly tests: readonly { readonly alert_rule_test?: readonly AlertExpectation[] }[];
  }
  const expectations = projectFiles(root, 'alerts/**/*.test.yml').flatMap((path) =>
    (parse(read(path)) as RuleTest).tests.flatMap((ruleTest) => ruleTest.alert_rule_test ?? []),
  );
  const runbook = (alert: string) => {
    const path = `docs/runbooks/${alert}.md`;
    return existsSync(join(root, path)) ? read(path) : undefined;
  };
  const rules = alertRules();
  expect(rules.length).toBeGreaterThan(0);
  expect(rules.flatMap((rule) => alertProblems(rule, runbook(rule.alert), expectations))).toEqual([]);
});

test('every alert has a drill in which it must fire, a healthy run in which it must not, and every runbook an alert', () => {
  const drills = projectFiles(root, 'scenarios/*/drills/*.{yaml,yml}').map((path) => ({
    name: path.replace(/^scenarios\/|\.ya?ml$/g, ''),
    criteria: (parse(read(path)) as Pick<DrillScenario, 'criteria'>).criteria,
  }));
  const alerts = alertRules();
  expect(drills.filter(({ name }) => name.endsWith('/healthy'))).not.toEqual([]);
  expect(drillProblems(alerts, drills)).toEqual([]);
  const runbooks = projectFiles(root, 'docs/runbooks/*.md');
  const ofNoAlert = runbooks.filter((path) => !alerts.some(({ alert }) => path === `docs/runbooks/${alert}.md`));
  expect(ofNoAlert).toEqual([]);
});

describe('the rules for manifests and alerts can fail', () => {
  test('a file that bears the name and is not listed', () => {
    const files = [
      'alerts/kv.rules.yml',
      'alerts/tests/kv_new.test.yml',
      'scenarios/kv/a.yaml',
      'alerts/graph.rules.yml',
    ];
    const listed = listedPaths({ rules: ['alerts/kv.rules.yml'], scenarios: 'scenarios/kv' });
    expect(unlisted('kv', listed, files, ['kv', 'graph'])).toEqual([
      'services/kv/system.ts does not list alerts/tests/kv_new.test.yml',
    ]);
  });

  const good = {
    alert: 'KvBad',
    labels: { severity: 'critical' },
    annotations: {
      ...{ summary: 's', description: 'd', runbook_url: 'x/docs/runbooks/KvBad.md', dashboard_url: 'u' },
      drill: 'kv/drills/bad',
    },
  };
  const runbook = '# KvBad\n## Meaning\n## Impact\n## Diagnosis\n## Mitigation\n## Drill\nkv/drills/bad\n';
  const expectations = [
    { alertname: 'KvBad', exp_alerts: [] },
    { alertname: 'KvBad', exp_alerts: [{}] },
  ];
  test.each<[string, AlertRule, string | undefined, AlertExpectation[], string[]]>([
    ['nothing wrong', good, runbook, expectations, []],
    [
      'no severity',
      { ...good, labels: {} },
      runbook,
      expectations,
      ['severity is none, not one of critical, warning, info'],
    ],
    [
      'no summary, no dashboard',
      { ...good, annotations: { description: 'd', runbook_url: 'docs/runbooks/KvBad.md' } },
      runbook,
      expectations,
      ['has no annotation summary', 'has no annotation dashboard_url', 'has no annotation drill'],
    ],
    [
      "another alert's runbook",
      { ...good, annotations: { ...good.annotations, runbook_url: 'docs/runbooks/KvOther.md' } },
      runbook,
      expectations,
      ['runbook_url does not end with docs/runbooks/KvBad.md'],
    ],
    ['no runbook', good, undefined, expectations, ['has no runbook docs/runbooks/KvBad.md']],
    [
      'a runbook without a section',
      good,
      runbook.replace('## Impact', 'Impact'),
      expectations,
      ['docs/runbooks/KvBad.md has no section Impact'],
    ],
    [
      'a runbook that does not name the drill',
      good,
      runbook.replace('kv/drills/bad', ''),
      expectations,
      ['docs/runbooks/KvBad.md does not name its drill kv/drills/bad'],
    ],
    ['no rule test', good, runbook, [], ['no rule test sees it firing', 'no rule test sees it silent']],
    ['never silent', good, runbook, expectations.slice(1), ['no rule test sees it silent']],
  ])('%s', (_, rule, text, tests, problems) => {
    expect(alertProblems(rule, text, tests)).toEqual(problems.map((problem) => `KvBad: ${problem}`));
  });
});

describe('alerts and drills', () => {
  const rule = (alert: string, drill: string): AlertRule => ({ alert, annotations: { drill } });
  const bad = {
    name: 'kv/drills/bad',
    criteria: [
      { alert: 'KvBad', expect: 'firing' },
      { alert: 'KvGood', expect: 'silent' },
    ],
  };
  const healthy = {
    name: 'kv/drills/healthy',
    criteria: [
      { alert: 'KvBad', expect: 'silent' },
      { alert: 'KvGood', expect: 'silent' },
    ],
  };
  const good = { name: 'kv/drills/good', criteria: [{ alert: 'KvGood', expect: 'firing' }] };
  const rules = [rule('KvBad', 'kv/drills/bad'), rule('KvGood', 'kv/drills/good')];

  test.each<[string, AlertRule[], DrillScenario[], string[]]>([
    ['nothing wrong', rules, [bad, good, healthy], []],
    [
      'a drill that does not exist',
      rules,
      [bad, healthy],
      ['KvGood: its drill scenarios/kv/drills/good.yaml does not exist: write it, or correct the annotation'],
    ],
    [
      'a drill that does not expect it',
      [rule('KvBad', 'kv/drills/good'), rules[1]!],
      [good, healthy],
      [
        'KvBad: its drill scenarios/kv/drills/good.yaml does not expect it firing: add { alert: KvBad, expect: firing, during: <fault> }',
      ],
    ],
    [
      'a rule that was deleted',
      rules.slice(0, 1),
      [bad, { ...healthy, criteria: healthy.criteria.slice(0, 1) }],
      [
        'scenarios/kv/drills/bad.yaml: no rule in alerts/ is named KvGood: bring the rule back, or remove the criterion with it',
      ],
    ],
    [
      'a drill of nothing',
      rules.slice(0, 1),
      [bad, { name: 'kv/drills/other', criteria: [] }].map(({ name, criteria }) => ({
        name,
        criteria: criteria.slice(0, 1),
      })),
      ['scenarios/kv/drills/other.yaml: no alert names it as its drill'],
    ],
    [
      'an alert that is not proven silent',
      rules,
      [bad, good, { ...healthy, criteria: healthy.criteria.slice(0, 1) }],
      ['KvGood: scenarios/kv/drills/healthy.yaml does not expect it silent: add { alert: KvGood, expect: silent }'],
    ],
  ])('%s', (_, alerts, drills, problems) => expect(drillProblems(alerts, drills)).toEqual(problems));
});
