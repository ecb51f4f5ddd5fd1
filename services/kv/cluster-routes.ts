import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from '../../kit/errors.ts';
import type { KvNodeApi } from './api.ts';
import { requestOptions } from './request-options.ts';
import * as schemas from './schemas.ts';

/** `/_raft/*` of the document, open to everybody who reaches the client port. */
export function addClusterRoutes(app: FastifyInstance, node: KvNodeApi): void {
  app.get('/_raft/health', { schema: { response: { 200: schemas.raftHealth } } }, () => node.raftHealth());
  app.get('/_raft/sync-status', { schema: { response: { 200: schemas.syncStatus } } }, (request) =>
    node.syncStatus(requestOptions(request.headers, performance.now())),
  );
  app.get('/_raft/resync_stats', { schema: { response: { 200: schemas.resyncStats } } }, () => node.resyncStats());
  app.post<{ Querystring: { target: string } }>(
    '/_raft/force-resync',
    { schema: { querystring: schemas.resyncQuery, response: { 202: schemas.resyncAccepted } } },
    async (request, reply) => {
      const options = requestOptions(request.headers, performance.now());
      return reply.code(202).send(await node.forceResync(request.query.target, options));
    },
  );
  for (const [method, url] of [
    ['POST', '/_raft/append'],
    ['POST', '/_raft/snapshot'],
    ['GET', '/_raft/snapshot'],
  ] as const) {
    // Before the body is read: it may be of any size and type.
    app.route({ method, url, onRequest: refuseInternal, handler: refuseInternal });
  }
}

async function refuseInternal(): Promise<never> {
  throw new ServiceError(
    'MISDIRECTED',
    'log replication and snapshots live on the peer listener (the client port + 1000 unless set), with mutual TLS: they are for members only',
  );
}

/** Endpoints that change the cluster: they exist only with `--faults`, and ask for `Authorization: Bearer <admin token>`. */
export function addAdminRoutes(app: FastifyInstance, node: KvNodeApi, adminToken: string): void {
  app.register(async (admin) => {
    requireToken(admin, adminToken);
    admin.post<{ Body: { to?: number } | null | undefined }>(
      '/_raft/transfer-leadership',
      { schema: { body: schemas.transferBody, response: { 200: schemas.leadershipTransfer } } },
      (request) =>
        node.transferLeadership(request.body?.to ?? null, requestOptions(request.headers, performance.now())),
    );
    const response = { 200: schemas.members };
    admin.post<{ Body: { node_id: number; address: string } }>(
      '/_raft/members',
      { schema: { body: schemas.learnerBody, response } },
      (request) => {
        const { node_id, address } = request.body;
        const options = requestOptions(request.headers, performance.now());
        return node.changeMembership({ type: 'addLearner', node: node_id, address }, options);
      },
    );
    admin.patch<{ Body: { promote?: number[]; remove?: number[] } }>(
      '/_raft/members',
      { schema: { body: schemas.votersBody, response } },
      (request) => {
        const { promote = [], remove = [] } = request.body;
        const options = requestOptions(request.headers, performance.now());
        return node.changeMembership({ type: 'changeVoters', promote, remove }, options);
      },
    );
  });
}

/** Refuses, before anything else is looked at, every request to this part of the application that does not bear the token. */
export function requireToken(admin: FastifyInstance, adminToken: string): void {
  admin.addHook('onRequest', async (request, reply) => {
    if (authorized(request.headers.authorization, adminToken)) return;
    reply.header('WWW-Authenticate', 'Bearer');
    throw new ServiceError('UNAUTHORIZED', 'requires the header "Authorization: Bearer <admin token>"');
  });
}

/** Compares digests, so that neither the time nor the length tells how much of a guess was right. */
function authorized(header: string | undefined, adminToken: string): boolean {
  const digest = (token: string) => createHash('sha256').update(token).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${adminToken}`));
}
