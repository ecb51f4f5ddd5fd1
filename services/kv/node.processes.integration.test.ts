import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { NodeStatus, SyncStatus } from './api.ts';
import { type NodeProcess, ProcessCluster, until } from './driver/testing/processes.ts';

const TIMEOUT_MS = 120_000;
const EXIT_COULD_NOT_RUN = 4;
let cluster: ProcessCluster;

afterEach(() => cluster.remove(), TIMEOUT_MS);

async function write(node: NodeProcess, count: number, prefix: string): Promise<string[]> {
  const entries = await Promise.all(Array.from({ length: count }, (_, i) => node.create(`${prefix}${i}`, 'value')));
  return entries.map(({ id }) => id);
}

describe('crashes', () => {
  test(
    'the leader is killed while clients write: none is refused, nothing is lost, and it comes back with the same state',
    async () => {
      cluster = await ProcessCluster.create(3, [
        '--snapshot-entries',
        '150',
        '--kept-entries',
        '20',
        '--segment-bytes',
        '8192',
      ]);
      const nodes = await cluster.startAll();
      const leader = await cluster.leader(nodes);
      const others = nodes.filter((node) => node !== leader);
      const acknowledged: string[] = [];
      let writing = true;
      const clients = [0, 1, 2, 3].map(async (client) => {
        for (let i = 0; writing; i++) {
          const entry = await others[(client + i) % 2]!.create(`c${client}-${i}`, 'v', { 'request-timeout': '20' });
          acknowledged.push(entry.id);
        }
      });
      await until('some writes', () => acknowledged.length > 100);
      await leader.kill();
      const atKill = acknowledged.length;
      await until('writes with the next leader', () => acknowledged.length > atKill + 100);
      writing = false;
      await Promise.all(clients);
      const again = cluster.start(leader.id);
      await again.ready();
      const state = await cluster.converged([...others, again]);
      expect(state.entries).toBeGreaterThanOrEqual(acknowledged.length);
      const kept = new Set((await again.get<{ id: string }[]>('/api/kv?limit=10000'))!.map(({ id }) => id));
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      for (const node of [...others, again]) {
        expect(await node.metric('kv_acknowledged_before_sync_total')).toBe(0);
        expect(await node.metric('kv_state_divergence_total')).toBe(0);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'all nodes are killed at once and come back with everything that was acknowledged',
    async () => {
      cluster = await ProcessCluster.create(3);
      const nodes = await cluster.startAll();
      const ids = await write(nodes[0]!, 50, 'a');
      await Promise.all(nodes.map((node) => node.kill()));
      const again = await cluster.startAll();
      const entries = await again[2]!.get<{ id: string }[]>('/api/kv');
      expect(new Set(entries!.map(({ id }) => id))).toEqual(new Set(ids));
    },
    TIMEOUT_MS,
  );

  test(
    'a follower that was away for longer than the log reaches back gets a snapshot',
    async () => {
      cluster = await ProcessCluster.create(3, [
        '--snapshot-entries',
        '100',
        '--kept-entries',
        '10',
        '--segment-bytes',
        '4096',
      ]);
      const nodes = await cluster.startAll();
      const leader = await cluster.leader(nodes);
      const away = nodes.find((node) => node !== leader)!;
      await away.kill();
      for (let i = 0; i < 4; i++) await write(leader, 100, `a${i}-`);
      await until('it is called desynced', async () => {
        const sync = await leader.get<SyncStatus>('/_raft/sync-status');
        return sync?.followers.find(({ node_id }) => node_id === away.id)?.status === 'desynced';
      });
      expect((await readdir(`${cluster.dataDirectory(leader.id)}/wal`))[0]).not.toBe('0000000000000001.wal');
      const again = cluster.start(away.id);
      await again.ready();
      await cluster.converged([...nodes.filter((node) => node !== away), again]);
      expect(await again.get('/_raft/resync_stats')).toMatchObject({ snapshots_received: 1 });
      expect(await leader.get('/_raft/resync_stats')).toMatchObject({ snapshots_sent: 1 });

      // And once more by hand, although nothing is missing.
      const response = await fetch(`${again.url}/_raft/force-resync?target=127.0.0.1:${again.port}`, {
        method: 'POST',
      });
      expect(response.status).toBe(202);
      await until('the forced one', async () => {
        const stats = await leader.get<{ snapshots_sent: number }>('/_raft/resync_stats');
        return stats?.snapshots_sent === 2;
      });
    },
    TIMEOUT_MS,
  );

  test(
    'a leader that stands still for seconds is replaced, and follows when it wakes',
    async () => {
      cluster = await ProcessCluster.create(3);
      const nodes = await cluster.startAll();
      const leader = await cluster.leader(nodes);
      const others = nodes.filter((node) => node !== leader);
      leader.child.kill('SIGSTOP');
      const next = await cluster.leader(others);
      const ids = await write(next, 20, 'a');
      leader.child.kill('SIGCONT');
      await cluster.converged(nodes);
      const read = await leader.get<{ id: string }[]>('/api/kv');
      expect(read!.map(({ id }) => id).sort()).toEqual(ids.sort());
    },
    TIMEOUT_MS,
  );
});

describe('what must not start', () => {
  test(
    'a second node on one data directory; the lock of a killed one is no obstacle',
    async () => {
      cluster = await ProcessCluster.create(1);
      const [first] = await cluster.startAll();
      const second = cluster.startAt(0, 1, ['--data-dir', cluster.dataDirectory(0)]);
      expect(await second.ended()).toBe(EXIT_COULD_NOT_RUN);
      expect(second.output).toContain(`node_0 is in use by process ${first!.child.pid}`);
      await first!.kill();
      await cluster.start(0).ready();
    },
    TIMEOUT_MS,
  );

  test(
    'a node with a damaged log; the message names file and byte',
    async () => {
      cluster = await ProcessCluster.create(1);
      const [node] = await cluster.startAll();
      await write(node!, 20, 'a');
      // Writes at one moment may share a record, and damage in the last one is taken for a torn write.
      await write(node!, 1, 'b');
      await node!.kill();
      const path = `${cluster.dataDirectory(0)}/wal/0000000000000001.wal`;
      const log = await readFile(path);
      log[400]! ^= 1;
      await writeFile(path, log);
      const again = cluster.start(0);
      expect(await again.ended()).toBe(EXIT_COULD_NOT_RUN);
      expect(again.output).toMatch(
        /0000000000000001\.wal is damaged at byte \d+: .*valid record follows.*--node-id <new id>/,
      );
    },
    TIMEOUT_MS,
  );

  test(
    'a node that lost its data; under a new id it joins, and takes the place of the old one',
    async () => {
      cluster = await ProcessCluster.create(3, ['--snapshot-entries', '50', '--kept-entries', '5']);
      const nodes = await cluster.startAll();
      const ids = await write(nodes[0]!, 120, 'a');
      await nodes[2]!.kill();
      await rm(cluster.dataDirectory(2), { recursive: true });
      const wiped = cluster.start(2);
      expect(await wiped.ended()).toBe(EXIT_COULD_NOT_RUN);
      expect(wiped.output).toContain('node 2 lost its data');
      expect(wiped.output).toContain(`stress_node --node-id 3 --port ${cluster.portOf(2)} --join`);

      // With another id that was used before it is refused as well.
      const join = [
        '--join',
        `127.0.0.1:${cluster.portOf(0)}/${cluster.peerPortOf(0)},127.0.0.1:${cluster.portOf(1)}/${cluster.peerPortOf(1)}`,
      ];
      const reused = cluster.startAt(1, 3, [...join, '--data-dir', `${cluster.directory}/other`]);
      expect(await reused.ended()).toBe(EXIT_COULD_NOT_RUN);
      expect(reused.output).toContain('ids are never used twice');

      const joined = cluster.startAt(3, 2, join);
      await joined.ready();
      const status = await until('the new member instead of the old one', async () => {
        const found = await joined.status();
        const kinds = found?.members.map(({ node_id, kind }) => `${node_id} ${kind}`).join();
        return kinds === '0 voter,1 voter,3 voter' ? found : null;
      });
      expect(status.entries).toBe(ids.length);
      await cluster.converged([nodes[0]!, nodes[1]!, joined]);

      // The id of the one that it replaced is not used again.
      const removed = cluster.startAt(2, 3, [...join, '--data-dir', `${cluster.directory}/again`]);
      expect(await removed.ended()).toBe(EXIT_COULD_NOT_RUN);
      expect(removed.output).toContain('node 2 was a member and has been removed');
      expect(removed.output).toContain('members 0, 1, 3; removed 2: stress_node --node-id 4 ');

      // It votes: with the old leader gone, two of the three go on.
      const leader = await cluster.leader([nodes[0]!, nodes[1]!, joined]);
      const rest = [nodes[0]!, nodes[1]!, joined].filter((node) => node !== leader);
      await leader.kill();
      await rest[0]!.create('after', 'v', { 'request-timeout': '20' });

      await joined.kill();
      const restarted = cluster.startAt(3, 2, join);
      await restarted.ready();
    },
    TIMEOUT_MS,
  );
});

const STRACE = spawnSync('strace', ['-V']).status === 0;

(STRACE ? test : test.skip)(
  'fdatasync returns before the answer is written, as the kernel sees it',
  async () => {
    cluster = await ProcessCluster.create(1);
    const trace = `${cluster.directory}/trace`;
    const strace = [
      'strace',
      '-f',
      '-tt',
      '-y',
      '-s',
      '200',
      '-e',
      'trace=write,writev,pwrite64,fdatasync',
      '-o',
      trace,
    ];
    const node = cluster.start(0, [], strace);
    await node.ready();
    await node.create('proof-of-sync', 'v');
    await node.killWrapped(cluster.dataDirectory(0));
    const lines = (await readFile(trace, 'utf8')).split('\n');
    const written = lines.findIndex((line) => line.includes('.wal>') && line.includes('proof-of-sync'));
    const answered = lines.findIndex((line) => line.includes('201 Created'));
    const between = lines.slice(written, answered);
    expect(written).toBeGreaterThan(0);
    expect(answered).toBeGreaterThan(written);
    // The call on the log and its return; a call that took long is split over two lines.
    expect(between.some((line) => /fdatasync\(\d+<.*\.wal>\)\s+= 0|fdatasync resumed>\)\s+= 0/.test(line))).toBe(true);
  },
  TIMEOUT_MS,
);

test(
  'an idle cluster does next to nothing',
  async () => {
    cluster = await ProcessCluster.create(3);
    const nodes = await cluster.startAll();
    await write(nodes[0]!, 5, 'a');
    const term = (await nodes[0]!.get<NodeStatus>('/status'))!.term;
    const cpu = () => Promise.all(nodes.map((node) => node.metric('process_cpu_seconds_total')));
    const synced = () => Promise.all(nodes.map((node) => node.metric('kv_wal_bytes_written_total')));
    const wakings = () => Promise.all(nodes.map(({ child }) => wakingsOf(child.pid!)));
    const [cpuBefore, syncedBefore] = [await cpu(), await synced()];
    const wakingsBefore = await wakings();
    const seconds = 4;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const wakingsAfter = await wakings();
    const [cpuAfter, syncedAfter] = [await cpu(), await synced()];
    for (const i of nodes.keys()) expect((cpuAfter[i]! - cpuBefore[i]!) / seconds).toBeLessThan(0.15);
    // However busy the machine: a heartbeat and its answer every 100 ms, and one look around; not each of Raft's 50 ticks a second.
    for (const i of nodes.keys()) expect((wakingsAfter[i]! - wakingsBefore[i]!) / seconds).toBeLessThan(45);
    expect(syncedAfter).toEqual(syncedBefore);
    expect((await nodes[0]!.status())!.term).toBe(term);
  },
  TIMEOUT_MS,
);

/** How often the main thread has gone to sleep since it began; 0 where that is not told. */
async function wakingsOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0);
}
