import { describe, expect, test } from '@jest/globals';
import type { RefusalReason } from '../core/raft/types.ts';
import { LeaderDuties, type LeaderDutiesParts } from './leader-duties.ts';

const addresses = { 0: '127.0.0.1:8080/9080#a', 1: '127.0.0.1:8081/9081#b', 2: '127.0.0.1:8082/9082#c' };
const membership = { voters: [0, 1, 2], votersOutgoing: [], learners: [], retired: [], addresses };

/** A leader, node 0, whose Raft answers an order with `refusal`; node 2 has not been heard from. */
function leader(refusal: RefusalReason | null) {
  const ordered: unknown[] = [];
  const progress = [1, 2].map((node) => ({ node, active: node === 1, learner: false, matchIndex: 5 }));
  const member = {
    membership,
    leader: 1,
    status: () => ({ id: 0, term: 4, membership, progress }),
    snapshotting: { take: async () => {} },
    reportsFullStorage: () => false,
    order: async (order: unknown) => {
      ordered.push(order);
      return refusal;
    },
  } as unknown as LeaderDutiesParts['member'];
  const snapshots = { latest: { index: 5 } } as unknown as LeaderDutiesParts['snapshots'];
  return { ordered, duties: new LeaderDuties({ member, snapshots, tickMs: 10, until: async () => {} }) };
}

describe('a forced resync', () => {
  test('is accepted when Raft has begun it', async () => {
    const { duties, ordered } = leader(null);
    expect(await duties.forceResync('127.0.0.1:8081')).toMatchObject({ node_id: 1, snapshot_index: 5 });
    expect([ordered, duties.forceResyncs]).toEqual([[{ type: 'forceSnapshot', to: 1 }], 1]);
  });

  test('is refused when leadership was lost while the snapshot was taken', async () => {
    const { duties } = leader('notLeader');
    await expect(duties.forceResync('127.0.0.1:8081')).rejects.toMatchObject({ code: 'NO_QUORUM', definite: true });
    expect(duties.forceResyncs).toBe(0);
  });
});

describe('a transfer of leadership', () => {
  test.each([
    ['transferring', 'CONFLICT'],
    ['invalid', 'CONFLICT'],
    ['notLeader', 'NO_QUORUM'],
  ] as const)('that Raft refuses as %s is refused at once with %s', async (reason, code) => {
    await expect(leader(reason).duties.transferLeadership(1, 1000)).rejects.toMatchObject({ code });
  });

  test('to a node that is not there is not even begun', async () => {
    const { duties, ordered } = leader(null);
    await expect(duties.transferLeadership(2, 1000)).rejects.toThrow('node 2 has not been heard from');
    await expect(duties.transferLeadership(7, 1000)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(ordered).toEqual([]);
    expect(await duties.transferLeadership(1, 1000)).toEqual({ leader_id: 1, term: 4 });
  });
});
