import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { type ErrorCode, ServiceError } from '../../kit/errors.ts';
import { appOverFake } from './testing/app.ts';
import type { FakeNode } from './testing/fake-node.ts';

const UNKNOWN = '01900000-0000-7000-8000-ffffffffffff';

let app: FastifyInstance;
let node: FakeNode;
beforeEach(async () => {
  ({ app, node } = await appOverFake());
});

const create = (payload: unknown, headers: Record<string, string> = {}) =>
  app.inject({ method: 'POST', url: '/api/kv', payload: payload as object, headers });
const createdId = async (key = 'k') => (await create({ key, value: 'v' })).json().id as string;

describe('POST /api/kv', () => {
  test('creates an entry with exactly the fields of the model', async () => {
    const response = await create({ key: 'test1', value: 'hello' });
    const entry = response.json();
    expect([response.statusCode, response.headers.location]).toEqual([201, `/api/kv/${entry.id}`]);
    expect(entry).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      key: 'test1',
      value: 'hello',
      seq: 1,
      source_node: 1,
      created_at: '2026-01-31T12:00:00.000Z',
    });
    expect(response.headers['x-node-id']).toBe('1');
  });

  test.each([
    [{}, 'body lacks "key"'],
    [{ key: 'k' }, 'body lacks "value"'],
    [{ key: '', value: 'v' }, 'body.key = "": requires at least 1 character'],
    [{ key: 'k'.repeat(1025), value: 'v' }, 'requires at most 1024 characters, has 1025'],
    [{ key: 5, value: 'v' }, 'body.key = 5: requires a string'],
    [{ key: 'k', value: null }, 'body.value = null: requires a string'],
    [{ key: 'k', value: 'v', id: 'mine' }, 'body has no field "id"'],
    [[], 'body = []: requires an object'],
    ['"text"', 'body = "text": requires an object'],
    ['{"key":"k","value":"\\ud800"}', 'body.value holds half of a surrogate pair'],
  ])('refuses %j', async (payload, message) => {
    const response = await create(payload, { 'content-type': 'application/json' });
    expect([response.statusCode, response.json().error]).toEqual([
      400,
      { code: 'VALIDATION', message: expect.stringContaining(message), definite: true },
    ]);
    expect(node.calls).toEqual([]);
  });

  test('refuses what is not JSON, and more than 1 MiB', async () => {
    const json = { 'content-type': 'application/json' };
    expect((await create('{"key"', json)).json().error.code).toBe('NOT_JSON');
    const large = await create({ key: 'k', value: 'v'.repeat(1_048_576) });
    expect([large.statusCode, large.json().error.code]).toEqual([413, 'BODY_TOO_LARGE']);
    expect((await create({ key: 'k', value: 'v'.repeat(1_000_000) })).statusCode).toBe(201);
  });

  test('an empty value is a value', async () => {
    expect((await create({ key: 'k', value: '' })).statusCode).toBe(201);
  });
});

describe('/api/kv/:id', () => {
  test('GET, PUT and DELETE', async () => {
    const url = `/api/kv/${await createdId()}`;
    expect((await app.inject(url)).json()).toMatchObject({ key: 'k', value: 'v' });
    const updated = await app.inject({ method: 'PUT', url, payload: { value: 'w' } });
    expect([updated.statusCode, updated.json()]).toEqual([
      200,
      expect.objectContaining({ key: 'k', value: 'w', seq: 99 }),
    ]);
    const removed = await app.inject({ method: 'DELETE', url });
    expect([removed.statusCode, removed.body]).toEqual([204, '']);
    expect((await app.inject(url)).statusCode).toBe(404);
  });

  test('DELETE with a JSON content type and no body is fine', async () => {
    const url = `/api/kv/${await createdId()}`;
    const response = await app.inject({ method: 'DELETE', url, headers: { 'content-type': 'application/json' } });
    expect(response.statusCode).toBe(204);
  });

  test('the id may be in upper case', async () => {
    const id = await createdId();
    expect((await app.inject(`/api/kv/${id.toUpperCase()}`)).json()).toMatchObject({ id });
  });

  test.each([
    ['GET', undefined],
    ['PUT', { value: 'w' }],
    ['DELETE', undefined],
  ] as const)('%s: an unknown id is 404, what is no UUID is 400', async (method, payload) => {
    const ask = (id: string) => app.inject({ method, url: `/api/kv/${id}`, payload } as InjectOptions);
    const unknown = await ask(UNKNOWN);
    expect([unknown.statusCode, unknown.json().error]).toMatchObject([404, { code: 'NOT_FOUND', definite: true }]);
    const invalid = await ask('7');
    expect([invalid.statusCode, invalid.json().error.code]).toEqual([400, 'VALIDATION']);
    expect(invalid.json().error.message).toContain('path.id = "7"');
  });

  test('PUT needs at least one field', async () => {
    const response = await app.inject({ method: 'PUT', url: `/api/kv/${UNKNOWN}`, payload: {} });
    expect([response.statusCode, response.json().error.message]).toEqual([
      400,
      'body requires at least 1 field: the fields are key, value',
    ]);
  });
});

