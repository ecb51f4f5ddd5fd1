/** What the proxies do to bytes, proven on three servers that echo: the faults of links need no system under test. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { LinkFaultKind, LinkPlan } from '../kit/system.ts';
import { obtain } from '../tools/obtain.ts';
import { Child } from './cluster/child.ts';
import { reservePorts } from './cluster/ports.ts';
import { ProcessRegistry } from './cluster/registry.ts';
import { linkFaults } from './faults/links.ts';
import { startToxiproxy, type ToxiproxyApi } from './faults/toxiproxy.ts';
import type { FaultNode, Heal, Strike } from './faults/types.ts';
import { RunFaults, type RunFaultsOptions } from './run/run_faults.ts';
import type { FaultParameters } from './scenario/types.ts';

const SILENCE_MS = 400;

/** Counts what it is sent, and sends it back. */
class EchoServer {
  received = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server = createServer((socket) => {
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.received += bytes.length;
      socket.write(bytes);
    });
  });

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const servers = [new EchoServer(), new EchoServer(), new EchoServer()];
const nodes = [0, 1, 2].map((index) => ({ index }) as FaultNode);
let directory: string;
let child: Child;
let api: ToxiproxyApi;
let links: readonly LinkPlan[];
let heals: Heal[] = [];

beforeAll(async () => {
  const tools = await obtain(['toxiproxy-server']);
  directory = mkdtempSync(join(tmpdir(), 'gameday-links-'));
  const registry = new ProcessRegistry({
    file: join(directory, 'processes.json'),
    runId: 'links',
    runDirectory: directory,
  });
  const reserved = await reservePorts(1);
  await reserved.release();
  ({ child, api } = await startToxiproxy({
    binary: tools.get('toxiproxy-server')!.path,
    apiPort: reserved.ports[0]!,
    spawn: (options) => Child.start(options, registry),
    workingDirectory: directory,
    logFile: join(directory, 'toxiproxy.log'),
  }));
  const ports = await Promise.all(servers.map((server) => server.listen()));
  const places = ports.map((peer, index) => ({ index, host: '127.0.0.1', ports: { peer }, dataDirectory: directory }));
  links = await api.openLinks(places, 'peer');
}, 120_000);

afterEach(async () => {
  await Promise.all(heals.map((heal) => heal()));
  heals = [];
});

