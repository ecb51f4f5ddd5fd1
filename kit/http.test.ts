import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { ServiceError } from './errors.ts';
import { type AppOptions, createApp, type Readiness } from './http.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { until } from './until.ts';

const SCHEMA = {
  body: { type: 'object', additionalProperties: false, required: ['name'], properties: { name: { type: 'string' } } },
  querystring: { type: 'object', additionalProperties: false, properties: { limit: { type: 'integer', maximum: 9 } } },
};

const opened: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

async function build(options: Partial<AppOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', bindings: {}, stream: { write: (line) => void lines.push(line) } });
  const metrics = createMetrics({ info: { system: 'demo', node: '0', version: '1' }, runtime: false });
  const app = await createApp({ logger, metrics, ready: () => ({ ready: true }), bodyBytesMax: 1000, ...options });
  opened.push(app);
  app.post('/things', { schema: SCHEMA }, (request) => ({ got: request.body, query: request.query }));
  app.get('/things/:id', (request) => request.params);
  app.delete('/things/:id', (_request, reply) => reply.code(204).send());
  app.get('/broken', () => {
    throw new Error('password=hunter2');
  });
  app.get('/refused', () => {
    throw new ServiceError('NO_QUORUM', 'no leader', { definite: false });
  });
  return {
    app,
    metrics,
    lines,
    post: (payload: string, type = 'application/json') =>
      app.inject({ method: 'POST', url: '/things', payload, headers: { 'content-type': type } }),
  };
}

/** A route that answers when told to. */
function addGate(app: FastifyInstance) {
  const gate = Promise.withResolvers<void>();
  const entered = Promise.withResolvers<void>();
  app.get('/slow', async () => {
    entered.resolve();
    await gate.promise;
    return { done: true };
  });
  return { open: gate.resolve, entered: entered.promise };
}

describe('health and readiness', () => {
  test('health is about the process, readiness about the node', async () => {
    let state: Readiness = { ready: false, reason: 'no leader yet' };
    const { app } = await build({ ready: () => state });
    expect((await app.inject('/health')).json()).toEqual({ status: 'ok' });
    const notYet = await app.inject('/ready');
    expect([notYet.statusCode, notYet.json()]).toEqual([503, { ready: false, reason: 'no leader yet' }]);
    state = { ready: true };
    expect((await app.inject('/ready')).statusCode).toBe(200);
  });
});

describe('errors', () => {
  test.each([
    ['not JSON', '{"name":', 400, 'NOT_JSON', 'the body is not JSON'],
    ['empty', '', 400, 'VALIDATION', 'body = null: requires an object'],
    ['prototype poisoning', '{"__proto__":{}}', 400, 'NOT_JSON', 'the body is not JSON'],
    ['too large', JSON.stringify({ name: 'x'.repeat(1000) }), 413, 'BODY_TOO_LARGE', 'requires at most 1000 bytes'],
    ['wrong type', '{"name":5}', 400, 'VALIDATION', 'body.name = 5: requires a string'],
    ['no object', '[]', 400, 'VALIDATION', 'body = []: requires an object'],
    ['missing field', '{}', 400, 'VALIDATION', 'body lacks "name"'],
    ['unknown field', '{"name":"a","nmae":"b"}', 400, 'VALIDATION', 'body has no field "nmae": did you mean "name"?'],
  ])('a body that is %s', async (_case, payload, status, code, message) => {
    const { post } = await build();
    const response = await post(payload);
    expect(response.statusCode).toBe(status);
    expect(response.json()).toEqual({ error: { code, message: expect.stringContaining(message), definite: true } });
  });

  test('a body of another type says which header to send', async () => {
    const { post } = await build();
    const response = await post('name=a', 'application/x-www-form-urlencoded');
    expect([response.statusCode, response.json().error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    expect(response.json().error.message).toContain('Content-Type: application/json');
  });

  test('numbers are read from the query, but only numbers and only once', async () => {
    const { app } = await build();
    const ask = (query: string) => app.inject({ method: 'POST', url: `/things?${query}`, payload: { name: 'a' } });
    expect((await ask('limit=3')).json().query).toEqual({ limit: 3 });
    expect((await ask('limit=x')).json().error.message).toBe('query.limit = "x": requires an integer');
    expect((await ask('limit=10')).json().error.message).toContain('requires a number <= 9');
    expect((await ask('limit=1&limit=2')).json().error.message).toContain('query.limit = ["1","2"]');
    expect((await ask('lmit=1')).json().error.message).toContain('did you mean "limit"?');
  });

  test('an unknown path is 404, a wrong method 405 with what is allowed', async () => {
    const { app } = await build();
    const unknown = await app.inject('/nowhere?x=1');
    expect([unknown.statusCode, unknown.json().error]).toEqual([
      404,
      { code: 'NOT_FOUND', message: 'there is no /nowhere here', definite: true },
    ]);
    const wrong = await app.inject({ method: 'PATCH', url: '/things/7' });
    expect([wrong.statusCode, wrong.headers.allow, wrong.json().error.code]).toEqual([
      405,
      'DELETE, GET, HEAD',
      'METHOD_NOT_ALLOWED',
    ]);
  });

  test('a ServiceError keeps its code, status, definiteness and delay', async () => {
    const { app } = await build();
    const response = await app.inject('/refused');
    expect([response.statusCode, response.headers['retry-after']]).toEqual([503, '1']);
    expect(response.json().error).toEqual({ code: 'NO_QUORUM', message: 'no leader', definite: false });
  });

  test('a bug is INTERNAL: the client learns nothing, the log everything', async () => {
    const { app, lines } = await build();
    const response = await app.inject('/broken');
    expect(response.statusCode).toBe(500);
    expect(response.json().error).toMatchObject({ code: 'INTERNAL', definite: false });
    expect(response.body).not.toContain('hunter2');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'error',
      route: '/broken',
      err: { message: 'password=hunter2' },
    });
  });

  test('a path that cannot be decoded has the same shape', async () => {
    const { app } = await build();
    const response = await app.inject('/things/%zz');
    expect([response.statusCode, response.json().error.code]).toEqual([400, 'VALIDATION']);
  });

  test('what is not HTTP at all has the same shape', async () => {
    const { app } = await build();
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('HELLO\r\n\r\n'));
      let text = '';
      socket.on('data', (data) => {
        text += data;
      });
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 \r\n/);
    expect(JSON.parse(answer.split('\r\n\r\n')[1]!).error.code).toBe('VALIDATION');
  });
});

