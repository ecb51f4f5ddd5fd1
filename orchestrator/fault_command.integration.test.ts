/** `gameday fault` on a cluster that `up` left running. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '../kit/until.ts';
import { reservePorts } from './cluster/ports.ts';
import { type Ended, Playground } from './testing/cli.ts';

const playground = new Playground();
/** Node 0's first port; the peers' ports follow 1000 higher. */
let port: number;

beforeAll(async () => {
  const reserved = await reservePorts(1);
  await reserved.release();
  port = reserved.ports[0]!;
  expect(await gameday('up', 'kv', '--port', String(port), '--links', '--faults')).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => playground.remove(), 20_000);

function gameday(...words: string[]): Promise<Ended> {
  return playground.run(...words);
}

async function status(): Promise<{ node: number; ready: boolean; roles: string[] }[]> {
  const { stdout } = await gameday('status', 'kv', '--json');
  return JSON.parse(stdout).systems[0].nodes;
}

async function proxies(): Promise<Record<string, { toxics: { type: string }[] }>> {
  const cluster = JSON.parse(readFileSync(join(playground.directory, 'up/kv/cluster.json'), 'utf8'));
  return (await fetch(`${cluster.links.api}/proxies`)).json() as Promise<
    Record<string, { toxics: { type: string }[] }>
  >;
}

test('faults are listed, injected, left, and healed', async () => {
  expect((await gameday('fault', 'list')).stdout).toMatch(/^partition .*available$/m);
  expect(await gameday('fault', 'inject', 'latency', 'node:0', '--delay', '20ms')).toMatchObject({ code: 0 });
  expect(await gameday('fault', 'inject', 'slow_fsync', 'node:1', '--delay', '5ms')).toMatchObject({ code: 0 });
  expect(await gameday('fault', 'inject', 'kill', 'node:2')).toMatchObject({ code: 0 });
  expect(Object.values(await proxies()).flatMap(({ toxics }) => toxics.map(({ type }) => type))).toEqual(
    Array.from({ length: 8 }, () => 'latency'),
  );
  // Node 2 may have been the leader: the others are ready again when they have elected one.
  await until(async () => (await status()).map(({ ready }) => ready).join() === 'true,true,false');
  expect(await gameday('fault', 'heal')).toMatchObject({ code: 0, stdout: '3 of 3 nodes ready\n' });
  expect(Object.values(await proxies()).flatMap(({ toxics }) => toxics)).toEqual([]);
  const metrics = await (await fetch(`http://127.0.0.1:${port + 1}/metrics`)).text();
  expect(metrics).toMatch(/^gameday_node_fault_active\{.*kind="slow_fsync".*\} 0$/m);
}, 60_000);

test('an interrupted injection is healed, and what it woke goes on', async () => {
  const paused = playground.start('fault', 'inject', 'pause', 'leader', '--for', '60s');
  await paused.says('pause on node');
  paused.signal('SIGINT');
  expect(await paused.ended).toMatchObject({ code: 130, stdout: expect.stringContaining('healed, before its time') });
  expect((await gameday('fault', 'heal')).stdout).toBe('3 of 3 nodes ready\n');
}, 60_000);

test('a mistake is refused as in a scenario', async () => {
  const { code, stderr } = await gameday('fault', 'inject', 'latency', 'all');
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('latency needs `delay`') });
});

test('the secret of the fault endpoints is readable by its owner only', () => {
  expect(statSync(join(playground.directory, 'up/kv/fault-token')).mode & 0o777).toBe(0o600);
});
