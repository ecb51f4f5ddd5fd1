import { describe, expect, test } from '@jest/globals';
import { CallError, type CallTarget } from '../transport/call.ts';
import { firstMembership } from './admission.ts';
import { askToJoin, type FormationOptions, formCluster, type Hello } from './formation.ts';

const place = (id: number) => ({ host: '127.0.0.1', port: 8080 + id, peerPort: 9080 + id });
const self = (id: number, instance: string) => `127.0.0.1:${8080 + id}/${9080 + id}#${instance}`;
const MEMBERS = [0, 1, 2].map((id) => ({ id, ...place(id) }));
const FORMED = { 0: self(0, 'a'), 1: self(1, 'b'), 2: self(2, 'c') };

function hello(id: number, instance: string, changes: Partial<Hello> = {}): Hello {
  return {
    node_id: id,
    self: self(id, instance),
    expected: [0, 1, 2],
    members: null,
    retired: [],
    founders: null,
    ...changes,
  };
}

/** Node 2, with a new instance unless told otherwise. */
function options(answer: (target: CallTarget, name: string) => unknown, instanceId = 'new'): FormationOptions {
  return {
    transport: { call: async (target, name) => answer(target, name) },
    self: { ...place(2), instanceId },
    nodeId: 2,
    signal: new AbortController().signal,
    onWaiting: () => {},
  };
}

describe('founding a cluster', () => {
  test('all members are asked until all have answered', async () => {
    let calls = 0;
    const agreed = await formCluster(
      MEMBERS,
      options(({ node }) => {
        calls += 1;
        if (node === 1 && calls < 4) throw new CallError('not there yet', null, null);
        return hello(node!, node === 0 ? 'a' : 'b');
      }),
    );
    expect(agreed).toEqual({ members: { 0: self(0, 'a'), 1: self(1, 'b'), 2: self(2, 'new') }, joined: false });
  });

  test('a member that refuses to speak to this node is no member that is not there yet: the reason is told', async () => {
    const refusal = 'node 2 speaks version 2.0 of the peer protocol, this node 1.0: upgrade this node';
    const call = () => {
      throw new CallError(refusal, 409, { code: 'CONFLICT', message: refusal });
    };
    const founding = formCluster(MEMBERS, { ...options(call), signal: AbortSignal.timeout(1000) });
    await expect(founding).rejects.toMatchObject({ code: 'FORMATION', message: refusal });
  });

  test('a cluster that knows this instance is entered', async () => {
    const members = await formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { members: FORMED, founders: FORMED }), 'c'),
    );
    expect(members).toEqual({ members: FORMED, joined: false });
  });

  test('whoever comes late begins with the founders, not with the learners that were added since', async () => {
    const grown = { ...FORMED, 3: self(3, 'd'), 4: self(4, 'e') };
    const { members, joined } = await formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { members: grown, founders: FORMED }), 'c'),
    );
    expect(firstMembership(members, 2, joined)).toMatchObject({ voters: [0, 1, 2], learners: [] });
  });

  test('told by a node that joined itself, it learns from the log who votes', async () => {
    const grown = { ...FORMED, 3: self(3, 'd') };
    const { members, joined } = await formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'd', { members: grown }), 'c'),
    );
    expect(firstMembership(members, 2, joined)).toMatchObject({ learners: [2] });
  });

  test('a cluster that knows another instance refuses it, with the command that helps', async () => {
    const founding = formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { members: FORMED })),
    );
    await expect(founding).rejects.toThrow(
      /node 2 lost its data.*stress_node --node-id 3 --port 8082 --join 8080,8081$/,
    );
  });

  test('the new id it is told to take is in no list, that of the removed included', async () => {
    const founding = formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { members: FORMED, retired: [3, 7] })),
    );
    await expect(founding).rejects.toThrow('stress_node --node-id 8 ');
  });

  test('a node that was removed is told so', async () => {
    const { 2: _, ...others } = FORMED;
    const founding = formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { members: others })),
    );
    await expect(founding).rejects.toThrow('node 2 is no member of this cluster any more');
  });

  test('nodes that were started with different members are told so', async () => {
    const founding = formCluster(
      MEMBERS,
      options(({ node }) => hello(node!, 'a', { expected: [0, 1] })),
    );
    await expect(founding).rejects.toThrow('node 0 was started with nodes 0, 1, this one with nodes 0, 1, 2');
  });
});

describe('joining', () => {
  test('goes to the leader that a follower points to', async () => {
    const asked: number[] = [];
    const answer = await askToJoin(
      [place(0)],
      options((target) => {
        asked.push(target.peerPort);
        if (target.peerPort === 9081) return { state: 'learner', members: FORMED };
        throw new CallError('node 1 leads', 421, { code: 'MISDIRECTED', details: { leader: self(1, 'b') } });
      }),
    );
    expect(asked).toEqual([9080, 9081]);
    expect(answer).toEqual({ state: 'learner', members: FORMED });
  });

  test('an id that was used is refused for good; silence is not', async () => {
    const conflict = askToJoin(
      [place(0)],
      options(() => {
        throw new CallError('ids are never used twice', 409, { code: 'CONFLICT' });
      }),
    );
    await expect(conflict).rejects.toThrow('ids are never used twice');
    const silence = askToJoin(
      [place(0), place(1)],
      options(() => {
        throw new CallError('ECONNREFUSED', null, null);
      }),
    );
    expect(await silence).toBeNull();
  });
});
