import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { Raft } from './raft.ts';
import { type ClusterOptions, TestCluster, testConfig } from './testing/cluster.ts';
import type { Message, NodeId } from './types.ts';

function elected(options: ClusterOptions = {}, voters: readonly NodeId[] = [1, 2, 3]): TestCluster {
  const cluster = new TestCluster(voters, options);
  cluster.elect(1);
  return cluster;
}

const appendsTo = (cluster: TestCluster, to: NodeId) =>
  cluster.network.filter(
    (message): message is Extract<Message, { type: 'append' }> => message.type === 'append' && message.to === to,
  );

describe('the leader', () => {
  test('sends before its own fsync, and counts itself only after it', () => {
    const cluster = elected();
    cluster.isolate([3]);
    cluster.propose(1, 'a');
    expect(appendsTo(cluster, 2)).toHaveLength(1);
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    cluster.flush(2);
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    expect(cluster.node(1).status().commitIndex).toBe(1);
    cluster.flush(1);
    expect(cluster.node(1).status().commitIndex).toBe(2);
  });

  test('has a bounded number of appends under way, and goes on as they are acknowledged', () => {
    const cluster = elected({ config: { appendsInflightMax: 2, appendBytesMax: 1 } });
    cluster.propose(1, 'a', 'b', 'c', 'd', 'e');
    expect(appendsTo(cluster, 2).map((message) => message.entries[0]!.index)).toEqual([2, 3]);
    cluster.settle();
    expect(cluster.node(2).state).toHaveLength(5);
  });

  test('finds out by heartbeats that an append was lost, and sends it again', () => {
    const cluster = elected();
    cluster.propose(1, 'a');
    cluster.network = cluster.network.filter((message) => message.to !== 3);
    cluster.settle();
    expect(cluster.node(3).state).toEqual([]);
    for (let i = 0; i < 2; i++) {
      cluster.tick(1, 3);
      cluster.settle();
    }
    expect(cluster.node(3).state).toEqual(['2:a']);
  });

  test('stops pipelining to an unreachable follower and probes it once it answers again', () => {
    const cluster = elected();
    cluster.step(1, { type: 'unreachable', node: 2 });
    cluster.propose(1, 'a');
    expect(appendsTo(cluster, 2)).toEqual([]);
    expect(cluster.node(1).status().progress[0]).toMatchObject({ state: 'probe', failures: 1 });
    cluster.tick(1, 3);
    cluster.settle();
    expect(cluster.node(1).status().progress[0]).toMatchObject({ state: 'replicate', matchIndex: 2, failures: 0 });
  });

  test('refuses proposals beyond the bound of uncommitted bytes, and takes them again later', () => {
    const cluster = elected({ config: { uncommittedBytesMax: 3 } });
    expect(cluster.propose(1, 'aa', 'bb', 'c').refused).toEqual([{ id: 'bb', reason: 'overloaded', leader: 1 }]);
    cluster.settle();
    expect(cluster.propose(1, 'a command larger than the bound').refused).toEqual([]);
    cluster.settle();
    expect(cluster.node(2).state).toEqual(['2:aa', '3:c', '4:a command larger than the bound']);
  });

  test('does not commit an entry of an earlier term by counting (thesis, Figure 3.7)', () => {
    const membership = { voters: [1, 2, 3], votersOutgoing: [], learners: [], retired: [], addresses: {} };
    const config = { ...testConfig, id: 1, incarnation: 2, membership, preVote: false };
    const data = new Uint8Array(0);
    const entries = [1, 2].map((index) => ({ index, term: 2, kind: 'command', data }) as const);
    const raft = new Raft(
      config,
      { hardState: { term: 3, vote: null, commit: 1 }, snapshot: null, entries },
      new Prng(1),
    );
    for (let i = 0; i < 20 && raft.status().role !== 'candidate'; i++) raft.step({ type: 'tick' });
    raft.step({ type: 'persisted', number: 1 });
    const answer = { from: 2, to: 1, term: 4 } as const;
    raft.step({ type: 'message', message: { ...answer, type: 'vote', pre: false, granted: true } });
    expect(raft.status()).toMatchObject({ role: 'leader', term: 4, lastIndex: 3 });
    const appended = { ...answer, type: 'appended', success: true, hintTerm: 0, rejectedIndex: 0 } as const;
    raft.step({ type: 'message', message: { ...appended, matchIndex: 2 } });
    // Entry 2 is on nodes 1 and 2, but a leader of term 3 may still replace it.
    expect(raft.status().commitIndex).toBe(1);
    raft.step({ type: 'persisted', number: 2 });
    raft.step({ type: 'message', message: { ...appended, matchIndex: 3 } });
    expect(raft.status().commitIndex).toBe(3);
  });
});

