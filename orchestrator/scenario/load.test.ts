import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import type { AlertShape } from './check.ts';
import { ScenarioParser } from './document.ts';
import { ScenarioLoader } from './load.ts';
import { ScenarioError } from './problems.ts';
import type { ScenarioOptions } from './resolve.ts';

const root = resolve(import.meta.dirname, '../..');
const schema = JSON.parse(readFileSync(resolve(root, 'scenarios/scenario.schema.json'), 'utf8'));

const manifest: SystemManifest = {
  version: 1,
  name: 'kv',
  title: 'A store',
  nodes: { default: 3, min: 1, max: 7 },
  ports: [{ name: 'http', first: 8080 }],
  start: () => ({ command: '', arguments: [], environment: {} }),
  paths: { health: '/health', ready: '/ready', probe: '/probe' },
  metrics: { path: '/metrics' },
  roles: { leader: async () => true },
  faults: ['kill', 'pause'],
  defaultScenario: 'kv/x',
  files: { rules: [], ruleTests: [], scenarios: '', loadtests: '', dashboards: [], readme: '' },
};

const alert = (name: string, rangeMs: number, forMs: number, metrics: string[] = []): AlertShape => ({
  name,
  rangeMs,
  forMs,
  metrics,
});

const loader = new ScenarioLoader({
  root,
  home: root,
  systemNames: () => ['kv', 'counter'],
  manifest: async () => manifest,
  alerts: async () => [
    alert('KvNoLeader', 0, 5000),
    alert('WriteLatencyHigh', 5000, 10_000, ['gameday_objective_write_p99_seconds']),
    alert('TargetMissing', 0, 5000),
    alert('SlowBurn', 3_600_000, 120_000),
  ],
  loadScripts: () => ['kv/steady.ts'],
  evaluationIntervalMs: 1000,
});

const VALID = `version: 1
id: kv-x
title: A scenario
system: kv
nodes: 3
load: { script: kv/steady.ts, profile: steady, rate: 150/s, duration: 60s }
objectives:
  write_p99: 50ms
faults:
  - { name: leader-dies, at: 20s, kill: leader, heal_after: 10s }
criteria:
  - { alert: KvNoLeader, expect: silent }
  - { alert: TargetMissing, expect: firing, during: leader-dies, within: 9s }
  - { alert: WriteLatencyHigh, expect: silent, outside: faults }
ci: { nodes: 3, load: { duration: 40s }, faults: [{ name: leader-dies, at: 10s }] }
`;

async function load(text: string, options: Partial<ScenarioOptions> = {}) {
  const parsed = new ScenarioParser(schema).parse(text, 'x.yaml');
  return loader.check(parsed, 'x.yaml', { ci: false, timeScale: 1, ...options });
}

/** The problems, one a line, as a person sees them. */
async function mistakes(text: string, options: Partial<ScenarioOptions> = {}): Promise<string> {
  return load(text, options).then(
    () => 'no mistake',
    (error: unknown) => {
      if (error instanceof ScenarioError) return error.message;
      throw error;
    },
  );
}

describe('a scenario', () => {
  test('is parsed with its units', async () => {
    const { scenario, warnings } = await load(VALID);
    expect(warnings).toEqual([]);
    expect(scenario).toMatchObject({
      id: 'kv-x',
      load: { ratePerSecond: 150, durationMs: 60_000, deadlineMs: 5000, profile: 'steady' },
      objectives: { write_p99: { unit: 'seconds', value: 0.05 } },
      faults: [{ name: 'leader-dies', kind: 'kill', target: 'leader', atMs: 20_000, healAfterMs: 10_000 }],
      settleMs: 8000,
      overlay: 'none',
    });
    expect(scenario.criteria[1]).toEqual({
      alert: 'TargetMissing',
      expect: 'firing',
      during: 'leader-dies',
      withinMs: 9000,
    });
  });

  test('takes the schedule of its ci overlay, merged by the name of the fault', async () => {
    const { scenario } = await load(VALID, { ci: true });
    expect(scenario.overlay).toBe('ci');
    expect(scenario.load.durationMs).toBe(40_000);
    expect(scenario.faults[0]).toMatchObject({ atMs: 10_000, healAfterMs: 10_000 });
  });

  test('is scaled in its schedule, never in its objectives', async () => {
    const { scenario } = await load(VALID, { timeScale: 0.8 });
    expect(scenario.load.durationMs).toBe(48_000);
    expect(scenario.faults[0]).toMatchObject({ atMs: 16_000, healAfterMs: 8000 });
    expect(scenario.objectives.write_p99?.value).toBe(0.05);
    expect(scenario.settleMs).toBe(8000);
  });

  test('takes the number of nodes from the command line, else from the system', async () => {
    expect((await load(VALID, { nodes: 5 })).scenario.nodes).toBe(5);
    expect((await load(VALID.replace('nodes: 3\nload', 'load'))).scenario.nodes).toBe(3);
  });
});

