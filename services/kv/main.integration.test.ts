import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { until } from '../../kit/until.ts';
import type { KVEntry, SyncStatus } from './api.ts';
import { freePorts } from './testing/ports.ts';
import { StressNode } from './testing/stress-node.ts';

jest.setTimeout(60_000);

const run = promisify(execFile);
const JSON_TYPE = { 'content-type': 'application/json' };

let base: string;
let ports: number[];
let nodes: StressNode[];
const others: StressNode[] = [];

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'kv-main-'));
  ports = await freePorts(3);
  nodes = ports.map((_, id) => startMember(id));
  await Promise.all(nodes.map((node) => node.ready()));
});

afterAll(async () => {
  for (const node of [...nodes, ...others]) node.child.kill('SIGKILL');
  await rm(base, { recursive: true, force: true });
});

/** As in the document: `stress_node --node-id 0 --port 8080 --peers 8081,8082`. */
function startMember(id: number): StressNode {
  const peers = ports.filter((_, other) => other !== id).join(',');
  return new StressNode({ 'node-id': id, port: ports[id]!, peers }, base);
}

function startOther(flags: Record<string, string | number>, directory = base): StressNode {
  const node = new StressNode(flags, directory);
  others.push(node);
  return node;
}

async function create(node: StressNode, key: string, value: string): Promise<KVEntry> {
  const body = JSON.stringify({ key, value });
  const response = await fetch(`${node.url}/api/kv`, { method: 'POST', headers: JSON_TYPE, body });
  expect([response.status, response.headers.get('x-node-id')]).toEqual([201, String(nodes.indexOf(node))]);
  return (await response.json()) as KVEntry;
}

describe('three nodes started by hand', () => {
  test('what is written at any node is read at every other', async () => {
    for (const node of nodes) {
      const entry = await create(node, `from ${node.url}`, 'hello');
      expect(entry.source_node).toBe(nodes.indexOf(node));
      for (const reader of nodes) {
        expect(await (await fetch(`${reader.url}/api/kv/${entry.id}`)).json()).toEqual(entry);
        const all = (await (await fetch(`${reader.url}/api/kv`)).json()) as KVEntry[];
        expect(all).toContainEqual(entry);
      }
    }
  });

  test('they agree on one leader, which a follower names and asks', async () => {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    expect(statuses.filter((status) => status.is_leader)).toHaveLength(1);
    expect(new Set(statuses.map((status) => status.leader_id)).size).toBe(1);
    const follower = nodes[statuses.findIndex((status) => !status.is_leader)]!;
    const sync = (await (await fetch(`${follower.url}/_raft/sync-status`)).json()) as SyncStatus;
    expect(sync.leader_id).toBe(statuses[0]!.leader_id);
    expect(sync.followers.map((row) => row.address).sort()).toEqual(
      ports
        .filter((_, id) => id !== sync.leader_id)
        .map((port) => `127.0.0.1:${port}`)
        .sort(),
    );
  });

  test('a repeat with the same Idempotency-Key is the same entry, also at another node', async () => {
    const body = JSON.stringify({ key: 'once', value: 'v' });
    const headers = { ...JSON_TYPE, 'idempotency-key': 'once-1' };
    const answers = [];
    for (const node of nodes)
      answers.push(await (await fetch(`${node.url}/api/kv`, { method: 'POST', headers, body })).json());
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test('metrics name the node and the system', async () => {
    const text = await (await fetch(`${nodes[1]!.url}/metrics`)).text();
    expect(text).toMatch(/gameday_node_info\{system="kv",node="1",version="[^"]+"\} 1/);
    for (const name of [
      'raft_term ',
      'kv_wal_fsync_duration_seconds_count',
      'kv_acknowledged_before_sync_total 0',
      'http_requests_total{',
    ]) {
      expect(text).toContain(name);
    }
  });

  test('the pattern of the document finds one process, and a node that was killed catches up', async () => {
    const pattern = `stress_node.*--port ${ports[2]}`;
    const { stdout } = await run('pgrep', ['-f', pattern]);
    expect(stdout.trim().split('\n').map(Number)).toEqual([nodes[2]!.child.pid]);
    expect(await nodes[2]!.kill('SIGKILL')).toBe('SIGKILL');
    for (let i = 0; i < 20; i++) await create(nodes[i % 2]!, `missed ${i}`, 'v');
    nodes[2] = startMember(2);
    await nodes[2].ready();
    await until(async () => {
      const [first, last] = await Promise.all([nodes[0]!.status(), nodes[2]!.status()]);
      return first.applied_index === last.applied_index && first.state_hash === last.state_hash;
    });
  });
});

describe('a node that cannot start says why', () => {
  test('a wrong node id', async () => {
    const node = startOther({ 'node-id': 2, port: 8081, peers: '8080,8082' });
    expect(await node.exit()).toBe(2);
    expect(node.stderr).toContain(
      'so this is node 1:\n  node 0  127.0.0.1:8080\n  node 1  127.0.0.1:8081  <- this one\n',
    );
    expect(node.stdout).toBe('');
  });

  test('an unknown flag', async () => {
    const node = startOther({ 'node-id': 0, prot: 8080 });
    expect(await node.exit()).toBe(2);
    expect(node.stderr).toBe(
      'stress_node: unknown flag --prot: did you mean --port? (stress_node --help lists the flags)\n',
    );
  });

  test('a port in use', async () => {
    const server: Server = createServer();
    const [port] = await freePorts(1);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const node = startOther({ 'node-id': 0, port: port!, 'data-dir': join(base, 'port-in-use') });
    expect(await node.exit()).toBe(4);
    server.close();
    expect(node.stderr).toContain(`stress_node: port ${port} is in use by process ${process.pid} (`);
    expect(node.stderr).toContain('choose another port with --port');
  });

  test('a second node on one data directory', async () => {
    const [port] = await freePorts(1);
    const node = startOther({ 'node-id': 0, port: port!, 'data-dir': join(base, 'node_0') });
    expect(await node.exit()).toBe(4);
    expect(node.stderr).toContain(`is in use by process ${nodes[0]!.child.pid}`);
  });
});

describe('when nodes are lost', () => {
  test('a node whose directory was emptied must not come back under its id', async () => {
    await nodes[2]!.kill('SIGKILL');
    await rm(join(base, 'node_2'), { recursive: true });
    const node = startMember(2);
    others.push(node);
    expect(await node.exit()).toBe(4);
    expect(node.stderr).toContain('stress_node: node 2 lost its data');
    expect(node.stderr).toContain(`stress_node --node-id 3 --port ${ports[2]} --join ${ports[0]},${ports[1]}`);
  });

  test('without a majority a write is refused within its deadline, and a stale read still answered', async () => {
    await nodes[1]!.kill('SIGKILL');
    const [node] = nodes;
    const startMs = performance.now();
    const response = await fetch(`${node!.url}/api/kv`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'request-timeout': '1' },
      body: '{"key":"k","value":"v"}',
    });
    expect(performance.now() - startMs).toBeLessThan(2000);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await response.json()).toMatchObject({ error: { code: 'NO_QUORUM', definite: expect.any(Boolean) } });
    expect((await fetch(`${node!.url}/api/kv?consistency=stale`)).status).toBe(200);
    nodes[1] = startMember(1);
    await nodes[1].ready();
    await create(node!, 'again', 'v');
  });
});

