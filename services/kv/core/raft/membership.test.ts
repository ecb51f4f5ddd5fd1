import { describe, expect, test } from '@jest/globals';
import {
  decodeMembership,
  encodeMembership,
  isQuorum,
  leaveJoint,
  MembershipHistory,
  nextNodeId,
  planChange,
  quorumIndex,
} from './membership.ts';
import type { Membership } from './types.ts';

const of = (
  voters: number[],
  votersOutgoing: number[] = [],
  learners: number[] = [],
  retired: number[] = [],
): Membership => ({
  voters,
  votersOutgoing,
  learners,
  retired,
  addresses: Object.fromEntries([...voters, ...votersOutgoing, ...learners].map((id) => [id, `host-${id}`])),
});

describe('quorums', () => {
  test.each([
    [[1, 2, 3], [], [1, 2], true],
    [[1, 2, 3], [], [1], false],
    [[1, 2, 3, 4], [], [1, 2], false],
    [[1, 4, 5], [1, 2, 3], [1, 4], false],
    [[1, 4, 5], [1, 2, 3], [1, 4, 2], true],
    [[], [], [1], false],
  ])('of %j and outgoing %j: %j', (voters, outgoing, nodes, expected) => {
    expect(isQuorum(of(voters, outgoing), (node) => nodes.includes(node))).toBe(expected);
  });

  test('the index that a majority of each set has reached', () => {
    const match = (node: number) => [0, 10, 20, 30, 5, 6][node]!;
    expect(quorumIndex(of([1, 2, 3]), match)).toBe(20);
    expect(quorumIndex(of([1, 2, 3, 4]), match)).toBe(10);
    expect(quorumIndex(of([1, 2, 3], [3, 4, 5]), match)).toBe(6);
  });
});

describe('a change', () => {
  test('of voters is joint, and leaves nothing of those who go', () => {
    const joint = planChange(of([1, 2, 3], [], [4]), { type: 'changeVoters', promote: [4], remove: [3] });
    expect(joint).toEqual({
      ...of([1, 2, 4], [1, 2, 3]),
      addresses: { 1: 'host-1', 2: 'host-2', 3: 'host-3', 4: 'host-4' },
    });
    expect(leaveJoint(joint as Membership)).toEqual(of([1, 2, 4], [], [], [3]));
  });

  test('of learners is not', () => {
    expect(planChange(of([1]), { type: 'addLearner', node: 2, address: 'host-2' })).toEqual(of([1], [], [2]));
    expect(planChange(of([1], [], [2]), { type: 'changeVoters', promote: [], remove: [2] })).toEqual(
      of([1], [], [], [2]),
    );
  });

  test('takes nodes in whatever the order of their ids', () => {
    const grown = planChange(of([0, 1, 2]), { type: 'addLearner', node: 4, address: 'host-4' });
    const both = planChange(grown as Membership, { type: 'addLearner', node: 3, address: 'host-3' });
    expect(both).toEqual(of([0, 1, 2], [], [4, 3]));
  });

  test('retires voters when the joint configuration ends, learners at once, and never gives their ids again', () => {
    const joint = planChange(of([1, 2, 30], [], [4, 5], [7]), { type: 'changeVoters', promote: [4], remove: [30, 5] });
    expect(joint).toEqual(of([1, 2, 4], [1, 2, 30], [], [5, 7]));
    const left = leaveJoint(joint as Membership);
    expect(left).toEqual(of([1, 2, 4], [], [], [5, 7, 30]));
    for (const node of [5, 7, 30]) {
      expect(planChange(left, { type: 'addLearner', node, address: 'x' })).toBe(
        `node ${node} was removed: its id is not used again`,
      );
    }
    expect(nextNodeId(left)).toBe(31);
    expect(nextNodeId(of([1, 9], [], [], [3]))).toBe(10);
  });

  test.each([
    [{ type: 'addLearner', node: 1, address: 'x' }, 'node 1 is a member already'],
    [{ type: 'changeVoters', promote: [2], remove: [] }, 'node 2 is no learner'],
    [{ type: 'changeVoters', promote: [], remove: [9] }, 'node 9 is no member'],
    [{ type: 'changeVoters', promote: [], remove: [1, 2, 3] }, 'no voter would be left'],
    [{ type: 'changeVoters', promote: [4], remove: [4] }, 'node 4 is both promoted and removed'],
    [{ type: 'changeVoters', promote: [], remove: [] }, 'nothing would change'],
  ] as const)('%j is refused', (change, reason) => {
    expect(planChange(of([1, 2, 3], [], [4]), change)).toBe(reason);
  });
});

test('a configuration survives its encoding', () => {
  const membership = of([1, 2], [3], [4], [5, 600]);
  expect(decodeMembership(encodeMembership(membership))).toEqual(membership);
});

test.each([[undefined], [5], [['5']], [[0.5]], [{ 0: 5 }]])('one whose retired are %j is refused', (retired) => {
  const data = new TextEncoder().encode(JSON.stringify({ ...of([1]), retired }));
  expect(() => decodeMembership(data)).toThrow('names no list of nodes');
});

test('the history goes back on truncation and forgets on compaction', () => {
  const history = new MembershipHistory(0, of([1]));
  history.append(5, of([2]));
  history.append(9, of([3]));
  expect([4, 5, 8, 9, 99].map((index) => history.at(index).voters[0])).toEqual([1, 2, 2, 3, 3]);
  expect(history.truncateFrom(10)).toBe(false);
  expect(history.truncateFrom(9)).toBe(true);
  expect([history.current.voters[0], history.index, history.previous?.voters[0]]).toEqual([2, 5, 1]);
  history.compactTo(5);
  expect([history.current.voters[0], history.previous]).toEqual([2, null]);
});
