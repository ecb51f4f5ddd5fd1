import { describe, expect, test } from '@jest/globals';
import { TestCluster } from './testing/cluster.ts';
import type { MembershipChange, NodeId } from './types.ts';

function elected(voters: readonly NodeId[] = [1, 2, 3]): TestCluster {
  const cluster = new TestCluster(voters);
  cluster.elect(1);
  return cluster;
}

const change = (cluster: TestCluster, what: MembershipChange, leader = 1) =>
  cluster.step(leader, { type: 'changeMembership', id: 'm', change: what });
const addLearner = (node: NodeId) => ({ type: 'addLearner', node, address: `host-${node}` }) as const;
const changeVoters = (promote: NodeId[], remove: NodeId[]) => ({ type: 'changeVoters', promote, remove }) as const;

describe('a change of membership', () => {
  test('replaces a voter through joint consensus', () => {
    const cluster = elected();
    cluster.start(4);
    change(cluster, addLearner(4));
    cluster.settle();
    change(cluster, changeVoters([4], [3]));
    expect(cluster.node(1).status().membership).toMatchObject({ voters: [1, 2, 4], votersOutgoing: [1, 2, 3] });
    cluster.settle();
    for (const id of [1, 2, 4]) {
      expect(cluster.node(id).status().membership).toMatchObject({ voters: [1, 2, 4], votersOutgoing: [] });
    }
    expect(cluster.node(1).status().membership.addresses).toEqual({ 1: 'host-1', 2: 'host-2', 4: 'host-4' });
  });

  test('in the joint configuration needs both majorities', () => {
    const cluster = elected();
    for (const id of [4, 5]) {
      cluster.start(id);
      change(cluster, addLearner(id));
      cluster.settle();
    }
    // The new majority is 4 and 5, of the old one only node 1 can be reached.
    cluster.isolate([2, 3]);
    change(cluster, changeVoters([4, 5], [2, 3]));
    const joint = cluster.node(1).status().lastIndex;
    cluster.settle();
    expect(cluster.node(1).status().commitIndex).toBe(joint - 1);
    cluster.isolate([3]);
    for (let i = 0; i < 2; i++) {
      cluster.tick(1, 3);
      cluster.settle();
    }
    expect(cluster.node(1).status().membership).toMatchObject({ voters: [1, 4, 5], votersOutgoing: [] });
  });

  test('is refused while another one is under way, before the leader is established, and at a follower', () => {
    const cluster = elected();
    change(cluster, addLearner(4));
    expect(change(cluster, addLearner(5)).refused).toMatchObject([{ reason: 'busy' }]);
    expect(change(cluster, addLearner(5), 2).refused).toMatchObject([{ reason: 'notLeader', leader: 1 }]);
    cluster.settle();
    expect(change(cluster, addLearner(4)).refused).toMatchObject([{ reason: 'invalid' }]);
  });

  test('that is overwritten goes back to what was in force before', () => {
    const cluster = elected();
    cluster.isolate([1]);
    change(cluster, addLearner(4));
    cluster.flush(1);
    cluster.network = [];
    expect(cluster.node(1).status().membership.learners).toEqual([4]);
    cluster.tick(3, 10);
    cluster.elect(2);
    cluster.isolate([]);
    cluster.tick(2, 3);
    cluster.settle();
    expect(cluster.node(1).status().membership.learners).toEqual([]);
  });
});

describe('an id that was removed', () => {
  test('is refused by a leader that knows of it from a snapshot alone', () => {
    const cluster = elected();
    cluster.isolate([3]);
    cluster.start(5);
    change(cluster, addLearner(5));
    cluster.settle();
    change(cluster, changeVoters([], [5]));
    cluster.settle();
    cluster.propose(1, 'a');
    cluster.settle();
    cluster.snapshot(1);
    cluster.isolate([5]);
    for (let i = 0; i < 2; i++) {
      cluster.tick(1, 3);
      cluster.settle();
    }
    expect(cluster.node(3).disk.snapshot!.meta.membership.retired).toEqual([5]);
    cluster.crash(3);
    cluster.start(3);
    cluster.step(1, { type: 'transferLeadership', to: 3 });
    cluster.settle();
    expect(cluster.node(3).status()).toMatchObject({ role: 'leader', membership: { retired: [5] } });
    expect(change(cluster, addLearner(5), 3).refused).toMatchObject([{ reason: 'invalid' }]);
    expect(change(cluster, addLearner(4), 3).refused).toEqual([]);
  });

  test('is usable again when its removal is overwritten', () => {
    const cluster = elected();
    cluster.start(4);
    change(cluster, addLearner(4));
    cluster.settle();
    cluster.isolate([1]);
    change(cluster, changeVoters([], [4]));
    cluster.flush(1);
    cluster.network = [];
    expect(cluster.node(1).status().membership).toMatchObject({ learners: [], retired: [4] });
    cluster.tick(3, 10);
    cluster.elect(2);
    cluster.isolate([]);
    cluster.tick(2, 3);
    cluster.settle();
    expect(cluster.node(1).status().membership).toMatchObject({ learners: [4], retired: [] });
  });
});

