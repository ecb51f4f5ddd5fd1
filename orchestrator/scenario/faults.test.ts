/** The language of faults: what may be said, what it means, and what is wrong with the rest. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { NODE_FAULTS, type SystemManifest } from '../../kit/system.ts';
import { ScenarioParser } from './document.ts';
import { describeParameters, FAULT_KINDS, FAULT_SHAPES } from './fault_kinds.ts';
import { ScenarioLoader } from './load.ts';
import { parseLoneFault } from './lone_fault.ts';
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
  rejoin: () => ({ command: '', arguments: [], environment: {} }),
  paths: { health: '/health', ready: '/ready', probe: '/probe' },
  metrics: { path: '/metrics' },
  roles: { leader: async () => true },
  faults: ['kill', 'pause', 'restart'],
  links: { port: 'peer' },
  nodeFaults: {
    kinds: NODE_FAULTS,
    misbehaviours: ['stale-reads', 'skip-apply'],
    apply: async () => {},
    read: async () => ({}),
  },
  defaultScenario: 'kv/x',
  files: { rules: [], ruleTests: [], scenarios: '', loadtests: '', dashboards: [], readme: '' },
};

function loaderOf(system: SystemManifest): ScenarioLoader {
  return new ScenarioLoader({
    root,
    home: root,
    systemNames: () => ['kv'],
    manifest: async () => system,
    alerts: async () => [
      { name: 'KvNoLeader', rangeMs: 0, forMs: 5000, metrics: [] },
      { name: 'RecoveryTooSlow', rangeMs: 0, forMs: 0, metrics: ['gameday_objective_recovery_seconds'] },
    ],
    loadScripts: () => ['kv/steady.ts'],
    evaluationIntervalMs: 1000,
  });
}

/** A scenario with these faults, each without its name, and perhaps an overlay. */
function text(faults: readonly string[], more = ''): string {
  const items = faults.map((fault, index) => `  - { name: f${index}, ${fault} }`);
  return `version: 1
id: kv-x
title: A scenario
system: kv
load: { script: kv/steady.ts, rate: 150/s, duration: 60s }
faults:
${items.join('\n')}
criteria:
  - { alert: KvNoLeader, expect: silent }
${more}`;
}

async function load(source: string, options: Partial<ScenarioOptions> = {}, system = manifest) {
  const parsed = new ScenarioParser(schema).parse(source, 'x.yaml');
  return loaderOf(system).check(parsed, 'x.yaml', { ci: false, timeScale: 1, ...options });
}

async function mistakes(source: string, options: Partial<ScenarioOptions> = {}, system = manifest): Promise<string> {
  return load(source, options, system).then(
    () => 'no mistake',
    (error: unknown) => {
      if (error instanceof ScenarioError) return error.message;
      throw error;
    },
  );
}

const AT = 'at: 10s, heal_after: 5s';