describe('a mistake is reported with its place, what was expected, and the nearest name', () => {
  const replaced = (from: string, to: string) => {
    expect(VALID).toContain(from);
    return VALID.replace(from, to);
  };

  test.each([
    [
      'a field that does not exist',
      'title:',
      'tittle:',
      'x.yaml:3:1: unknown field "tittle" in the scenario — did you mean "title"?',
    ],
    ['a nested one', 'rate: 150', 'rat: 150', 'x.yaml:6:48: unknown field "rat" in `load` — did you mean "rate"?'],
    ['a missing field', 'id: kv-x\n', '', 'x.yaml:1:1: the scenario lacks the field "id"'],
    [
      'no duration',
      'at: 20s',
      'at: soon',
      'x.yaml:10:30: `faults.0.at` is "soon": expected a duration such as 500ms, 30s, 2m or 1h',
    ],
    ['no rate', '150/s', 'fast', 'x.yaml:6:54: `load.rate` is "fast": expected a rate such as 100/s'],
    [
      'no objective',
      'write_p99: 50ms',
      'write_p99: 50',
      'x.yaml:8:14: `objectives.write_p99` is 50: expected a duration (50ms), a percentage (99.9%) or a rate (100/s)',
    ],
    [
      'a name that cannot be a metric',
      'write_p99: 50ms',
      'Write-P99: 50ms',
      `x.yaml:8:3: "Write-P99" is not an objective's name of lower-case letters, digits and underscores`,
    ],
    ['another version', 'version: 1', 'version: 2', 'x.yaml:1:10: `version` is 2: expected 1'],
    ['an unknown profile', 'profile: steady', 'profile: stedy', '— did you mean "steady"?'],
    [
      'an unknown expectation',
      'KvNoLeader, expect: silent',
      'KvNoLeader, expect: silence',
      'x.yaml:12:34: `criteria.0.expect` is "silence": expected silent or firing — did you mean "silent"?',
    ],
    [
      'a fault of no kind',
      'kill: leader, ',
      '',
      'x.yaml:10:5: `faults.0`: expected exactly one of kill, pause, restart,',
    ],
    [
      'a fault of two kinds',
      'kill: leader',
      'kill: leader, pause: any',
      'x.yaml:10:5: `faults.0`: expected exactly one of kill, pause, restart',
    ],
    [
      'an unknown system',
      'system: kv',
      'system: kw',
      'x.yaml:4:9: unknown system "kw": expected kv, counter — did you mean "kv"?',
    ],
    [
      'an unknown script',
      'kv/steady.ts',
      'kv/stead.ts',
      'x.yaml:6:17: there is no loadtests/kv/stead.ts — did you mean "kv/steady.ts"?',
    ],
    ['a script outside', 'kv/steady.ts', '../x.ts', 'expected the path of a TypeScript file under loadtests/'],
    [
      'an unknown alert',
      'alert: KvNoLeader',
      'alert: KvNoLeadr',
      'x.yaml:12:14: no rule of kv, and none that all share, is named "KvNoLeadr" — did you mean "KvNoLeader"?',
    ],
    [
      'an unknown fault',
      'during: leader-dies',
      'during: leader-die',
      'x.yaml:13:53: the scenario has no fault "leader-die" — did you mean "leader-dies"?',
    ],
    [
      'an unknown target',
      'kill: leader',
      'kill: laeder',
      'x.yaml:10:41: unknown target "laeder": expected leader, follower, followers, any, all, node:N — did you mean "leader"?',
    ],
    [
      'a node that does not exist',
      'kill: leader',
      'kill: node:3',
      'there is no node:3: with 3 nodes they are node:0 to node:2',
    ],
    [
      'a fault that the system does not have',
      'kill: leader',
      'restart: leader',
      'kv has no fault "restart": it takes kill, pause',
    ],
    [
      'a fault after the load',
      'at: 20s',
      'at: 55s',
      'fault "leader-dies" ends at 1m5s, after the load\'s 1m: it must lie inside',
    ],
    ['no load', 'rate: 150/s', 'rate: 0/s', 'x.yaml:6:54: a load of 0/s: expected more than 0/s'],
    ['far too much load', 'rate: 150/s', 'rate: 1000000000/s', 'a load of 1000000000/s: expected more than 0/s'],
    ['a load of no length', 'duration: 60s', 'duration: 0s', 'a load of 0ms: expected more than 0s, at most 30d'],
    ['a load without end', 'duration: 60s', 'duration: 99999h', 'expected more than 0s, at most 30d'],
    ['an objective of nothing', 'write_p99: 50ms', 'write_p99: 0ms', 'x.yaml:8:14: objective "write_p99" is 0'],
    ['more than all', 'write_p99: 50ms', 'write_p99: 50ms\n  availability: 150%', 'is more than 100%'],
    ['an alias that leads nowhere', 'title: A scenario', 'title: *nothing', 'x.yaml:3:8: Unresolved alias'],
    ['too many nodes', 'nodes: 3', 'nodes: 8', 'x.yaml:5:8: 8 nodes: kv takes 1 to 7'],
    [
      'firing without a fault',
      ', during: leader-dies, within: 9s',
      '',
      'x.yaml:13:5: `expect: firing` needs `during:`',
    ],
    [
      'outside of nothing',
      'silent, outside: faults',
      'firing, during: leader-dies, outside: faults',
      '`outside: faults` goes with `expect: silent`',
    ],
    [
      'within of silence',
      'KvNoLeader, expect: silent',
      'KvNoLeader, expect: silent, within: 5s',
      '`within` goes with `expect: firing`',
    ],
    ['the same criterion twice', 'alert: WriteLatencyHigh', 'alert: KvNoLeader', 'a second criterion for KvNoLeader'],
    [
      'an objective that is not exported',
      'write_p99: 50ms',
      'write_p95: 50ms',
      'WriteLatencyHigh compares with gameday_objective_write_p99_seconds: the objectives are gameday_objective_write_p95_seconds',
    ],
    [
      'a fault too short for its rule',
      'heal_after: 10s',
      'heal_after: 6s',
      'x.yaml:10:61: fault "leader-dies" lasts 6s: TargetMissing needs at least 7s to fire',
    ],
    [
      'a rule in ci',
      'ci: { nodes: 3',
      'ci: { criteria: [], nodes: 3',
      'unknown field "criteria" in `ci`; expected nodes, load, settle or faults: `ci` may shrink size and schedule, never a criterion or an objective',
    ],
    [
      'a longer ci',
      'duration: 40s',
      'duration: 2m',
      "`ci.load.duration` is larger than the scenario's own 60s: `ci` may only shrink",
    ],
    [
      'an unknown fault in ci',
      '[{ name: leader-dies',
      '[{ name: leader-dead',
      'the scenario has no fault "leader-dead" — did you mean "leader-dies"?',
    ],
    ['a key twice', 'nodes: 3\n', 'nodes: 3\nnodes: 3\n', 'x.yaml:6:1: Map keys must be unique'],
    ['no YAML', 'criteria:', 'criteria: [', 'x.yaml:'],
  ])('%s', async (_, from, to, expected) => {
    expect(await mistakes(replaced(from, to))).toContain(expected);
  });

  test('all of them at once', async () => {
    const lines = (await mistakes(VALID.replace('150/s', 'fast').replace('at: 20s', 'at: soon'))).split('\n');
    expect(lines).toHaveLength(2);
  });

  test('an empty file', async () => {
    expect(await mistakes('')).toContain('x.yaml:1:1: the scenario lacks the field "version"');
  });

  test('two faults of one name', async () => {
    const fault = '  - { name: leader-dies, at: 40s, kill: any, heal_after: 10s }\n';
    expect(await mistakes(VALID.replace('criteria:', `${fault}criteria:`))).toContain(
      'x.yaml:11:13: fault "leader-dies" exists already',
    );
  });

  test('a time that the ci overlay set is reported there', async () => {
    const text = VALID.replace('at: 10s }', 'at: 35s }');
    expect(await mistakes(text)).toBe('no mistake');
    expect(await mistakes(text, { ci: true })).toContain(
      'x.yaml:15:76: fault "leader-dies" ends at 45s, after the load\'s 40s',
    );
  });

  test('a time scale at which a rule cannot fire', async () => {
    expect(await mistakes(VALID, { timeScale: 0.5 })).toContain(
      'fault "leader-dies" lasts 5s at --time-scale 0.5: TargetMissing needs at least 7s to fire',
    );
  });

  test('a criterion that cannot conclude is a warning', async () => {
    const { warnings } = await load(VALID.replace('alert: KvNoLeader', 'alert: SlowBurn'));
    expect(warnings.map((problem) => problem.message)).toEqual([
      'SlowBurn cannot conclude: it needs 1h2m2s and there are 1m8s in the whole run',
    ]);
  });
});
