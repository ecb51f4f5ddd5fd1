import { expect, test } from '@jest/globals';
import { LeaderDuties, type LeaderDutiesParts } from './leader-duties.ts';

const membership = { voters: [0, 1, 2], votersOutgoing: [], learners: [], retired: [], addresses: {} };
const change = { type: 'addLearner', node: 3, address: '127.0.0.1:8083/9083' } as const;

/** A leader whose Raft puts a change at index 100 in term 5; `term` is what stands there once something is committed. */
function leader(term: number | null): LeaderDuties {
  const member = {
    membership,
    status: () => ({ commitIndex: 100 }),
    changeMembership: async () => ({ index: 100, term: 5 }),
    termAt: () => term,
  } as unknown as LeaderDutiesParts['member'];
  const snapshots = {} as LeaderDutiesParts['snapshots'];
  return new LeaderDuties({ member, snapshots, tickMs: 10, until: async () => {} });
}

test.each([
  ['is confirmed when it was committed', 5, null],
  ['is reported lost when a later leader committed something else in its place', 6, true],
  ['has an unknown outcome when a snapshot hides its place', null, false],
])('a change of members %s', async (_what, term, definite) => {
  const changed = leader(term).changeMembership(change, 1000);
  if (definite === null) expect(await changed).toEqual({ members: [] });
  else await expect(changed).rejects.toMatchObject({ code: 'NO_QUORUM', definite });
});
