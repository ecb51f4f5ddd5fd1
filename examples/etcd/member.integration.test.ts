/**
 * Three members as the manifest starts them, their links cables that the test can cut: no orchestrator, no Toxiproxy. What a
 * partition has to be: nothing passes, so the leader that was cut off stops leading, and the others go on without it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ClusterPlan, LinkPlan, NodePlace } from '../../kit/system.ts';
import { obtain } from '../../tools/obtain.ts';
import { ask, type EtcdRange } from './gateway.ts';
import { ENTRIES } from './keys.ts';
import { isRepeated, isWithoutEffect } from './loadtests/answers.ts';
import { deleteOf, putOf } from './loadtests/requests.ts';
import manifest from './system.ts';

/** A TCP relay. Cut, it keeps every connection and lets nothing pass, as a cable that was pulled. */
class Cable {
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  #cut = false;
  readonly #server: Server = createServer((near) => {
    const far = connect(this.#target, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => this.#cut || to.write(bytes));
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        if (!this.#cut) to.destroy();
      });
    }
  });

  constructor(target: number) {
    this.#target = target;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#cut = true;
  }

  /** Streams with a hole in them are of no use. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.mend();
    this.#server.close();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function until<T>(what: string, look: () => Promise<T | null | false>, withinMs = 15_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const seen = await look().catch(() => null);
    if (seen !== null && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await delay(50);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'gameday-etcd-'));
const logFile = join(directory, 'members.log');
const cables: { readonly from: number; readonly to: number; readonly cable: Cable }[] = [];
const members: ChildProcess[] = [];
let plan: ClusterPlan;

function start(index: number): void {
  const { command, arguments: words, environment } = manifest.start(plan.nodes[index]!, plan);
  const log = openSync(logFile, 'a');
  // As the orchestrator does: a group of its own, and loopback beside whatever the machine has in NO_PROXY.
  const env = { ...process.env, NO_PROXY: '127.0.0.1,.internal', no_proxy: '127.0.0.1,.internal', ...environment };
  members[index] = spawn(command, words, { detached: true, stdio: ['ignore', log, log], env });
}

function signal(index: number, name: NodeJS.Signals): Promise<number | null> {
  const member = members[index]!;
  const ended = new Promise<number | null>((resolve) => member.once('exit', resolve));
  process.kill(-member.pid!, name);
  return ended;
}

const urlOf = (index: number) => `http://127.0.0.1:${plan.nodes[index]!.ports.client}`;
const isReady = (index: number) => fetch(`${urlOf(index)}/readyz`).then(({ ok }) => ok);
const leaders = async () => {
  const answers = await Promise.all([0, 1, 2].map((index) => manifest.roles.leader(urlOf(index))));
  return [0, 1, 2].filter((index) => answers[index]);
};
const encoded = (text: string) => Buffer.from(text).toString('base64');
const within = (milliseconds: number) => AbortSignal.timeout(milliseconds);

const put = (index: number, key: string, value: string) =>
  ask(urlOf(index), 'kv/put', { key: encoded(ENTRIES + key), value: encoded(value) }, within(1500));

async function read(index: number, key: string, more = {}): Promise<string | null> {
  const request = { key: encoded(ENTRIES + key), ...more };
  const { kvs = [] } = await ask<EtcdRange>(urlOf(index), 'kv/range', request, within(1500));
  return kvs[0] === undefined ? null : Buffer.from(kvs[0].value ?? '', 'base64').toString();
}

async function readAll(index: number): Promise<Record<string, string>> {
  const entries: [string, string][] = [];
  for await (const { key, value } of manifest.checkers.readAll(urlOf(index), within(5000))) entries.push([key, value]);
  return Object.fromEntries(entries);
}

beforeAll(async () => {
  const tools = await obtain(['etcd']);
  const ports = await freePorts(6);
  const nodes = [0, 1, 2].map((index): NodePlace => {
    const own = { client: ports[index]!, peer: ports[index + 3]! };
    return { index, host: '127.0.0.1', ports: own, dataDirectory: join(directory, `node_${index}`) };
  });
  const links = await Promise.all(
    nodes.flatMap(({ index: from }) =>
      nodes
        .filter(({ index: to }) => to !== from)
        .map(async ({ index: to, ports: { peer } }): Promise<LinkPlan> => {
          const cable = new Cable(peer!);
          cables.push({ from, to, cable });
          return { from, to, host: '127.0.0.1', port: await cable.listen() };
        }),
    ),
  );
  plan = { nodes, links, sharedDirectory: directory, tools: { etcd: tools.get('etcd')!.path } };
  for (const { index } of nodes) start(index);
  for (const { index } of nodes) await until(`member ${index} is ready`, () => isReady(index));
}, 120_000);

afterAll(async () => {
  await Promise.all(members.map((member, index) => member.exitCode === null && signal(index, 'SIGKILL')));
  for (const { cable } of cables) cable.close();
  rmSync(directory, { recursive: true, force: true });
}, 20_000);

describe('a leader that is cut off', () => {
  let old: number;
  let others: number[];

  test('every byte between members passes a cable: there is one leader, which takes writes', async () => {
    [old] = (await until('one leads', async () => (await leaders()).length === 1 && leaders())) as [number];
    others = [0, 1, 2].filter((index) => index !== old);
    await put(old, 'before', 'v1');
    expect(await read(others[0]!, 'before')).toBe('v1');
  }, 20_000);

  test('leads no longer, and the others go on', async () => {
    for (const { from, to, cable } of cables) if (from === old || to === old) cable.cut();
    const write = put(old, 'alone', 'lost').then(
      () => 'acknowledged',
      () => 'not acknowledged',
    );
    const [next] = await until('another leads', async () => {
      const now = await leaders();
      return now.length === 1 && now[0] !== old && now;
    });
    expect(others).toContain(next);
    await put(next!, 'before', 'v2');
    expect(await read(others.find((index) => index !== next)!, 'before')).toBe('v2');
    expect(await write).toBe('not acknowledged');
  }, 20_000);

  test('serves what it has only to those who ask for no more than that', async () => {
    expect(await read(old, 'before', { serializable: true })).toBe('v1');
    await expect(read(old, 'before')).rejects.toThrow();
  }, 20_000);

  test('has what the others have once the cables are mended, and nothing that was acknowledged is lost', async () => {
    for (const { cable } of cables) cable.mend();
    await until('it has caught up', async () => (await read(old, 'before')) === 'v2');
    expect(await readAll(old)).toEqual({ before: 'v2' });
    const states = await until('all are at one revision', async () => {
      const all = await Promise.all([0, 1, 2].map((index) => manifest.checkers.state(urlOf(index), within(2000))));
      return new Set(all.map(({ appliedIndex }) => appliedIndex)).size === 1 && all;
    });
    expect(new Set(states.map(({ hash }) => hash)).size).toBe(1);
  }, 20_000);
});

test('a kill ends etcd with the process beside it, and what was acknowledged is there after the next start', async () => {
  await put(1, 'kept', 'v3');
  await signal(1, 'SIGKILL');
  await until(
    'nobody listens any more',
    async () =>
      isReady(1)
        .then(() => false)
        .catch(() => true),
    3000,
  );
  start(1);
  await until('it is ready again', () => isReady(1));
  expect(await read(1, 'kept')).toBe('v3');
}, 30_000);

test('SIGTERM ends both in order, etcd first', async () => {
  await signal(2, 'SIGTERM');
  await expect(isReady(2)).rejects.toThrow();
  expect(readFileSync(logFile, 'utf8')).not.toContain('panic');
}, 20_000);

describe('a write of the load', () => {
  /** The answer as it comes: the scripts look through it and do not parse it. */
  const send = async (body: string) => {
    const response = await fetch(`${urlOf(0)}/v3/kv/txn`, { method: 'POST', body, signal: within(2000) });
    expect(response.status).toBe(200);
    return response.text();
  };

  test('is executed once, however often it is sent and however late it arrives', async () => {
    const first = putOf('shared', 'first', 'run-0-7-0', encoded);
    const second = putOf('shared', 'second', 'run-0-7-1', encoded);
    expect(isRepeated(await send(first))).toBe(false);
    expect(isRepeated(await send(first))).toBe(true);
    expect(isRepeated(await send(putOf('shared', 'by another', 'run-0-8-0', encoded)))).toBe(false);
    expect(isRepeated(await send(second))).toBe(false);
    // Of the tenth write the marker is longer as a number, not as a text.
    expect(isRepeated(await send(putOf('other', 'tenth', 'run-0-7-10', encoded)))).toBe(false);
    for (const late of [first, second]) expect(isRepeated(await send(late))).toBe(true);
    expect(await read(1, 'shared')).toBe('second');
  });

  test('that deletes says whether there was something to delete', async () => {
    expect(isWithoutEffect(await send(deleteOf('shared', 'run-0-7-11', encoded)))).toBe(false);
    expect(isWithoutEffect(await send(deleteOf('shared', 'run-0-7-12', encoded)))).toBe(true);
    const again = await send(deleteOf('shared', 'run-0-7-12', encoded));
    expect([isRepeated(again), isWithoutEffect(again)]).toEqual([true, false]);
    expect(await read(1, 'shared')).toBeNull();
  });
});

test('all entries are read, page by page, at one revision', async () => {
  const keys = Array.from({ length: 1203 }, (_, index) => `page-${index}`);
  const operations = keys.map((key) => ({ requestPut: { key: encoded(ENTRIES + key), value: encoded(key) } }));
  for (let at = 0; at < operations.length; at += 100)
    await ask(urlOf(0), 'kv/txn', { success: operations.slice(at, at + 100) }, within(5000));
  const entries = await readAll(1);
  expect(keys.filter((key) => entries[key] !== key)).toEqual([]);
}, 20_000);

test('a member says its version, and it is one that the manifest accepts', async () => {
  expect(await manifest.release.of(urlOf(0))).toMatch(/^3\.6\.\d+$/);
});
