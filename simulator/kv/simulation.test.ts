import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Outcome } from '../types.ts';
import { generateKvPlan } from './plan.ts';
import { runKv } from './run.ts';

const SEEDS = 120;

describe(`seeds 1 to ${SEEDS}`, () => {
  const outcomes: Outcome[] = [];

  beforeAll(() => {
    for (let seed = 1; seed <= SEEDS; seed++) outcomes.push(runKv(generateKvPlan(seed)));
  });

  const total = (name: string) => outcomes.reduce((sum, { stats }) => sum + (stats[name] ?? 0), 0);

  test('nothing is broken, and every run ends well and at rest', () => {
    const failed = outcomes.flatMap(({ failure }, i) => (failure === null ? [] : [{ seed: i + 1, failure }]));
    expect(failed).toEqual([]);
  });

  test('each run works: entries are committed, reads and writes are answered', () => {
    for (const { stats } of outcomes) {
      expect(stats['checked.entries']).toBeGreaterThan(20);
      expect(stats['checked.reads']).toBeGreaterThan(20);
      expect(stats['checked.writes']).toBeGreaterThan(20);
    }
  });

  test.each([
    'rare.earlierTermNotCounted',
    'rare.suffixTruncated',
    'rare.suffixReplacedBySnapshot',
    'rare.snapshotConfirmsLog',
    'rare.jointLeaderCrash',
    'rare.leaderRemoved',
    'rare.staleLeaderAsked',
    'rare.oneWayLeaderAsked',
    'rare.skewedLeaderAsked',
    'rare.tornTail',
    'rare.fullDiskOfFollower',
    'rare.fullDiskOfLeader',
    'rare.appendDuringSnapshot',
    'rare.transferDuringPartition',
    'rare.damagedLogRefused',
    'rare.retryRemembered',
    'raft.snapshotsInstalled',
    'raft.transfers',
    'raft.quorumLost',
    'operator.replaced',
    'clients.unknown',
    'network.lost',
    'network.duplicated',
  ])('%s is reached', (name) => {
    expect(total(name)).toBeGreaterThan(0);
  });
});

describe('one seed explains a run', () => {
  test('the same plan gives the same trace, another seed another one', () => {
    const hash = (seed: number) => runKv(generateKvPlan(seed)).traceHash;
    const once = [1, 2, 3, 4, 5, 6, 7, 8].map(hash);
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(hash)).toEqual(once);
    expect(new Set(once).size).toBe(once.length);
    expect(once[0]).toMatch(/^[0-9a-f]{16}$/);
  });

  test('a plan is plain data, and reading a trace changes nothing', () => {
    const plan = generateKvPlan(7);
    const copy = JSON.parse(JSON.stringify(plan)) as typeof plan;
    const seen: string[] = [];
    const read = runKv(copy, { traceLines: 50, onTrace: (line) => seen.push(line) });
    const plain = runKv(plan);
    expect({ ...read, trace: [] }).toEqual(plain);
    expect(read.trace).toEqual(seen.slice(-50));
    expect(
      seen.some((line) => / ms {2}\d→\d append, term \d+, after \d+@\d+: \d+@\d+ update r\d+ "v\d+"/.test(line)),
    ).toBe(true);
  });

  test('a smaller plan is a plan: every second operation, no faults', () => {
    const plan = generateKvPlan(3);
    const operations = plan.operations.filter((_, i) => i % 2 === 0);
    const outcome = runKv({ ...plan, operations, faults: [] });
    expect(outcome.failure).toBeNull();
    expect(outcome.stats['fault.crash']).toBeUndefined();
  });
});

describe('after healing', () => {
  test('a cluster that cannot recover is a failure of liveness, and says what is missing', () => {
    const plan = generateKvPlan(3);
    const forever = { kind: 'isolate', target: { role: 'leader', nth: 0 }, direction: 'both', forUs: 1 } as const;
    // Nobody ever votes: there is no leader.
    const variation = { rules: { grantsVote: () => false } };
    const outcome = runKv({ ...plan, faults: [{ ...forever, atUs: 1 }] }, { variation });
    expect(outcome.failure).toMatchObject({
      kind: 'liveness',
      invariant: 'leader',
      message: '20 s after healing: nobody leads',
    });
    expect(outcome.endUs).toBe(plan.healAtUs + plan.recoverWithinUs);
  });
});