afterAll(async () => {
  await child?.stop(2000);
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function inject(kind: LinkFaultKind, target: Partial<Strike>, parameters: FaultParameters = {}): Promise<Heal> {
  const fault = linkFaults({ api, count: 3 }, 'no links')[kind];
  expect(fault.available()).toBe(true);
  const signal = new AbortController().signal;
  const heal = await fault.inject({
    name: `${kind}-test`,
    nodes: [],
    parameters,
    seed: 11,
    signal,
    struck: () => {},
    ...target,
  });
  // Each heal is called once, by the test or after it.
  const once = () => {
    heals = heals.filter((other) => other !== once);
    return heal();
  };
  heals.push(once);
  return once;
}

function dial(from: number, to: number): Socket {
  const link = links.find((candidate) => candidate.from === from && candidate.to === to)!;
  return connect(link.port, link.host).on('error', () => {});
}

/** Milliseconds until `bytes` bytes have come back, or what happened instead. */
async function echo(from: number, to: number, bytes = 4, patienceMs = SILENCE_MS): Promise<number | string> {
  const socket = dial(from, to);
  const started = performance.now();
  const result = new Promise<number | string>((resolve) => {
    let got = 0;
    socket.on('data', (data) => {
      got += data.length;
      if (got >= bytes) resolve(performance.now() - started);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('close', () => resolve('closed'));
  });
  socket.write(Buffer.alloc(bytes, 'x'));
  const outcome = await Promise.race([result, delay(patienceMs, 'silence', { ref: false })]);
  socket.destroy();
  return outcome;
}

/** Who hears whom: each ordered pair, on connections that either side dialled. */
async function reach(): Promise<string[]> {
  const pairs = [0, 1, 2].flatMap((from) => [0, 1, 2].filter((to) => to !== from).map((to) => ({ from, to })));
  const answers = await Promise.all(
    pairs.map(async ({ from, to }) => ((await echo(from, to)) === 'silence' ? [] : [`${from}-${to}`])),
  );
  return answers.flat();
}

const ALL = ['0-1', '0-2', '1-0', '1-2', '2-0', '2-1'];

describe('links', () => {
  test('a partition lets no byte pass, and the heal lets all pass again', async () => {
    expect(await reach()).toEqual(ALL);
    const open = dial(1, 0);
    await new Promise((resolve) => open.once('connect', resolve));
    const before = servers.map((server) => server.received);
    const heal = await inject('partition', { nodes: [nodes[0]!] });
    open.write('nobody hears this');
    expect(await reach()).toEqual(['1-2', '2-1']);
    expect(servers[0]!.received).toBe(before[0]!);
    await heal();
    expect(await reach()).toEqual(ALL);
    expect(Object.values(await api.proxies()).flatMap(({ toxics }) => toxics)).toEqual([]);
    open.destroy();
  });

  test.each([
    // What node 0 sends is lost: others' bytes arrive at it, its own arrive nowhere.
    ['out', (received: number[]) => received[0]! > 0 && received[1] === 0 && received[2] === 0],
    ['in', (received: number[]) => received[0] === 0 && received[1]! > 0 && received[2]! > 0],
  ] as const)('a one-way partition (%s) lets bytes pass the other way only', async (direction, expected) => {
    await inject('partition', { nodes: [nodes[0]!] }, { direction });
    const before = servers.map((server) => server.received);
    const answers = await Promise.all([echo(0, 1), echo(0, 2), echo(1, 0), echo(2, 0)]);
    const received = servers.map((server, index) => server.received - before[index]!);
    expect(answers).toEqual(['silence', 'silence', 'silence', 'silence']);
    expect({ received, isExpected: expected(received) }).toMatchObject({ isExpected: true });
    expect(await echo(1, 2)).toEqual(expect.any(Number));
  });

  test('groups are cut from each other, and from nobody of their own', async () => {
    await inject('partition', { nodes, groups: [[0], [1, 2]] });
    expect(await reach()).toEqual(['1-2', '2-1']);
  });

  test('latency is added each way, on the links of the target only', async () => {
    await inject('latency', { nodes: [nodes[2]!] }, { delayMs: 80, jitterMs: 10 });
    expect(await echo(0, 2)).toBeGreaterThanOrEqual(2 * 70 - 1);
    expect(await echo(2, 1)).toBeGreaterThanOrEqual(2 * 70 - 1);
    expect(await echo(0, 1)).toBeLessThan(2 * 70);
  });

  test('bandwidth is a limit on what passes', async () => {
    await inject('bandwidth', { nodes: [nodes[1]!] }, { bytesPerSecond: 20_000, direction: 'in' });
    expect(await echo(0, 1, 10_000, 5000)).toBeGreaterThan(400);
    expect(await echo(0, 2, 10_000, 5000)).toBeLessThan(400);
  });

  test('a reset closes connections and resets new ones', async () => {
    const open = dial(0, 1);
    await new Promise((resolve) => open.once('connect', resolve));
    const closed = new Promise((resolve) => open.once('close', () => resolve('closed')));
    await inject('reset', { nodes: [nodes[1]!] });
    open.write('x');
    expect(await Promise.race([closed, delay(SILENCE_MS, 'open', { ref: false })])).toBe('closed');
    expect(await echo(0, 1)).toMatch(/ECONNRESET|closed/);
    expect(await echo(0, 2)).toEqual(expect.any(Number));
  });

  test('a stall holds data back and loses none: a share of the time, in order', async () => {
    const socket = dial(0, 1);
    const arrivals: number[] = [];
    let got = '';
    socket.on('data', (bytes) => {
      for (let i = 0; i < bytes.length; i += 1) arrivals.push(performance.now());
      got += bytes.toString();
    });
    const heal = await inject('stall', { nodes: [nodes[1]!] }, { probability: 0.3, delayMs: 100, direction: 'in' });
    const sent: number[] = [];
    for (let i = 0; i < 100; i += 1) {
      socket.write(String(i % 10));
      sent.push(performance.now());
      await delay(20);
    }
    await heal();
    const deadline = performance.now() + 2000;
    while (arrivals.length < 100 && performance.now() < deadline) await delay(10);
    socket.destroy();
    expect(got).toBe('0123456789'.repeat(10));
    const held = sent.filter((at, index) => arrivals[index]! - at > 25).length;
    // The seed decides which of some twenty pieces are held; the machine adds some noise.
    expect(held).toBeGreaterThan(5);
    expect(held).toBeLessThan(70);
  }, 15_000);

  test('a stall that never happened is said so', async () => {
    const heal = await inject('stall', { nodes: [nodes[1]!] }, { probability: 1e-9 });
    await expect(heal()).rejects.toThrow('no stall fell into its time');
  });

  test('faults overlap on one link and are healed in any order', async () => {
    const latency = await inject('latency', { nodes: [nodes[0]!], name: 'slow' }, { delayMs: 50 });
    const partition = await inject('partition', { nodes: [nodes[0]!], name: 'cut' });
    await Promise.all([echo(0, 1), echo(1, 0)]);
    await latency();
    expect(await echo(0, 1)).toBe('silence');
    await partition();
    expect(await reach()).toEqual(ALL);
  });

  test('without proxies a fault of links is not available, and says what to do', async () => {
    const fault = linkFaults(undefined, 'gameday up kv --links').partition;
    expect(fault.available()).toBe('gameday up kv --links');
  });
});

function isLinked(faults: RunFaults): boolean {
  try {
    faults.assertLinked();
    return true;
  } catch {
    return false;
  }
}

test('a Toxiproxy that ends in the middle of a run ends the run: what is cut off then is no fault of the nodes', async () => {
  const place = (index: number) => ({ index, host: '127.0.0.1', ports: { peer: 1 }, dataDirectory: directory });
  const registry = new ProcessRegistry({ file: join(directory, 'run.json'), runId: 'run', runDirectory: directory });
  const scenario = { faults: [{ kind: 'partition' }] };
  const loaded = { scenario, manifest: { links: { port: 'peer' } } } as unknown as RunFaultsOptions['loaded'];
  mkdirSync(join(directory, 'logs'));
  const faults = new RunFaults({
    ...{ loaded, root: directory, runDirectory: directory, registry, seed: 1, onChange: () => {} },
    tools: await obtain(['toxiproxy-server']),
  });
  try {
    faults.assertLinked();
    await faults.clusterOptions().openLinks!([place(0), place(1)]);
    faults.assertLinked();
    const [{ pid }] = JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')).processes;
    process.kill(pid, 'SIGKILL');
    const deadline = performance.now() + 3000;
    while (isLinked(faults) && performance.now() < deadline) await delay(5);
    expect(() => faults.assertLinked()).toThrow('toxiproxy was ended by SIGKILL during the run');
  } finally {
    await faults.stop(2000);
  }
});