describe('a follower', () => {
  test('does not shorten its log for an append that arrives late', () => {
    const cluster = elected();
    cluster.propose(1, 'a', 'b');
    const late = appendsTo(cluster, 2)[0]!;
    cluster.propose(1, 'c');
    cluster.settle();
    cluster.deliver({ ...late, entries: late.entries.slice(0, 1) });
    cluster.settle();
    expect(cluster.node(2).status().lastIndex).toBe(4);
  });

  test('commits no further than the entries that it knows to agree', () => {
    const cluster = elected();
    const message = {
      type: 'append',
      from: 1,
      to: 2,
      term: 1,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: [],
      leaderCommit: 9,
    } as const;
    cluster.deliver(message);
    expect(cluster.node(2).status().commitIndex).toBe(1);
  });

  test('acknowledges only what is on its disk, also when a copy brings nothing new', () => {
    const cluster = elected();
    cluster.propose(1, 'a');
    const append = appendsTo(cluster, 2)[0]!;
    cluster.network = [];
    const first = cluster.step(2, { type: 'message', message: append });
    const again = cluster.step(2, { type: 'message', message: append });
    expect([first.messages, again.messages]).toEqual([[], []]);
    expect(again.persist).toMatchObject({
      entries: [],
      hardState: null,
      thenSend: [{ type: 'appended', matchIndex: 2 }],
    });
    expect(again.persist!.number).toBeGreaterThan(first.persist!.number);
  });

  test('that has lost what it acknowledged stops with a clear error', () => {
    const cluster = elected();
    const message = { type: 'heartbeat', from: 1, to: 2, term: 1, leaderCommit: 7, readRound: 0 } as const;
    expect(() => cluster.deliver(message)).toThrow('commit 7 is beyond the last entry 1: this node lost entries');
  });
});

describe('forwarded proposals', () => {
  test('are appended by the leader and applied everywhere', () => {
    const cluster = elected();
    cluster.propose(2, 'a', 'b');
    cluster.settle();
    expect(cluster.node(2).state).toEqual(['2:a', '3:b']);
  });

  test('are taken once, whatever the network copies', () => {
    const cluster = elected();
    cluster.propose(2, 'a');
    const [forward] = cluster.network;
    cluster.settle();
    cluster.deliver(forward!);
    cluster.settle();
    expect(cluster.node(2).state).toEqual(['2:a']);
  });

  test('of a restarted follower are not mistaken for copies', () => {
    const cluster = elected();
    cluster.propose(2, 'a');
    cluster.settle();
    cluster.crash(2);
    cluster.start(2);
    cluster.tick(1, 3);
    cluster.settle();
    cluster.propose(2, 'b');
    cluster.settle();
    expect(cluster.node(1).state).toEqual(['2:a', '3:b']);
  });

  test('are refused definitely by whoever no longer leads, and in a later term', () => {
    const cluster = elected();
    cluster.propose(2, 'a');
    const forwards = cluster.network.splice(0);
    cluster.isolate([1]);
    cluster.tick(1, 10);
    cluster.isolate([]);
    expect(cluster.node(1).status().role).toBe('follower');
    for (const message of forwards) cluster.deliver(message);
    const refusals = cluster.network.filter((message) => message.type === 'proposalsRefused');
    expect(refusals).toMatchObject([{ ids: ['a'], reason: 'notLeader' }]);
    const output = cluster.step(2, { type: 'message', message: refusals[0]! });
    expect(output.refused).toMatchObject([{ id: 'a', reason: 'notLeader' }]);
  });

  test('that the driver cannot take are refused, but not a copy of what was taken, and what was refused is never taken', () => {
    const cluster = elected();
    const forwarded = () =>
      cluster.network.find(
        (message): message is Extract<Message, { type: 'forwardProposals' }> => message.type === 'forwardProposals',
      )!;
    cluster.propose(2, 'a');
    const taken = forwarded();
    cluster.settle();
    // The copy comes when the leader has no space any more.
    cluster.step(1, { type: 'refuseForwarded', message: taken, reason: 'overloaded' });
    expect(cluster.network).toEqual([]);
    cluster.propose(2, 'b');
    const refused = forwarded();
    cluster.network = [];
    cluster.step(1, { type: 'refuseForwarded', message: refused, reason: 'overloaded' });
    expect(cluster.network).toEqual([
      { type: 'proposalsRefused', from: 1, to: 2, term: 1, ids: ['b'], reason: 'overloaded' },
    ]);
    // And this one when it has space again.
    cluster.step(1, { type: 'message', message: refused });
    cluster.settle();
    expect(cluster.node(2).state).toEqual(['2:a']);
  });

  test('go in messages of bounded size', () => {
    const cluster = elected({ config: { appendBytesMax: 8 } });
    cluster.propose(2, 'aaaa', 'bbbb', 'cccc', 'dddddddddd', 'e');
    const sizes = cluster.network.map((message) =>
      message.type === 'forwardProposals' ? message.proposals.map((p) => p.id) : [],
    );
    expect(sizes).toEqual([['aaaa', 'bbbb'], ['cccc'], ['dddddddddd'], ['e']]);
    cluster.settle();
    expect(cluster.node(2).state).toHaveLength(5);
  });
});

test('without a leader, requests are refused definitely', () => {
  const cluster = new TestCluster([1, 2, 3]);
  expect(cluster.propose(1, 'a').refused).toEqual([{ id: 'a', reason: 'noLeader', leader: null }]);
  expect(cluster.step(1, { type: 'read', ids: ['r'] }).refused).toEqual([
    { id: 'r', reason: 'noLeader', leader: null },
  ]);
});

test('a step that changes nothing allocates nothing', () => {
  const cluster = elected();
  cluster.tick(1, 3);
  cluster.settle();
  expect(cluster.step(1, { type: 'tick' })).toBe(cluster.step(2, { type: 'tick' }));
});
