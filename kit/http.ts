import { Ajv } from 'ajv';
import Fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import { ServiceError } from './errors.ts';
import { answerUnparsable, schemaError, sendError, toServiceError } from './http-errors.ts';
import type { Logger } from './logger.ts';
import type { HttpMetrics, Metrics } from './metrics.ts';
import { RouteTable } from './route-table.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Answered even when the node is overloaded or shutting down: what watches a node must not lose sight of it. */
    vital?: boolean;
  }
}

export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}

export interface AppOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Whether this node can serve clients now. */
  readonly ready: () => Readiness;
  /** 1 MiB unless given. */
  readonly bodyBytesMax?: number;
  /** Requests worked on at once; one more is refused with OVERLOADED. 2,000 unless given. */
  readonly requestsMax?: number;
  /** From `startTelemetry`; null when off. */
  readonly tracing?: FastifyPluginCallback | null;
}

const REQUEST_TIMEOUT_MS = 30_000;

/**
 * The application that every node builds on: /health, /ready, /metrics, request metrics, bounds, and one shape of error. It never
 * listens: `main.ts` does, tests use `inject()`.
 */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { bodyBytesMax = 1_048_576 } = options;
  const app = Fastify({
    bodyLimit: bodyBytesMax,
    requestTimeout: REQUEST_TIMEOUT_MS,
    return503OnClosing: false,
    clientErrorHandler: answerUnparsable,
    frameworkErrors: (error, _request, reply) => void sendError(reply, toServiceError(error, bodyBytesMax)),
  });
  if (options.tracing) await app.register(options.tracing);
  const shutdown = admitRequests(app, options.metrics.http, options.requestsMax ?? 2_000);
  acceptEmptyBodies(app);
  validateStrictly(app);
  answerErrors(app, options.logger, bodyBytesMax);
  addVitalRoutes(app, options, shutdown);
  return app;
}

/** The route of a path that has none. */
const UNMATCHED = 'unmatched';
/** What proxies log for a client that went away before its answer. */
const STATUS_CLIENT_GONE = '499';

interface ShutdownState {
  closing: boolean;
}

/**
 * Every request is measured; all but the vital ones are refused from the start of `app.close()` on, and when too many are worked on.
 * Every answer then ends its connection, so that the drain ends too. It is one hook, because each costs every request something.
 */
function admitRequests(app: FastifyInstance, metrics: HttpMetrics, requestsMax: number): ShutdownState {
  const state: ShutdownState = { closing: false };
  let admitted = 0;
  app.addHook('onRequest', (request, reply, done) => {
    const startMs = performance.now();
    // The pattern, never the path: a label's values must be bounded.
    const { config, url: route = UNMATCHED } = request.routeOptions;
    const refusal = config?.vital ? null : refusalOf(state, admitted, requestsMax);
    const isAdmitted = !config?.vital && refusal === null;
    if (isAdmitted) admitted++;
    metrics.inFlight.inc();
    // `close` comes in every case, also when the client goes away; the hook `onResponse` does not.
    reply.raw.on('close', () => {
      const { method } = request;
      const status = reply.raw.writableEnded ? String(reply.raw.statusCode) : STATUS_CLIENT_GONE;
      if (isAdmitted) admitted--;
      metrics.inFlight.dec();
      metrics.duration.observe({ method, route }, (performance.now() - startMs) / 1000);
      metrics.requests.inc({ method, route, status });
    });
    if (refusal === null) done();
    else done(refusal);
  });
  app.addHook('preClose', (done) => {
    state.closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (state.closing) reply.header('Connection', 'close');
    done();
  });
  return state;
}

function refusalOf({ closing }: ShutdownState, admitted: number, requestsMax: number): ServiceError | null {
  if (closing) return new ServiceError('SHUTTING_DOWN', 'this node is shutting down: ask another one');
  if (admitted < requestsMax) return null;
  const message = `this node works on ${admitted} requests already: requires at most ${requestsMax}`;
  return new ServiceError('OVERLOADED', message);
}

/** Many clients send `Content-Type: application/json` with every request, also where there is no body; the schema says if one is needed. */
function acceptEmptyBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined);
    return parseJson(request, body as string, done);
  });
}

/** Bodies are taken literally: no coercion, no silent removal. Queries, paths and headers are texts, so numbers are read from them. */
function validateStrictly(app: FastifyInstance): void {
  const literal = new Ajv({ verbose: true });
  const textual = new Ajv({ verbose: true, coerceTypes: true, useDefaults: true });
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? literal : textual).compile(schema));
  app.setSchemaErrorFormatter((errors, part) => schemaError(errors, part));
}

function answerErrors(app: FastifyInstance, logger: Logger, bodyBytesMax: number): void {
  const routes = new RouteTable();
  app.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()));
  app.setErrorHandler((thrown, request, reply) => {
    const error = toServiceError(thrown, bodyBytesMax);
    if (error.code === 'INTERNAL')
      logger.error(
        { err: thrown, method: request.method, route: request.routeOptions.url ?? UNMATCHED },
        'request failed',
      );
    return sendError(reply, error);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0]!;
    const methods = routes.methodsOf(path);
    if (methods.length === 0) return sendError(reply, new ServiceError('NOT_FOUND', `there is no ${path} here`));
    const allowed = methods.join(', ');
    reply.header('Allow', allowed);
    return sendError(
      reply,
      new ServiceError('METHOD_NOT_ALLOWED', `${request.method} ${path}: requires one of ${allowed}`),
    );
  });
}

function addVitalRoutes(app: FastifyInstance, { metrics, ready }: AppOptions, shutdown: ShutdownState): void {
  const config = { vital: true, otel: false };
  app.get('/health', { config }, () => ({ status: 'ok' }));
  app.get('/ready', { config }, (_request, reply) => {
    const readiness = shutdown.closing ? { ready: false, reason: 'shutting down' } : ready();
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', { config }, async (_request, reply) => {
    const { contentType, body } = await metrics.exposition();
    return reply.header('Content-Type', contentType).send(body);
  });
}