describe('who leaves', () => {
  test('learns of it and stays quiet', () => {
    const cluster = elected();
    change(cluster, changeVoters([], [3]));
    cluster.settle();
    cluster.tick(1, 3);
    cluster.settle();
    cluster.tick(3, 100);
    expect(cluster.node(3).status()).toMatchObject({ role: 'learner', term: 1 });
    cluster.tick(1, 9);
    cluster.settle();
    expect(
      cluster
        .node(1)
        .status()
        .progress.map((follower) => follower.node),
    ).toEqual([2]);
  });

  test('hands over if it led, and the others go on at once', () => {
    const cluster = elected();
    change(cluster, changeVoters([], [1]));
    cluster.settle();
    expect(cluster.node(1).status().role).toBe('learner');
    expect(cluster.leader?.status().membership.voters).toEqual([2, 3]);
  });

  test('still stands for election while nobody else can win: it alone has the final configuration', () => {
    const cluster = elected();
    change(cluster, changeVoters([], [1, 2]));
    // Node 3, the only voter to be, gets the joint configuration but not the final one; the others get both.
    for (let i = 0; i < 10; i++) {
      for (const node of cluster.up) cluster.flush(node.id);
      const { network } = cluster;
      cluster.network = [];
      for (const message of network) {
        const isFinal = message.type === 'append' && message.entries.some((entry) => entry.index === 3);
        if (!(isFinal && message.to === 3)) cluster.deliver(message);
      }
    }
    expect(cluster.node(3).status()).toMatchObject({
      lastIndex: 2,
      membership: { voters: [3], votersOutgoing: [1, 2, 3] },
    });
    cluster.crash(1);
    for (let i = 0; i < 100 && cluster.node(3).status().role !== 'leader'; i++) {
      for (const node of cluster.up) cluster.tick(node.id);
      cluster.settle();
    }
    expect(cluster.node(3).status()).toMatchObject({ role: 'leader', membership: { voters: [3], votersOutgoing: [] } });
  });

  test('does not disturb, even with a later term', () => {
    const cluster = elected();
    change(cluster, changeVoters([], [3]));
    cluster.settle();
    cluster.tick(1, 9);
    cluster.settle();
    cluster.tick(1, 9);
    const ack = { type: 'heartbeatAck', from: 3, to: 1, term: 99, readRound: 0 } as const;
    cluster.step(1, { type: 'message', message: ack });
    expect(cluster.node(1).status()).toMatchObject({ role: 'leader', term: 1 });
  });
});

describe('a transfer of leadership', () => {
  test('waits for the successor to catch up, refuses proposals meanwhile, and needs no time-out', () => {
    const cluster = elected();
    cluster.propose(1, 'a');
    cluster.step(1, { type: 'transferLeadership', to: 2 });
    expect(cluster.network.some((message) => message.type === 'timeoutNow')).toBe(false);
    expect(cluster.propose(1, 'b').refused).toMatchObject([{ id: 'b', reason: 'transferring' }]);
    expect(cluster.step(1, { type: 'transferLeadership', to: 3, id: 't' }).refused).toMatchObject([
      { id: 't', reason: 'transferring' },
    ]);
    cluster.settle();
    expect(cluster.node(2).status()).toMatchObject({ role: 'leader', term: 2 });
    expect(cluster.node(2).state).toEqual(['2:a']);
  });

  test('that does not succeed is given up after an election time-out', () => {
    const cluster = elected();
    cluster.isolate([2]);
    cluster.step(1, { type: 'transferLeadership', to: 2 });
    for (let i = 0; i < 10; i++) {
      cluster.tick(1);
      cluster.settle();
    }
    expect(cluster.propose(1, 'a').accepted).toMatchObject([{ id: 'a' }]);
  });

  test('to nobody in particular, during another one, or at a follower is refused and changes nothing', () => {
    const cluster = elected();
    const ask = (at: number, to: number) => cluster.step(at, { type: 'transferLeadership', to, id: 't' }).refused;
    for (const to of [1, 9]) expect(ask(1, to)).toMatchObject([{ id: 't', reason: 'invalid' }]);
    expect(ask(2, 3)).toMatchObject([{ id: 't', reason: 'notLeader' }]);
    expect(cluster.step(1, { type: 'transferLeadership', to: 9 }).refused).toEqual([]);
    expect(cluster.propose(1, 'a').accepted).toHaveLength(1);
  });
});
