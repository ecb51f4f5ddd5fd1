import { describe, expect, test } from '@jest/globals';
import { TestCluster } from './testing/cluster.ts';
import type { Message } from './types.ts';

/** What node `to` answers to this request for a vote. */
function ask(cluster: TestCluster, request: Partial<Extract<Message, { type: 'requestVote' }>>) {
  const message = {
    type: 'requestVote',
    from: 2,
    to: 1,
    term: 1,
    pre: false,
    lastLogIndex: 0,
    lastLogTerm: 0,
    transfer: false,
    ...request,
  } as const;
  const output = cluster.step(message.to, { type: 'message', message });
  return { output, answer: [...output.messages, ...(output.persist?.thenSend ?? [])][0] };
}

describe('a vote', () => {
  test('is given once a term, and again to the same candidate', () => {
    const cluster = new TestCluster([1, 2, 3]);
    expect(ask(cluster, { from: 2 }).answer).toMatchObject({ granted: true });
    expect(ask(cluster, { from: 3 }).answer).toMatchObject({ granted: false });
    expect(ask(cluster, { from: 2 }).answer).toMatchObject({ granted: true });
    expect(ask(cluster, { from: 3, term: 2 }).answer).toMatchObject({ granted: true });
  });

  test('leaves only after it is written, and is kept over a crash', () => {
    const cluster = new TestCluster([1, 2, 3]);
    const { output } = ask(cluster, { from: 2 });
    expect(output.messages).toEqual([]);
    expect(output.persist).toMatchObject({ hardState: { term: 1, vote: 2 }, thenSend: [{ type: 'vote' }] });
    cluster.flush(1);
    cluster.crash(1);
    cluster.start(1);
    expect(ask(cluster, { from: 3 }).answer).toMatchObject({ granted: false });
  });

  test.each([
    ['a shorter log', 1, 1, false],
    ['the same log', 2, 1, true],
    ['a longer log of an older term', 9, 0, false],
    ['a shorter log of a later term', 1, 2, true],
  ])('for %s', (_, lastLogIndex, lastLogTerm, granted) => {
    const cluster = new TestCluster([1, 2, 3], { config: { checkQuorum: false } });
    cluster.elect(2);
    cluster.propose(2, 'a');
    cluster.settle();
    expect(cluster.node(1).status()).toMatchObject({ lastIndex: 2, lastTerm: 1 });
    expect(ask(cluster, { from: 3, term: 5, lastLogIndex, lastLogTerm }).answer).toMatchObject({ granted });
  });

  test('is refused unseen while a leader lives, unless the leader asked for the election', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(2);
    const request = { from: 3, term: 9, lastLogIndex: 99, lastLogTerm: 1 };
    expect(ask(cluster, request).answer).toBeUndefined();
    expect(cluster.node(1).status().term).toBe(1);
    expect(ask(cluster, { ...request, pre: true }).answer).toMatchObject({ granted: false, term: 1 });
    expect(ask(cluster, { ...request, transfer: true }).answer).toMatchObject({ granted: true });
  });

  test('is given again once the leader has been silent for the shortest election time-out', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(2);
    const request = { from: 3, term: 2, lastLogIndex: 99, lastLogTerm: 1, pre: true };
    cluster.tick(1, 9);
    expect(ask(cluster, request).answer).toMatchObject({ granted: false });
    cluster.tick(1, 1);
    expect(ask(cluster, request).answer).toMatchObject({ granted: true, term: 2 });
    expect(cluster.node(1).status().term).toBe(1);
  });
});

describe('a candidate', () => {
  test('counts its own vote only after it is on the disk, even alone', () => {
    const cluster = new TestCluster([1]);
    cluster.tick(1, 20);
    expect(cluster.node(1).status()).toMatchObject({ role: 'candidate', term: 1 });
    cluster.flush(1);
    expect(cluster.node(1).status().role).toBe('leader');
  });

  test('gives up when a majority refuses, and does not count answers of strangers or copies', () => {
    const cluster = new TestCluster([1, 2, 3, 4, 5], { config: { preVote: false } });
    cluster.tick(1, 20);
    const vote = (from: number, granted: boolean) => {
      const message = { type: 'vote', from, to: 1, term: 1, pre: false, granted } as const;
      cluster.step(1, { type: 'message', message });
    };
    cluster.flush(1);
    vote(2, true);
    vote(2, true);
    vote(9, true);
    expect(cluster.node(1).status().role).toBe('candidate');
    for (const from of [3, 4, 5]) vote(from, false);
    expect(cluster.node(1).status().role).toBe('follower');
  });

  test('with PreVote and no majority keeps its term', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.tick(1, 200);
    expect(cluster.node(1).status()).toMatchObject({ role: 'preCandidate', term: 0 });
  });

  test('whose term is ahead of the leader makes it step down, so that it can take part again', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(1);
    // Node 3 has won a PreVote, begun a term, and lost the connection before anybody heard of it.
    cluster.tick(2, 10);
    cluster.tick(3, 20);
    for (const message of cluster.network.splice(0)) if (message.to === 2) cluster.deliver(message);
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    cluster.flush(3);
    cluster.network = [];
    expect(cluster.node(3).status()).toMatchObject({ role: 'candidate', term: 2 });
    cluster.tick(1, 3);
    cluster.settle();
    expect(cluster.node(1).status()).toMatchObject({ role: 'follower', term: 2 });
  });
});

describe('a leader', () => {
  test('steps down after an election time-out without a majority, and not before', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(1);
    cluster.isolate([1]);
    cluster.tick(1, 9);
    cluster.settle();
    expect(cluster.node(1).status().role).toBe('leader');
    cluster.tick(1, 1);
    expect(cluster.node(1).status()).toMatchObject({ role: 'follower', leader: null, term: 1 });
  });

  test('is never answered by a second one of the same term', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(1);
    const message = { type: 'heartbeat', from: 2, to: 1, term: 1, leaderCommit: 0, readRound: 0 } as const;
    expect(() => cluster.step(1, { type: 'message', message })).toThrow('both lead term 1');
  });
});

test('a learner neither stands for election nor counts, but votes when asked', () => {
  const cluster = new TestCluster([1, 2, 3]);
  cluster.elect(1);
  cluster.start(4);
  const change = { type: 'addLearner', node: 4, address: 'host-4' } as const;
  cluster.step(1, { type: 'changeMembership', id: 'm', change });
  cluster.settle();
  expect(cluster.node(4).status().role).toBe('learner');
  cluster.tick(4, 100);
  expect(cluster.node(4).status()).toMatchObject({ role: 'learner', leader: null });
  cluster.isolate([1, 4]);
  cluster.tick(1, 9);
  cluster.settle();
  cluster.tick(1, 1);
  expect(cluster.node(1).status().role).toBe('follower');
  expect(
    ask(cluster, { from: 2, to: 4, term: 7, lastLogIndex: 9, lastLogTerm: 9, transfer: true }).answer,
  ).toMatchObject({ granted: true });
});