describe('GET /api/kv', () => {
  test('lists all entries as an array', async () => {
    await createdId('a');
    await createdId('b');
    const response = await app.inject('/api/kv');
    expect(response.json().map((entry: { key: string }) => entry.key)).toEqual(['a', 'b']);
    expect(response.headers.link).toBeUndefined();
    expect(node.calls.at(-1)).toMatchObject({ input: { limit: 1000 }, consistency: 'linearizable' });
  });

  test('pages follow the Link header, which keeps the other parameters', async () => {
    for (let i = 0; i < 5; i++) await createdId('same key');
    const seen: number[] = [];
    let url: string | undefined = '/api/kv?limit=2&key=same%20key&consistency=stale';
    while (url !== undefined) {
      const response: Awaited<ReturnType<typeof app.inject>> = await app.inject(url);
      seen.push(...response.json().map((entry: { seq: number }) => entry.seq));
      url = /^<([^>]+)>; rel="next"$/.exec(String(response.headers.link))?.[1];
      expect(node.calls.at(-1)).toMatchObject({ input: { limit: 2, key: 'same key' }, consistency: 'stale' });
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  test.each([
    ['limit=0', 'query.limit = 0: requires a number >= 1'],
    ['limit=10001', 'query.limit = 10001: requires a number <= 10000'],
    ['limit=ten', 'query.limit = "ten": requires an integer'],
    ['after=7', 'query.after = "7"'],
    ['key=', 'query.key = "": requires at least 1 character'],
    ['consistency=strong', 'query.consistency = "strong": requires one of "linearizable", "stale"'],
    ['consistnecy=stale', 'query has no field "consistnecy": did you mean "consistency"?'],
  ])('refuses ?%s', async (query, message) => {
    const response = await app.inject(`/api/kv?${query}`);
    expect([response.statusCode, response.json().error.message]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('headers', () => {
  test('Request-Timeout sets the deadline, 5 seconds without it', async () => {
    const waited = async (headers: Record<string, string>) => {
      const nowMs = performance.now();
      await create({ key: 'k', value: 'v' }, headers);
      return node.calls.at(-1)!.options!.deadlineMs - nowMs;
    };
    expect(await waited({})).toBeGreaterThanOrEqual(5000);
    expect(await waited({})).toBeLessThan(6000);
    expect(await waited({ 'request-timeout': '0.25' })).toBeLessThan(1000);
    expect(await waited({ 'request-timeout': '30' })).toBeGreaterThanOrEqual(30_000);
  });

  test.each(['0', '-1', '30.01', 'soon', '', '1e3', 'Infinity'])('Request-Timeout %j is refused', async (timeout) => {
    const response = await create({ key: 'k', value: 'v' }, { 'request-timeout': timeout });
    expect([response.statusCode, response.json().error.message]).toEqual([
      400,
      `header Request-Timeout = ${JSON.stringify(timeout)}: requires seconds > 0 and <= 30`,
    ]);
  });

  test('Idempotency-Key reaches the node on every write', async () => {
    const headers = { 'idempotency-key': 'order 7/a' };
    const { id } = (await create({ key: 'k', value: 'v' }, headers)).json();
    await app.inject({ method: 'PUT', url: `/api/kv/${id}`, payload: { value: 'w' }, headers });
    await app.inject({ method: 'DELETE', url: `/api/kv/${id}`, headers });
    expect(node.calls.map((call) => call.options?.idempotencyKey)).toEqual(Array(3).fill('order 7/a'));
  });

  test.each(['', 'x'.repeat(129), 'clé', 'a\tb'])('Idempotency-Key %j is refused', async (key) => {
    const response = await create({ key: 'k', value: 'v' }, { 'idempotency-key': key });
    expect([response.statusCode, response.json().error.code]).toEqual([400, 'VALIDATION']);
    expect(node.calls).toEqual([]);
  });
});

describe('what the node refuses', () => {
  test.each([
    ['NO_QUORUM', 503, '1', false],
    ['NO_QUORUM', 503, '1', true],
    ['OVERLOADED', 503, '1', true],
    ['SHUTTING_DOWN', 503, '1', true],
    ['STORAGE_FULL', 507, undefined, true],
    ['IDEMPOTENCY_KEY_REUSED', 422, undefined, true],
  ] as const)('%s is %d with Retry-After %s, definite %s', async (code: ErrorCode, status, retryAfter, definite) => {
    node.fails = new ServiceError(code, 'because', { definite });
    const response = await create({ key: 'k', value: 'v' });
    expect([response.statusCode, response.headers['retry-after']]).toEqual([status, retryAfter]);
    expect(response.json()).toEqual({ error: { code, message: 'because', definite } });
    expect(response.headers['x-node-id']).toBe('1');
  });

  test('readiness is the node’s', async () => {
    node.readiness = { ready: false, reason: 'no leader' };
    const response = await app.inject('/ready');
    expect([response.statusCode, response.json()]).toEqual([503, node.readiness]);
  });
});

describe('routes', () => {
  test('an unknown route is 404, a wrong method 405 with what is allowed', async () => {
    expect((await app.inject('/api/vk')).json().error.code).toBe('NOT_FOUND');
    const wrong = await app.inject({ method: 'PATCH', url: '/api/kv' });
    expect([wrong.statusCode, wrong.headers.allow]).toEqual([405, 'GET, HEAD, POST']);
    expect(wrong.headers['x-node-id']).toBe('1');
  });

  test('metrics name the pattern', async () => {
    await app.inject(`/api/kv/${UNKNOWN}`);
    expect((await app.inject('/metrics')).body).toContain(
      'http_requests_total{method="GET",route="/api/kv/:id",status="404"} 1',
    );
  });
});
