import { expect, test } from '@jest/globals';
import type { MembershipChange, RefusalReason } from '../core/raft/types.ts';
import { CallError } from '../transport/call.ts';
import { askToJoin } from './formation.ts';
import { LeaderDuties, type LeaderDutiesParts } from './leader-duties.ts';

const place = (id: number) => ({ host: '127.0.0.1', port: 8080 + id, peerPort: 9080 + id });
const self = (id: number) => `127.0.0.1:${8080 + id}/${9080 + id}#instance-${id}`;
const membership = { voters: [0], votersOutgoing: [], learners: [], retired: [], addresses: { 0: self(0) } };

/** The leader of one node, whose Raft refuses every change of members. */
function refusing(reason: RefusalReason): { duties: LeaderDuties; asked: MembershipChange[] } {
  const asked: MembershipChange[] = [];
  const changeMembership = async (change: MembershipChange) => {
    asked.push(change);
    return reason;
  };
  const member = { membership, changeMembership } as Partial<
    LeaderDutiesParts['member']
  > as LeaderDutiesParts['member'];
  const snapshots = {} as LeaderDutiesParts['snapshots'];
  const duties = new LeaderDuties({ member, snapshots, tickMs: 10, until: async () => {} });
  return { duties, asked };
}

test.each(['busy', 'invalid'] as const)(
  'a node whose join cannot be taken on just now (%s) goes on asking, and does not give up its id',
  async (reason) => {
    const { duties, asked } = refusing(reason);
    const refused = duties.join({ node_id: 1, self: self(1) }, 2000);
    await expect(refused).rejects.toMatchObject({ code: 'OVERLOADED', definite: true });
    expect(asked).toEqual([{ type: 'addLearner', node: 1, address: self(1) }]);
    const answer = await askToJoin([place(0)], {
      transport: {
        call: () =>
          duties.join({ node_id: 1, self: self(1) }, 2000).catch(({ message, status, code }) => {
            throw new CallError(message, status, { code });
          }),
      },
      self: { ...place(1), instanceId: 'instance-1' },
      nodeId: 1,
      signal: new AbortController().signal,
      onWaiting: () => {},
    });
    expect(answer).toBeNull();
  },
);

test('an administrator is told of the conflict', async () => {
  const { duties } = refusing('busy');
  const change = { type: 'addLearner', node: 1, address: self(1) } as const;
  await expect(duties.changeMembership(change, 2000)).rejects.toMatchObject({ code: 'CONFLICT' });
});
