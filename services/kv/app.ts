import type { FastifyInstance, FastifyPluginCallback } from 'fastify';
import { ServiceError } from '../../kit/errors.ts';
import { createApp } from '../../kit/http.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import type { Consistency, KvNodeApi, ListQuery } from './api.ts';
import { addAdminRoutes, addClusterRoutes } from './cluster-routes.ts';
import type { KvConfig } from './config.ts';
import { addFaultRoutes } from './faults/fault-routes.ts';
import type { FaultSwitches } from './faults/fault-switches.ts';
import { misbehaving } from './faults/misbehaving-node.ts';
import { requestOptions } from './request-options.ts';
import * as schemas from './schemas.ts';

export interface KvAppOptions {
  readonly config: Pick<KvConfig, 'nodeId' | 'adminToken' | 'bodyBytesMax' | 'requestsMax'>;
  readonly node: KvNodeApi;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tracing?: FastifyPluginCallback | null;
  /** Only with `--faults`. */
  readonly faults?: Pick<FaultSwitches, 'set' | 'apply' | 'misbehaves'> | null;
}

/** The HTTP interface of a node. Source: requirements/lithair-replication-stress.md, "API Endpoints". */
export async function createKvApp({
  config,
  node: honest,
  logger,
  metrics,
  tracing = null,
  faults = null,
}: KvAppOptions): Promise<FastifyInstance> {
  const node = faults === null ? honest : misbehaving(honest, faults.misbehaves);
  const { bodyBytesMax, requestsMax } = config;
  const app = await createApp({ logger, metrics, ready: () => node.ready(), bodyBytesMax, requestsMax, tracing });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('X-Node-Id', config.nodeId);
    done();
  });
  addWriteRoutes(app, node);
  addReadRoutes(app, node);
  addClusterRoutes(app, node);
  if (config.adminToken !== null) {
    addAdminRoutes(app, node, config.adminToken);
    if (faults !== null) addFaultRoutes(app, faults, config.adminToken);
  }
  return app;
}

interface EntryPath {
  readonly id: string;
}

function addWriteRoutes(app: FastifyInstance, node: KvNodeApi): void {
  app.post<{ Body: { key: string; value: string } }>(
    '/api/kv',
    { schema: { body: schemas.createBody, response: { 201: schemas.entry } } },
    async (request, reply) => {
      refuseHalfCharacters(request.body);
      const entry = await node.create(request.body, requestOptions(request.headers, performance.now()));
      return reply.code(201).header('Location', `/api/kv/${entry.id}`).send(entry);
    },
  );
  app.put<{ Params: EntryPath; Body: { key?: string; value?: string } }>(
    '/api/kv/:id',
    { schema: { params: schemas.entryPath, body: schemas.updateBody, response: { 200: schemas.entry } } },
    async (request) => {
      refuseHalfCharacters(request.body);
      return node.update(idOf(request.params), request.body, requestOptions(request.headers, performance.now()));
    },
  );
  app.delete<{ Params: EntryPath }>(
    '/api/kv/:id',
    { schema: { params: schemas.entryPath } },
    async (request, reply) => {
      await node.delete(idOf(request.params), requestOptions(request.headers, performance.now()));
      return reply.code(204).send();
    },
  );
}

function addReadRoutes(app: FastifyInstance, node: KvNodeApi): void {
  app.get<{ Params: EntryPath; Querystring: { consistency: Consistency } }>(
    '/api/kv/:id',
    { schema: { params: schemas.entryPath, querystring: schemas.readQuery, response: { 200: schemas.entry } } },
    (request) =>
      node.get(idOf(request.params), request.query.consistency, requestOptions(request.headers, performance.now())),
  );
  app.get<{ Querystring: ListQuery & { consistency: Consistency } }>(
    '/api/kv',
    { schema: { querystring: schemas.listQuery, response: { 200: schemas.entries } } },
    async (request, reply) => {
      const { consistency, after, ...rest } = request.query;
      const query = after === undefined ? rest : { ...rest, after: after.toLowerCase() };
      const page = await node.list(query, consistency, requestOptions(request.headers, performance.now()));
      if (page.next !== undefined) reply.header('Link', `<${nextPage(query, consistency, page.next)}>; rel="next"`);
      return page.entries;
    },
  );
  app.get('/status', { schema: { response: { 200: schemas.nodeStatus } } }, () => node.status());
}

/** UUIDs are written in either case (RFC 9562) and stored in lower case. */
function idOf(path: EntryPath): string {
  return path.id.toLowerCase();
}

/** JSON can hold half of a surrogate pair; UTF-8 cannot, so storing it would quietly change it. */
function refuseHalfCharacters(body: { readonly key?: string; readonly value?: string }): void {
  for (const name of ['key', 'value'] as const) {
    if (body[name]?.isWellFormed() === false) {
      throw new ServiceError('VALIDATION', `body.${name} holds half of a surrogate pair: requires valid Unicode`);
    }
  }
}

function nextPage(query: ListQuery, consistency: Consistency, after: string): string {
  const parameters = new URLSearchParams({ limit: String(query.limit), after, consistency });
  if (query.key !== undefined) parameters.set('key', query.key);
  return `/api/kv?${parameters}`;
}