describe('metrics', () => {
  test('the route label is the pattern; unknown paths share one value', async () => {
    const { app } = await build();
    for (const url of ['/things/1', '/things/2', '/nowhere', '/elsewhere']) await app.inject(url);
    const { body, headers } = await app.inject('/metrics');
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain('http_requests_total{method="GET",route="/things/:id",status="200"} 2');
    expect(body).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 2');
    expect(body).toContain('http_request_duration_seconds_count{method="GET",route="/things/:id"} 2');
    expect(body).not.toContain('/nowhere');
    expect(body).toContain('http_requests_in_flight 1'); // this scrape itself
  });

  test('a client that goes away is counted as 499 and leaves nothing in flight', async () => {
    const { app, metrics } = await build({ requestsMax: 1 });
    const gate = addGate(app);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const client = new AbortController();
    const request = fetch(`${url}/slow`, { signal: client.signal }).catch(() => 'aborted');
    await gate.entered;
    client.abort();
    await request;
    const gone = 'http_requests_total{method="GET",route="/slow",status="499"} 1';
    const body = await until(async () => {
      const exposition = await metrics.exposition();
      return exposition.body.includes(gone) && exposition.body;
    });
    expect(body).toContain('http_requests_in_flight 0');
    expect((await fetch(`${url}/things/1`)).status).toBe(200);
    gate.open();
  });
});

describe('bounds', () => {
  test('one request too many is OVERLOADED, what watches the node is answered', async () => {
    const { app } = await build({ requestsMax: 1 });
    const gate = addGate(app);
    const first = app.inject('/slow');
    await gate.entered;
    const second = await app.inject('/things/1');
    expect([second.statusCode, second.headers['retry-after']]).toEqual([503, '1']);
    expect(second.json().error).toMatchObject({ code: 'OVERLOADED', definite: true });
    for (const url of ['/health', '/ready', '/metrics']) expect((await app.inject(url)).statusCode).toBe(200);
    gate.open();
    expect((await first).statusCode).toBe(200);
    expect((await app.inject('/things/1')).statusCode).toBe(200);
  });
});

describe('closing', () => {
  test('what is in flight completes on a connection that then ends', async () => {
    const { app } = await build();
    const gate = addGate(app);
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const inFlight = fetch(`${url}/slow`);
    await gate.entered;
    const closed = app.close();
    const refused = await fetch(`${url}/things/1`).then(
      (response) => response.status,
      () => 'refused',
    );
    expect([503, 'refused']).toContain(refused);
    gate.open();
    const response = await inFlight;
    expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
    await closed;
  });

  test('a request on a connection that is already open is refused with SHUTTING_DOWN, and readiness says so', async () => {
    const { app } = await build();
    let url = '';
    const answers: number[] = [];
    app.addHook('preClose', async () => {
      for (const path of ['/things/1', '/ready', '/health']) {
        const response = await fetch(url + path);
        answers.push(response.status);
        if (path === '/things/1')
          expect(await response.json()).toMatchObject({ error: { code: 'SHUTTING_DOWN', definite: true } });
      }
    });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    await app.close();
    expect(answers).toEqual([503, 503, 200]);
  });
});