describe('faults in a scenario', () => {
  test('every kind is in the schema, and the schema has no other', () => {
    const listed = schema.$defs.fault.oneOf.map(({ required }: { required: string[] }) => required[0]);
    expect(listed.sort()).toEqual([...FAULT_KINDS].sort());
    expect(Object.keys(FAULT_SHAPES).sort()).toEqual([...FAULT_KINDS].sort());
    for (const kind of FAULT_KINDS) {
      expect(schema.$defs.fault.properties).toHaveProperty(kind);
      expect(schema.$defs.fault.errorMessage).toContain(kind);
    }
  });

  test.each([
    ['partition: leader, direction: out', 'partition', 'leader', { direction: 'out' }, 'out only'],
    ['latency: all, delay: 50ms, jitter: 10ms', 'latency', 'all', { delayMs: 50, jitterMs: 10 }, '50 ms ± 10 ms'],
    ['bandwidth: followers, rate: 100KB/s', 'bandwidth', 'followers', { bytesPerSecond: 100_000 }, '100 KB/s'],
    ['reset: any', 'reset', 'any', {}, ''],
    ['stall: all, probability: 5%', 'stall', 'all', { probability: 0.05 }, '5%'],
    ['packet_loss: leader, probability: 1%', 'packet_loss', 'leader', { probability: 0.01 }, '1%'],
    ['message_loss: node:1, probability: 0.5%', 'message_loss', 'node:1', { probability: 0.005 }, '0.5%'],
    ['disk_full: follower', 'disk_full', 'follower', {}, ''],
    ['slow_fsync: leader, delay: 200ms', 'slow_fsync', 'leader', { delayMs: 200 }, '200 ms'],
    ['clock_skew: leader, offset: -5s', 'clock_skew', 'leader', { offsetMs: -5000 }, '-5000 ms'],
    ['clock_skew: leader, rate: 1.5', 'clock_skew', 'leader', { rate: 1.5 }, '× 1.5'],
    ['misbehave: leader, as: stale-reads', 'misbehave', 'leader', { as: 'stale-reads' }, 'stale-reads'],
  ])('%s', async (fault, kind, target, parameters, described) => {
    const { scenario } = await load(text([`${AT}, ${fault}`]));
    expect(scenario.faults).toEqual([{ name: 'f0', kind, target, parameters, atMs: 10_000, healAfterMs: 5000 }]);
    expect(describeParameters(parameters as object)).toBe(described);
  });

  test('groups are shares, which the seed fills, or lists of nodes', async () => {
    const { scenario } = await load(
      text([`${AT}, partition: [50%, 50%]`, `${AT}, partition: [[node:0], [node:1, node:2]]`]),
    );
    expect(scenario.faults.map(({ target, groups }) => ({ target, groups }))).toEqual([
      {
        target: '50% | 50%',
        groups: [
          { share: 0.5, size: 2 },
          { share: 0.5, size: 1 },
        ],
      },
      { target: 'node:0 | node:1, node:2', groups: [{ nodes: [0] }, { nodes: [1, 2] }] },
    ]);
  });

  test('repetition is scaled with the schedule, and shrunk by the overlay', async () => {
    const repeated = text(
      ['at: 5s, every: 10s, count: 5, kill: any, heal_after: 4s'],
      'ci: { faults: [{ name: f0, count: 2, every: 8s }] }',
    );
    expect((await load(repeated, { timeScale: 0.5 })).scenario.faults[0]).toMatchObject({
      healAfterMs: 2000,
      repeat: { everyMs: 5000, count: 5 },
    });
    expect((await load(repeated, { ci: true })).scenario.faults[0]).toMatchObject({
      repeat: { everyMs: 8000, count: 2 },
    });
  });
});

