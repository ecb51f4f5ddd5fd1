import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { ADMIN_TOKEN, appOverFake } from './testing/app.ts';
import type { FakeNode } from './testing/fake-node.ts';

let app: FastifyInstance;
let node: FakeNode;
beforeEach(async () => {
  ({ app, node } = await appOverFake({ adminToken: ADMIN_TOKEN }));
});

describe('status', () => {
  test('every answer carries all of its fields', async () => {
    expect((await app.inject('/status')).json()).toEqual(node.status());
    expect((await app.inject('/_raft/health')).json()).toEqual(node.raftHealth());
    expect((await app.inject('/_raft/resync_stats')).json()).toEqual(node.resyncStats());
    const { followers } = (await app.inject('/_raft/sync-status')).json();
    expect(followers[0]).not.toHaveProperty('snapshot');
    expect(followers[1]).toEqual({
      node_id: 2,
      address: '127.0.0.1:8080',
      status: 'snapshotting',
      last_replicated_index: 0,
      lag: 8,
      last_contact_ms: 12.7,
      consecutive_failures: 2,
      snapshot: { index: 5, bytes_sent: 10, bytes_total: 20 },
    });
  });
});

describe('POST /_raft/force-resync', () => {
  const force = (query: string) => app.inject({ method: 'POST', url: `/_raft/force-resync${query}` });

  test('is accepted without a body or a token, as in the document', async () => {
    const response = await force('?target=127.0.0.1:8082');
    expect([response.statusCode, response.json()]).toEqual([
      202,
      { target: '127.0.0.1:8082', node_id: 2, leader_id: 1, snapshot_index: 5 },
    ]);
  });

  test('needs a target', async () => {
    expect((await force('')).json().error.message).toBe('query lacks "target"');
    expect((await force('?target=')).statusCode).toBe(400);
  });
});

describe('internal routes', () => {
  test.each([
    ['POST', '/_raft/append'],
    ['POST', '/_raft/snapshot'],
    ['GET', '/_raft/snapshot'],
  ] as const)('%s %s says that it lives on the peer listener', async (method, url) => {
    const payload =
      method === 'POST' ? { payload: 'binary', headers: { 'content-type': 'application/octet-stream' } } : {};
    const response = await app.inject({ method, url, ...payload } as InjectOptions);
    expect([response.statusCode, response.json().error.code]).toEqual([421, 'MISDIRECTED']);
    expect(response.json().error.message).toContain('mutual TLS');
  });
});

const ADMIN_REQUESTS = [
  ['POST', '/_raft/transfer-leadership', { to: 2 }],
  ['POST', '/_raft/members', { node_id: 3, address: '127.0.0.1:8083/9083' }],
  ['PATCH', '/_raft/members', { promote: [3] }],
] as const;

describe('admin routes', () => {
  const admin = (method: 'POST' | 'PATCH', url: string, payload?: object, token = `Bearer ${ADMIN_TOKEN}`) =>
    app.inject({ method, url, payload, headers: token === '' ? {} : { authorization: token } } as InjectOptions);

  test.each(ADMIN_REQUESTS)('%s %s does not exist without --faults', async (method, url, payload) => {
    const { app: closed } = await appOverFake();
    expect((await closed.inject({ method, url, payload } as InjectOptions)).statusCode).toBe(404);
  });

  test.each(ADMIN_REQUESTS)('%s %s asks for the token before it looks at the body', async (method, url, _payload) => {
    for (const token of [
      '',
      'Bearer',
      'Bearer wrong',
      ADMIN_TOKEN,
      `Bearer ${ADMIN_TOKEN}x`,
      `bearer ${ADMIN_TOKEN}`,
    ]) {
      const response = await admin(method, url, { nonsense: 1 }, token);
      expect([response.statusCode, response.headers['www-authenticate']]).toEqual([401, 'Bearer']);
      expect(response.json().error.code).toBe('UNAUTHORIZED');
    }
    expect(node.calls).toEqual([]);
  });

  test('transfer to a named node, or to one that the leader chooses', async () => {
    expect((await admin('POST', '/_raft/transfer-leadership', { to: 0 })).json()).toEqual({ leader_id: 0, term: 4 });
    expect((await admin('POST', '/_raft/transfer-leadership')).statusCode).toBe(200);
    expect(node.calls.map((call) => call.input)).toEqual([0, null]);
  });

  test('members are added as learners, then promoted or removed together', async () => {
    const added = await admin('POST', '/_raft/members', { node_id: 3, address: '127.0.0.1:8083/9083' });
    expect(added.json()).toEqual({ members: node.status().members });
    await admin('PATCH', '/_raft/members', { promote: [3], remove: [2] });
    expect(node.calls.map((call) => call.input)).toEqual([
      { type: 'addLearner', node: 3, address: '127.0.0.1:8083/9083' },
      { type: 'changeVoters', promote: [3], remove: [2] },
    ]);
  });

  test.each([
    ['POST', '/_raft/transfer-leadership', { to: -1 }, 'body.to = -1'],
    ['POST', '/_raft/members', { node_id: 3, address: '127.0.0.1' }, 'body.address = "127.0.0.1"'],
    ['POST', '/_raft/members', { node_id: 1e300, address: '127.0.0.1:8083/9083' }, 'body.node_id = 1e+300'],
    ['POST', '/_raft/members', { node_id: 3, address: `${'a'.repeat(297)}:1/2` }, 'body.address'],
    ['PATCH', '/_raft/members', {}, 'body requires at least 1 field'],
    ['PATCH', '/_raft/members', { promote: ['3'] }, 'body.promote.0 = "3": requires an integer'],
  ] as const)('%s %s refuses %j', async (method, url, payload, message) => {
    const response = await admin(method, url, payload);
    expect([response.statusCode, response.json().error.message]).toEqual([400, expect.stringContaining(message)]);
  });
});
