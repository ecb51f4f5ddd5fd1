import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import { createApp } from './http.ts';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
}

/** A receiver that keeps what real exporters send it. */
async function startReceiver() {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    bodies.push(`${request.method} ${request.url} ${body}`);
    response.setHeader('content-type', 'application/json').end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { server, bodies, endpoint: `http://127.0.0.1:${port}/` };
}

function spansOf(bodies: readonly string[]): Span[] {
  return bodies.flatMap((body) => {
    expect(body).toMatch(/^POST \/v1\/traces \{/);
    const { resourceSpans } = JSON.parse(body.slice('POST /v1/traces '.length));
    return resourceSpans.flatMap(({ scopeSpans }: { scopeSpans: { spans: Span[] }[] }) =>
      scopeSpans.flatMap(({ spans }) => spans),
    );
  });
}

/** The body comes after the headers have been dealt with, in an event of its own. */
async function postSlowly(url: string, headers: Record<string, string>, body: string): Promise<void> {
  const client = request(url, { method: 'POST', headers });
  const answered = once(client, 'response');
  client.flushHeaders();
  await sleep(50);
  client.end(body);
  const [response] = await answered;
  response.resume();
  await once(response, 'end');
}

const SPAN_KIND_SERVER = 2;
const PARENT = '0af7651916cd43dd8448eb211c80319c';

describe('with an endpoint', () => {
  let server: Server;
  let telemetry: Telemetry;
  let app: FastifyInstance;
  let bodies: string[];
  const lines: Record<string, unknown>[] = [];

  beforeAll(async () => {
    const receiver = await startReceiver();
    ({ server, bodies } = receiver);
    const service = { name: 'gameday-demo', instance: '2', version: '0.1.0' };
    const logger = createLogger({
      level: 'info',
      bindings: {},
      stream: { write: (line) => void lines.push(JSON.parse(line)) },
    });
    telemetry = await startTelemetry({ endpoint: receiver.endpoint, ratio: 1, service, logger });
    const metrics = createMetrics({ info: { system: 'demo', node: '2', version: '0.1.0' }, runtime: false });
    app = await createApp({ logger, metrics, ready: () => ({ ready: true }), tracing: telemetry.tracing });
    app.post('/things/:id', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      logger.info('in the handler');
      return {};
    });
    const url = await app.listen({ host: '127.0.0.1', port: 0 });
    const headers = {
      authorization: 'Bearer s3cret',
      'content-type': 'application/json',
      traceparent: `00-${PARENT}-b7ad6b7169203331-01`,
    };
    for (const path of ['/metrics', '/health', '/ready']) await fetch(url + path);
    await postSlowly(`${url}/things/7?q=s3cret`, headers, '{"value":"s3cret"}');
    await fetch(`${url}/nowhere`);
    await telemetry.stop();
  });
  afterAll(async () => {
    await app.close();
    server.close();
  });

  test('one span arrives for each request, none for what watches the node', () => {
    const serverSpans = spansOf(bodies).filter((span) => span.kind === SPAN_KIND_SERVER);
    expect(serverSpans.map((span) => span.name)).toEqual(['POST /things/:id', 'GET']);
  });

  test("a span continues the caller's trace and carries route and status", () => {
    const [span] = spansOf(bodies);
    expect(span).toMatchObject({ traceId: PARENT, parentSpanId: 'b7ad6b7169203331' });
    const attributes = Object.fromEntries(span!.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
    expect(attributes).toMatchObject({
      'http.request.method': 'POST',
      'http.route': '/things/:id',
      'url.path': '/things/7',
      'http.response.status_code': 200,
    });
  });

  test('nothing secret is sent: no header, no query, no body, no command line', () => {
    const sent = bodies.join();
    expect(sent).toContain('"gameday-demo"');
    for (const secret of ['s3cret', 'process.command', process.execPath]) expect(sent).not.toContain(secret);
  });

  test('what a handler logs carries the ids of its span, also after the body has arrived', () => {
    const [span] = spansOf(bodies);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'in the handler', trace_id: PARENT, span_id: span!.spanId }),
    );
  });
});

describe('without an endpoint', () => {
  test('neither the SDK nor the instrumentation is loaded', async () => {
    const script = `
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
      const { startTelemetry } = await import('./kit/telemetry.ts');
      await import('./kit/http.ts');
      const { trace } = await import('@opentelemetry/api');
      const service = { name: 'demo', instance: '0', version: '1' };
      const logger = { warn: (_, message) => console.error(message) };
      const { tracing, stop } = await startTelemetry({ endpoint: process.argv[1] || null, ratio: 1, service, logger });
      trace.getTracer('test').startSpan('lost').end();
      await stop();
      console.log(JSON.stringify({ tracing: tracing !== null, sdk: loaded.some((url) => /@opentelemetry.sdk|@fastify.otel/.test(url)) }));
      process.exit(0);`;
    const run = async (endpoint: string) => {
      const node = ['--no-warnings', '--input-type=module', '--eval', script, '--', endpoint];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, node);
      return { ...JSON.parse(stdout), said: stderr.trim() };
    };
    expect(await run('')).toEqual({ tracing: false, sdk: false, said: '' });
    // Nobody listens there: the end of the process neither fails nor waits.
    const said = 'the last spans could not be sent';
    expect(await run('http://127.0.0.1:1')).toEqual({ tracing: true, sdk: true, said });
  }, 30_000);
});
