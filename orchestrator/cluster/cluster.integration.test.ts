import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { isRunning } from './identity.ts';
import { holderOf } from './port_holder.ts';
import { isPortFree, reservePorts } from './ports.ts';
import { ProcessRegistry, readRegistry } from './registry.ts';
import { StandingClusters } from './standing.ts';
import { stubSystem } from './testing/stub_system.ts';

let directory: string;
let cluster: Cluster | undefined;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-cluster-')));
});
afterEach(async () => {
  await cluster?.stop(500);
  cluster = undefined;
  rmSync(directory, { recursive: true });
});

const registryFile = () => join(directory, 'processes.json');
const registered = () => readRegistry(registryFile())?.processes ?? [];

async function start(manifest: SystemManifest, change: Partial<ClusterOptions> = {}): Promise<Cluster> {
  mkdirSync(join(directory, 'nodes'), { recursive: true });
  cluster = await Cluster.start({
    manifest,
    count: 3,
    registry: new ProcessRegistry({ file: registryFile(), runId: 'test', runDirectory: directory }),
    home: directory,
    dataDirectory: join(directory, 'nodes'),
    logDirectory: join(directory, 'logs'),
    readyTimeoutMs: 20_000,
    signal: new AbortController().signal,
    onReady: () => undefined,
    onUnexpectedExit: () => undefined,
    ...change,
  });
  return cluster;
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a cluster', () => {
  test('is up when every node is ready, and leaves nothing when it is stopped', async () => {
    const seen: number[] = [];
    const { nodes } = await start(stubSystem(), { onReady: (ready) => seen.push(ready) });
    expect(seen.at(-1)).toBe(3);
    expect(
      registered()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(['node 0', 'node 1', 'node 2']);
    expect(await Promise.all(nodes.map((node) => node.hasRole('leader')))).toEqual([true, false, false]);
    const processes = registered();
    await cluster!.stop(2000);
    expect(processes.some(isRunning)).toBe(false);
    expect(registered()).toEqual([]);
  });

  test('a node that dies at its start is shown with the end of its log, and the others are ended', async () => {
    await expect(start(stubSystem(['normal', 'dies']))).rejects.toThrow(
      /^node 1 exited with code 7 before it was ready; the end of .*node_1\.log:\ncannot read the moon phase$/,
    );
    expect(registered()).toEqual([]);
  });

  test('a port that was taken meanwhile: all start again on other ports', async () => {
    await start(stubSystem(['normal', 'taken-once'], join(directory, 'marker')));
    expect(await cluster!.readyCount()).toBe(3);
  });

  test('nodes that never get ready are named, and ended', async () => {
    const system = stubSystem();
    const manifest = { ...system, paths: { ...system.paths, ready: '/' } };
    const never = { ...manifest, start: () => ({ command: 'sleep', arguments: ['60'], environment: {} }) };
    await expect(start(never, { readyTimeoutMs: 300 })).rejects.toThrow('0 of 3 nodes are ready after 0.3 s');
    expect(registered()).toEqual([]);
  });

  test('an abort while it starts ends what has started', async () => {
    const abort = new AbortController();
    const never = { ...stubSystem(), start: () => ({ command: 'sleep', arguments: ['60'], environment: {} }) };
    const starting = start(never, { signal: abort.signal });
    await eventually(() => registered().length === 3);
    abort.abort(new Error('enough'));
    await expect(starting).rejects.toThrow('enough');
    expect(registered()).toEqual([]);
  });

  test('a command that does not exist', async () => {
    const manifest = {
      ...stubSystem(),
      start: () => ({ command: '/no/such/program', arguments: [], environment: {} }),
    };
    await expect(start(manifest)).rejects.toThrow('ENOENT');
  });
});