describe('a mistake in a fault', () => {
  test('a name that an injection of a repeated fault has', async () => {
    const source = text([
      'at: 5s, every: 10s, count: 2, kill: any, heal_after: 4s',
      'at: 30s, kill: any, heal_after: 4s',
    ]);
    expect(await mistakes(source.replace('name: f1', 'name: f0-2'))).toContain(
      'x.yaml:8:13: "f0-2" is the name of an injection of fault "f0"',
    );
    expect(await mistakes(source.replace('name: f1', 'name: f0-3'))).toBe('no mistake');
  });

  test('an upgrade that never comes', async () => {
    const source = text(['at: 5s, kill: any, heal_after: 4s']).replace(
      'system: kv',
      'system: kv\nstart_from: previous',
    );
    expect(await mistakes(source)).toContain('x.yaml:5:13: no fault is an `upgrade`');
  });

  test.each([
    ['an unknown kind', 'partitoin: leader', 'unknown field "partitoin" in `faults.0` — did you mean "partition"?'],
    [
      'a misspelt parameter',
      'latency: all, dellay: 5ms',
      'unknown field "dellay" in `faults.0` — did you mean "delay"?',
    ],
    ['a parameter of another kind', 'kill: any, delay: 5ms', '`delay`: it takes nothing but its target'],
    ['a parameter that is missing', 'latency: all', 'x.yaml:7:51: latency needs `delay`'],
    ['no skew at all', 'clock_skew: leader', 'clock_skew needs `offset` or `rate`'],
    ['a probability of nothing', 'stall: all, probability: 0%', 'a probability of 0%: expected more than 0%'],
    [
      'more than certain',
      'stall: all, probability: 101%',
      'a probability of 101%: expected more than 0%, at most 100%',
    ],
    ['no percentage', 'stall: all, probability: 0.05', 'is 0.05: expected a percentage such as 5%'],
    ['more jitter than delay', 'latency: all, delay: 5ms, jitter: 9ms', 'a jitter of 9ms around 5ms'],
    ['a factor as bandwidth', 'bandwidth: all, rate: 2', 'a bandwidth of 2: expected at least 1KB/s, such as 100KB/s'],
    ['a data rate as factor', 'clock_skew: all, rate: 2KB/s', 'a clock at the rate 2KB/s: expected a factor'],
    ['no direction', 'partition: all, direction: up', 'is "up": expected both or in or out'],
    [
      'an unknown role',
      'partition: laeder',
      'expected leader, follower, followers, any, all, node:N — did you mean "leader"?',
    ],
    ['no target', 'partition: 5', 'expected a target such as leader, or groups such as [50%, 50%]'],
    ['shares that do not sum', 'partition: [50%, 40%]', 'x.yaml:7:42: the shares sum to 90%: expected 100%'],
    ['all on one side', 'partition: [99%, 1%]', 'the shares make groups of 3 and 0: nobody would be cut off'],
    ['a node that does not exist', 'partition: [[node:0], [node:3]]', 'there is no node:3: with 3 nodes'],
    ['a node on both sides', 'partition: [[node:0, node:1], [node:1, node:2]]', 'node:1 is in two groups'],
    ['a node on no side', 'partition: [[node:0], [node:1]]', 'node:2 in no group: each node must be on one side'],
    ['shares and lists', 'partition: [50%, [node:1]]', 'groups are shares or lists of nodes, not both'],
    ['a direction between groups', 'partition: [50%, 50%], direction: in', '`direction` goes with a target'],
    [
      'an unknown misbehaviour',
      'misbehave: any, as: stale-read',
      'expected stale-reads, skip-apply — did you mean "stale-reads"?',
    ],
    ['every without count', 'kill: any, every: 6s', '`every` needs `count`'],
    ['count without every', 'kill: any, count: 2', '`count` needs `every`'],
    ['too many injections', 'kill: any, every: 6s, count: 101', 'expected a number of injections from 1 to 100'],
    [
      'injections that overlap',
      'kill: any, every: 5s, count: 2',
      'strikes again after 5s and is healed after 5s: its injections would overlap',
    ],
    [
      'injections after the load',
      'kill: any, every: 20s, count: 4',
      'the last injection of fault "f0" ends at 1m15s, after the load\'s 1m',
    ],
    ['bits flipped everywhere', 'flipped_bit: all', 'which needs a majority that "all" would take away'],
  ])('%s', async (_, fault, expected) => {
    expect(await mistakes(text([`${AT}, ${fault}`]))).toContain(expected);
  });

  test('a fault that the system does not take is named as such', async () => {
    const { links: _, nodeFaults: __, ...plain } = manifest;
    const source = text([`${AT}, latency: all, delay: 5ms`, `${AT}, disk_full: leader`]);
    const found = await mistakes(source, {}, plain);
    expect(found).toContain('x.yaml:7:42: kv has no fault "latency": it takes kill, pause, restart');
    expect(found).toContain('x.yaml:8:42: kv has no fault "disk_full": it takes kill, pause, restart');
  });

  test('a recovery that may go on after the last evaluation is warned of, where it is judged', async () => {
    const judged = text([`at: 40s, heal_after: 5s, kill: any`], 'objectives: { recovery: 30s }').replace(
      'criteria:',
      'criteria:\n  - { alert: RecoveryTooSlow, expect: silent }',
    );
    const { warnings } = await load(judged);
    expect(warnings.map(({ line, message }) => [line, message])).toEqual([
      [
        7,
        'fault "f0" is healed at 45s and may recover until 1m15s, but the run is judged until 1m8s: a recovery that is too slow is inconclusive, not a failure',
      ],
    ]);
    expect((await load(judged.replace('at: 40s', 'at: 33s'))).warnings).toEqual([]);
    expect((await load(judged.replace('  - { alert: RecoveryTooSlow, expect: silent }', ''))).warnings).toEqual([]);
  });

  test('an overlay may not ask for more injections', async () => {
    const source = text(
      ['at: 5s, every: 10s, count: 2, kill: any, heal_after: 4s'],
      'ci: { faults: [{ name: f0, count: 3 }] }',
    );
    expect(await mistakes(source)).toContain("`ci.faults.0.count` is larger than the scenario's own 2");
  });
});

describe('a fault by itself', () => {
  test('is checked as if it stood in a scenario', () => {
    const good = parseLoneFault(schema, { name: 'x', latency: 'all', delay: '5ms', heal_after: '10s' }, manifest, 3);
    expect(good).toMatchObject({ ok: true, plan: { kind: 'latency', target: 'all', parameters: { delayMs: 5 } } });
    expect(parseLoneFault(schema, { name: 'x', latency: 'node:7', heal_after: '1s' }, manifest, 3)).toEqual({
      ok: false,
      mistakes: ['there is no node:7: with 3 nodes they are node:0 to node:2', 'latency needs `delay`'],
    });
    expect(parseLoneFault(schema, { name: 'x', kill: 'any', heal_after: 'soon' }, manifest, 3)).toMatchObject({
      mistakes: [expect.stringContaining('expected a duration such as 500ms')],
    });
  });
});