describe('the admin token', () => {
  test('opens the admin endpoints and stands in no command line', async () => {
    const [port] = await freePorts(1);
    const token = 'a-secret-of-the-test';
    const node = startOther({
      'node-id': 0,
      port: port!,
      'data-dir': join(base, 'admin'),
      'admin-token': token,
      faults: 'true',
    });
    await node.ready();
    const transfer = (authorization: string) =>
      fetch(`${node.url}/_raft/transfer-leadership`, { method: 'POST', headers: { authorization } });
    expect((await transfer('Bearer wrong')).status).toBe(401);
    expect((await transfer(`Bearer ${token}`)).status).not.toBe(401);
    const { stdout } = await run('ps', ['-o', 'args=', '-p', String(node.child.pid)]);
    expect(stdout.trim()).toBe(`stress_node --node-id 0 --port ${port}`);
    expect(await node.kill('SIGTERM')).toBe(0);
    expect(node.stdout + node.stderr).not.toContain(token);
  });
});

describe('help and version', () => {
  test('are printed without starting anything', async () => {
    const command = join(import.meta.dirname, '../../bin/stress_node.mjs');
    const help = await run(process.execPath, ['--no-warnings', command, '--help']);
    expect(help.stdout).toContain('Usage: stress_node --node-id N --port PORT [flags]');
    const version = await run(process.execPath, ['--no-warnings', command, '--version']);
    expect(version.stdout).toMatch(/^stress_node \d+\.\d+\.\d+\n$/);
  });
});

describe('the end', () => {
  test('SIGTERM ends a node in order, with exit code 0', async () => {
    const left = nodes.slice(0, 2);
    expect(await Promise.all(left.map((node) => node.kill('SIGTERM')))).toEqual([0, 0]);
    for (const node of left) {
      expect(
        node.stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line).msg)
          .at(-1),
      ).toBe('stopped');
    }
  });
});