describe('a node', () => {
  test('is killed and starts again on its port', async () => {
    const node = (await start(stubSystem())).nodes[1]!;
    const before = node.pid;
    await node.kill();
    expect(node.state).toBe('stopped');
    expect(await node.isReady()).toBe(false);
    await node.start();
    await eventually(() => node.isReady());
    expect(node.pid).not.toBe(before);
  });

  test('is paused and woken', async () => {
    const node = (await start(stubSystem())).nodes[0]!;
    await node.pause();
    expect(await node.serves(200)).toBe(false);
    await expect(node.pause()).rejects.toThrow('node 0 is paused and cannot be paused');
    node.resume();
    expect(await node.serves(2000)).toBe(true);
  });

  test('that somebody else woke has not stood still all the time', async () => {
    const node = (await start(stubSystem())).nodes[0]!;
    await node.pause();
    process.kill(node.pid, 'SIGCONT');
    await eventually(() => node.serves(200));
    expect(() => node.resume()).toThrow('node 0 was paused, and somebody else woke it before its time');
    expect(node.state).toBe('running');
  });

  test('a paused one ends when it is stopped, a deaf one is killed', async () => {
    const { nodes } = await start(stubSystem(['normal', 'deaf']));
    await nodes[0]!.pause();
    await cluster!.stop(300);
    expect(nodes.map((node) => node.state)).toEqual(['stopped', 'stopped', 'stopped']);
  });

  test('that ends by itself is told of, one that is ended is not', async () => {
    const ended: number[] = [];
    const { nodes } = await start(stubSystem(), { onUnexpectedExit: (node) => ended.push(node.index) });
    await nodes[0]!.kill();
    process.kill(nodes[2]!.pid, 'SIGKILL');
    await eventually(() => ended.length > 0);
    expect(ended).toEqual([2]);
  });

  test('its children end with it', async () => {
    const shell = {
      ...stubSystem(),
      start: () => ({
        command: 'sh',
        arguments: ['-c', `sleep 60 & echo $! > ${directory}/child; wait`],
        environment: {},
      }),
    };
    const starting = start(shell, { count: 1, readyTimeoutMs: 500 }).catch(() => undefined);
    await starting;
    const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
    await eventually(() => {
      try {
        return process.kill(child, 0) && readFileSync(`/proc/${child}/stat`, 'utf8').includes(' Z ');
      } catch {
        return true;
      }
    });
  });
});

describe('a port', () => {
  test('is held until it is released', async () => {
    const reservation = await reservePorts(3);
    expect(new Set(reservation.ports).size).toBe(3);
    expect(await isPortFree(reservation.ports[0]!)).toBe(false);
    await reservation.release();
    expect(await isPortFree(reservation.ports[0]!)).toBe(true);
  });

  test('has a holder', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(holderOf(port)).toMatchObject({ pid: process.pid, command: expect.stringContaining('node') });
    await new Promise((resolve) => server.close(resolve));
    expect(holderOf(port)).toBeUndefined();
  });
});

describe('a standing cluster', () => {
  const options = (firstPort: number, count = 2) => ({
    ...{ home: directory, manifest: stubSystem(), count, firstPort },
    signal: new AbortController().signal,
    onReady: () => undefined,
  });

  test('stays, is found again, and is not started twice', async () => {
    const reservation = await reservePorts(1);
    const [first] = reservation.ports;
    await reservation.release();
    const clusters = new StandingClusters(directory);
    const { nodes } = await clusters.up(options(first!, 1));
    expect(nodes.map((node) => node.url)).toEqual([`http://127.0.0.1:${first}`]);
    const again = new StandingClusters(directory);
    expect(again.running('stub').map(({ name }) => name)).toEqual(['node 0']);
    await expect(again.up(options(first!, 1))).rejects.toThrow('stub is up already');
    for (const { pid } of again.running('stub')) process.kill(pid, 'SIGKILL');
    await eventually(() => again.running('stub').length === 0);
    await expect(again.up(options(first! + 1, 1))).rejects.toThrow('the data kept is of other nodes');
    again.deleteData('stub');
    expect(again.read('stub')).toBeUndefined();
  });

  test('says who holds a port, and which ones are free', async () => {
    const server = createServer();
    const reservation = await reservePorts(1);
    const [port] = reservation.ports;
    await reservation.release();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const failure = await new StandingClusters(directory).up(options(port!)).catch((error: Error) => error.message);
    expect(failure).toContain(`port ${port} (http of node 0) is held by process ${process.pid} (`);
    expect(failure).toContain('or choose others: gameday up stub --port');
    await new Promise((resolve) => server.close(resolve));
  });
});
