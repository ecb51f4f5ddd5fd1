import { describe, expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { systems } from '../../services/index.ts';
import { limitsOf, neverJudged } from './limits.ts';

const kv: SystemManifest = (await systems.kv!()).default;
const RULES = [
  { name: 'TargetMissing', metrics: ['gameday_nodes_expected'] },
  { name: 'KvNoLeader', metrics: ['raft_has_leader', 'gameday_objective_recovery_seconds'] },
  { name: 'WriteLatencyHigh', metrics: ['k6_operation_duration_seconds', 'run:operations:rate'] },
  { name: 'NotLinearizable', metrics: ['gameday_linearizability_violations'] },
  { name: 'StatesDiverged', metrics: ['gameday_state_hashes_distinct', 'gameday_checker_pending'] },
];
const without = (...fields: (keyof SystemManifest)[]) =>
  ({ ...kv, ...Object.fromEntries(fields.map((field) => [field, undefined])) }) as unknown as SystemManifest;
const judged = (manifest: SystemManifest) =>
  RULES.filter(({ metrics }) => neverJudged(metrics, manifest) === undefined).map(({ name }) => name);

describe('what a manifest leaves out', () => {
  test('is nothing where it says everything', () => {
    expect(limitsOf(kv, RULES)).toEqual([]);
    expect(judged(kv)).toEqual(RULES.map(({ name }) => name));
  });

  test('metrics: the rules on nodes are named, those on clients and checkers are judged', () => {
    const manifest = without('metrics');
    expect(limitsOf(manifest, RULES)).toEqual([
      'no `metrics`: the nodes are not scraped, and rules on them cannot be judged (TargetMissing, KvNoLeader)',
    ]);
    expect(judged(manifest)).toEqual(['WriteLatencyHigh', 'NotLinearizable', 'StatesDiverged']);
  });

  test('checkers, or only their states', () => {
    expect(judged(without('checkers'))).toEqual(['TargetMissing', 'KvNoLeader', 'WriteLatencyHigh']);
    const { state: _, ...checkers } = kv.checkers!;
    const stateless = { ...kv, checkers } as unknown as SystemManifest;
    expect(judged(stateless)).toEqual(['TargetMissing', 'KvNoLeader', 'WriteLatencyHigh', 'NotLinearizable']);
    expect(limitsOf(stateless, RULES)).toEqual([
      "no `checkers.state`: whether the nodes' states diverge is not judged (StatesDiverged)",
    ]);
    expect(neverJudged(RULES[4]!.metrics, stateless)).toBe(
      'it needs gameday_state_hashes_distinct, and the manifest of kv has no `checkers.state`',
    );
  });

  test('start, paths, roles, faults', () => {
    expect(limitsOf(without('start', 'paths', 'roles', 'faults'), [])).toEqual([
      'no `start` and no `elsewhere`: nothing can be started, so a run needs `--targets URL,…`',
      'no `paths.ready` and no `paths.health`: a node counts as ready when it accepts a TCP connection',
      'no `paths.probe`: how long a fault keeps clients from being served is not measured, only when all nodes are ready again',
      'no `roles`: a fault can target `any`, `all` and `node:N` only',
      'no `faults`: no node can be killed, paused or restarted',
    ]);
  });
});
