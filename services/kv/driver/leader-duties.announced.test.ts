import { expect, test } from '@jest/globals';
import { planChange } from '../core/raft/membership.ts';
import type { Membership, MembershipChange } from '../core/raft/types.ts';
import { LeaderDuties, type LeaderDutiesParts } from './leader-duties.ts';

const place = (id: number) => `127.0.0.1:${8080 + id}/${9080 + id}`;

/** A leader whose Raft takes every change that is possible at once. */
function leader(membership: Membership) {
  const member = {
    membership,
    status: () => ({ commitIndex: 1, lastIndex: 1, progress: [] }),
    termAt: () => 1,
    changeMembership: async (change: MembershipChange) => {
      const next = planChange(member.membership, change);
      if (typeof next === 'string') return 'invalid';
      member.membership = next;
      return { index: 1, term: 1 };
    },
  };
  const duties = new LeaderDuties({
    member: member as unknown as LeaderDutiesParts['member'],
    snapshots: {} as LeaderDutiesParts['snapshots'],
    tickMs: 10,
    until: async () => {},
  });
  return { member, duties };
}

test('a learner that an administrator announced comes in with --join, and in no second life', async () => {
  const addresses = { 0: `${place(0)}#a` };
  const { member, duties } = leader({ voters: [0], votersOutgoing: [], learners: [], retired: [], addresses });
  await duties.changeMembership({ type: 'addLearner', node: 1, address: place(1) }, 1000);
  const answer = await duties.join({ node_id: 1, self: `${place(1)}#first` }, 1000);
  expect(answer).toEqual({ state: 'learner', members: { ...addresses, 1: `${place(1)}#first` } });
  expect(member.membership.learners).toEqual([1]);
  await expect(duties.join({ node_id: 1, self: `${place(1)}#first` }, 1000)).resolves.toEqual(answer);
  await expect(duties.join({ node_id: 1, self: `${place(1)}#second` }, 1000)).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});

test('nodes join in any order of their ids; one that was removed does not come back, and is told which ids are free', async () => {
  const addresses = { 0: `${place(0)}#a` };
  const { member, duties } = leader({ voters: [0], votersOutgoing: [], learners: [], retired: [], addresses });
  const join = (id: number) => duties.join({ node_id: id, self: `${place(id)}#first` }, 1000);
  await expect(join(4)).resolves.toMatchObject({ state: 'learner' });
  await expect(join(3)).resolves.toMatchObject({ state: 'learner' });
  await duties.changeMembership({ type: 'changeVoters', promote: [], remove: [4] }, 1000);
  expect(member.membership.retired).toEqual([4]);
  const told = 'node 4 was a member and has been removed; its id cannot be used again: choose one that is in no list: ';
  await expect(join(4)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: `${told}members 0, 3; removed 4: stress_node --node-id 5 --port 8084 --join <ports of members>`,
  });
  await expect(duties.changeMembership({ type: 'addLearner', node: 4, address: place(4) }, 1000)).rejects.toMatchObject(
    { code: 'CONFLICT', message: `${told}members 0, 3; removed 4` },
  );
});
