import { beforeEach, describe, expect, test } from '@jest/globals';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { createLogger } from '../../../kit/logger.ts';
import { createMetrics, type Metrics } from '../../../kit/metrics.ts';
import { Prng } from '../../../kit/prng.ts';
import type { NodeFaultSet } from '../../../kit/system.ts';
import { ADMIN_TOKEN, appOverFake } from '../testing/app.ts';
import { FaultSwitches } from './fault-switches.ts';

let app: FastifyInstance;
let metrics: Metrics;
let lines: string[];

beforeEach(async () => {
  metrics = createMetrics({ info: { system: 'kv', node: '1', version: '0' }, runtime: false });
  lines = [];
  const faults = new FaultSwitches({
    logger: createLogger({ level: 'info', bindings: {}, stream: { write: (line: string) => void lines.push(line) } }),
    metrics,
    dataDirectory: '/nowhere',
    random: new Prng(1),
    die: () => {},
  });
  ({ app } = await appOverFake({ adminToken: ADMIN_TOKEN, faults }));
});

function request(method: 'GET' | 'PUT', payload?: unknown, token = `Bearer ${ADMIN_TOKEN}`) {
  const headers = token === '' ? {} : { authorization: token };
  return app.inject({ method, url: '/_gameday/faults', payload, headers } as InjectOptions);
}

async function active(): Promise<string[]> {
  const { body } = await metrics.exposition();
  return [...body.matchAll(/^gameday_node_fault_active\{kind="([^"]+)"\} 1$/gm)].map((match) => match[1]!);
}

describe('/_gameday/faults', () => {
  test('does not exist without --faults', async () => {
    const { app: closed } = await appOverFake();
    for (const method of ['GET', 'PUT'] as const)
      expect((await closed.inject({ method, url: '/_gameday/faults', payload: {} })).statusCode).toBe(404);
  });

  test('asks for the token before it looks at the body', async () => {
    for (const token of ['', 'Bearer wrong', ADMIN_TOKEN, `Bearer ${ADMIN_TOKEN}x`]) {
      for (const method of ['GET', 'PUT'] as const) {
        const response = await request(method, { nonsense: 1 }, token);
        expect([response.statusCode, response.json().error.code]).toEqual([401, 'UNAUTHORIZED']);
      }
    }
    expect(await active()).toEqual([]);
  });

  test('a set replaces the one before, shows in metrics and log, and {} heals', async () => {
    const first: NodeFaultSet = { disk: { full: true, slow_fsync_ms: 5 }, misbehaviour: ['stale-reads'] };
    expect((await request('PUT', first)).json()).toEqual(first);
    expect(await active()).toEqual(['disk_full', 'slow_fsync', 'stale-reads']);
    const second: NodeFaultSet = {
      disk: { lie_about_fsync: true },
      clock: { rate: 2 },
      messages: { loss: 0.1, to: [2] },
    };
    await request('PUT', second);
    expect((await request('GET')).json()).toEqual(second);
    expect(await active()).toEqual(['message_loss', 'lying_fsync', 'clock_skew']);
    expect(lines.join('')).toContain('"lie_about_fsync":true');
    expect(lines.join('')).not.toContain(ADMIN_TOKEN);
    await request('PUT', {});
    expect(await active()).toEqual([]);
  });

  test.each([
    [{ dsk: {} }, 'body has no field "dsk": did you mean "disk"?'],
    [{ disk: { ful: true } }, 'body.disk has no field "ful": did you mean "full"?'],
    [{ disk: { slow_fsync_ms: -1 } }, 'body.disk.slow_fsync_ms = -1: requires a number >= 0'],
    [{ disk: { lie_about_fsync: 'often' } }, 'requires one of true, false, "skip", "skip-some", "skip-and-claim"'],
    [{ messages: { loss: 2 } }, 'body.messages.loss = 2: requires a number <= 1'],
    [{ clock: { rate: 0 } }, 'body.clock.rate = 0: requires a number >= 0.01'],
    [{ misbehaviour: ['stale-read'] }, 'body.misbehaviour.0 = "stale-read": requires one of "stale-reads"'],
    [[], 'requires an object'],
  ])('refuses %j', async (set, message) => {
    const response = await request('PUT', set);
    expect([response.statusCode, response.json().error.message]).toEqual([400, expect.stringContaining(message)]);
    expect((await request('GET')).json()).toEqual({});
  });

  test('a bit can only be flipped where there is a log; the rest of a refused set is not in force', async () => {
    const response = await request('PUT', { disk: { flip_bit: true, full: true } });
    expect([response.statusCode, response.json().error.code]).toEqual([409, 'CONFLICT']);
    expect(await active()).toEqual([]);
  });
});
