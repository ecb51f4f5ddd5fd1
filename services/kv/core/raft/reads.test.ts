import { describe, expect, test } from '@jest/globals';
import { TestCluster } from './testing/cluster.ts';
import type { Output } from './types.ts';

/** A cluster whose node 1 leads, and the reads that nodes have confirmed or refused. */
function elected(voters = [1, 2, 3]) {
  const confirmed: string[] = [];
  const refused: string[] = [];
  const stepped = (_node: unknown, _input: unknown, output: Output) => {
    for (const { id, index } of output.reads) confirmed.push(`${id}@${index}`);
    for (const { id, reason } of output.refused) refused.push(`${id}: ${reason}`);
  };
  const cluster = new TestCluster(voters, { observers: [{ stepped }] });
  cluster.elect(1);
  const read = (node: number, ...ids: string[]) => cluster.step(node, { type: 'read', ids });
  return { cluster, confirmed, refused, read };
}

describe('a linearizable read', () => {
  test('waits until a majority has confirmed the leader', () => {
    const { cluster, confirmed, read } = elected();
    cluster.propose(1, 'a');
    cluster.settle();
    read(1, 'r1', 'r2');
    expect(confirmed).toEqual([]);
    cluster.settle();
    expect(confirmed).toEqual(['r1@2', 'r2@2']);
  });

  test('shares a round with those that come while one is open', () => {
    const { cluster, confirmed, read } = elected();
    read(1, 'r1');
    for (let i = 2; i < 50; i++) read(1, `r${i}`);
    expect(cluster.network).toHaveLength(1);
    cluster.settle();
    expect(confirmed).toHaveLength(49);
  });

  test('asks a majority, beginning with whom it heard from last', () => {
    const { cluster, confirmed, read } = elected();
    cluster.tick(1, 3);
    cluster.network = cluster.network.filter(({ to }) => to === 3);
    cluster.settle();
    cluster.tick(1, 1);
    read(1, 'r1');
    expect(cluster.network.map(({ type, to }) => `${type} ${to}`)).toEqual(['heartbeat 3']);
    // It is lost; the regular heartbeat asks everybody.
    cluster.network = [];
    cluster.tick(1, 2);
    cluster.settle();
    expect(confirmed).toEqual(['r1@1']);
  });

  test('is not confirmed by an answer to an older heartbeat', () => {
    const { cluster, confirmed, read } = elected();
    cluster.tick(1, 3);
    const older = cluster.network.splice(0);
    read(1, 'r1');
    cluster.network = [];
    for (const message of older) cluster.deliver(message);
    cluster.settle();
    expect(confirmed).toEqual([]);
    // Its own heartbeats were lost; the regular one carries the round.
    cluster.tick(1, 3);
    cluster.settle();
    expect(confirmed).toEqual(['r1@1']);
  });

  test('is confirmed by the voters that are left when the others leave before they answer', () => {
    const { cluster, confirmed, read } = elected();
    const change = { type: 'changeVoters', promote: [], remove: [2, 3] } as const;
    cluster.step(1, { type: 'changeMembership', id: 'change', change });
    cluster.flush(1);
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    for (const id of [2, 3]) cluster.flush(id);
    read(1, 'r1');
    // Their acknowledgement of the change is the last that is heard of them.
    for (const message of cluster.network.splice(0)) if (message.type === 'appended') cluster.deliver(message);
    for (const id of [2, 3]) cluster.crash(id);
    cluster.settle();
    read(1, 'r2');
    expect(cluster.node(1).status().membership.voters).toEqual([1]);
    expect(confirmed).toEqual(['r1@1', 'r2@3']);
  });

  test('of a follower goes through the leader', () => {
    const { cluster, confirmed, read } = elected();
    read(3, 'r1');
    cluster.settle();
    expect(confirmed).toEqual(['r1@1']);
  });

  test('needs nobody in a cluster of one', () => {
    const { confirmed, read } = elected([1]);
    read(1, 'r1');
    expect(confirmed).toEqual(['r1@1']);
  });

  test('is refused by a leader that has lost its majority, and by one that is gone', () => {
    const { cluster, confirmed, refused, read } = elected();
    read(2, 'r1');
    const forwarded = cluster.network.splice(0);
    cluster.isolate([1]);
    read(1, 'r2');
    cluster.tick(1, 10);
    expect(refused).toEqual(['r2: notLeader']);
    cluster.isolate([]);
    cluster.network = [];
    for (const message of forwarded) cluster.deliver(message);
    cluster.settle();
    expect(refused).toEqual(['r2: notLeader', 'r1: notLeader']);
    expect(confirmed).toEqual([]);
  });

  test('waits for an entry of the leader’s own term', () => {
    const { cluster, confirmed, read } = elected();
    cluster.isolate([1]);
    cluster.tick(1, 10);
    cluster.tick(3, 10);
    cluster.network = [];
    for (let i = 0; i < 30 && cluster.node(2).status().role !== 'leader'; i++) {
      cluster.tick(2);
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
      cluster.flush(2);
      cluster.flush(3);
    }
    read(2, 'r1');
    expect(cluster.network.some((message) => message.type === 'heartbeat' && message.readRound > 0)).toBe(false);
    cluster.settle();
    expect(confirmed).toEqual(['r1@2']);
  });
});
