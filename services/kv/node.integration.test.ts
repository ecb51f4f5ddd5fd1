import { afterEach, describe, expect, test } from '@jest/globals';
import { FaultyDisk } from './driver/testing/faulty-disk.ts';
import { LocalCluster, type LocalNode, metric } from './driver/testing/nodes.ts';
import { until } from './driver/testing/processes.ts';

const TIMEOUT_MS = 60_000;
let cluster: LocalCluster;
let disks: FaultyDisk[];

async function three(): Promise<LocalNode[]> {
  cluster = await LocalCluster.create(3);
  disks = [new FaultyDisk(), new FaultyDisk(), new FaultyDisk()];
  await Promise.all(disks.map((disk, id) => cluster.start(id, { disk })));
  cluster.nodes.sort((a, b) => a.node.status().node_id - b.node.status().node_id);
  for (const { node } of cluster.nodes) await until('ready', () => node.ready().ready);
  return cluster.nodes;
}

afterEach(async () => {
  for (const disk of disks) disk.release();
  await cluster.close();
}, TIMEOUT_MS);

const within = (ms: number) => ({ deadlineMs: performance.now() + ms });

/** Whether a promise is still open after the event loop has had time for everything that was due. */
async function isPending(promise: Promise<unknown>, ms = 300): Promise<boolean> {
  const open = Symbol('open');
  const settled = promise.catch(() => null);
  return (await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, ms, open))])) === open;
}

describe('three nodes', () => {
  test(
    'what is written at any node is read at every node, and their states are equal',
    async () => {
      const nodes = await three();
      const written = await Promise.all(
        Array.from({ length: 60 }, (_, i) =>
          nodes[i % 3]!.node.create({ key: `k${i}`, value: `v${i}` }, within(10_000)),
        ),
      );
      for (const { node } of nodes) {
        for (const entry of written) expect(await node.get(entry.id, 'linearizable', within(5000))).toEqual(entry);
      }
      const [first] = written;
      const changed = await nodes[1]!.node.update(first!.id, { value: 'new' }, within(5000));
      expect(changed).toMatchObject({ id: first!.id, key: 'k0', value: 'new', source_node: 0 });
      expect(changed.seq).toBeGreaterThan(first!.seq);
      await nodes[2]!.node.delete(first!.id, within(5000));
      await expect(nodes[0]!.node.get(first!.id, 'linearizable', within(5000))).rejects.toMatchObject({
        code: 'NOT_FOUND',
      });
      await until('equal states', () => new Set(nodes.map(({ node }) => node.status().state_hash)).size === 1);
      await until(
        'compared checkpoints',
        async () => (await metric(nodes[0]!, 'kv_state_checkpoints_compared_total')) > 0,
      );
      for (const each of nodes) {
        expect(await metric(each, 'kv_state_divergence_total')).toBe(0);
        expect(await metric(each, 'kv_acknowledged_before_sync_total')).toBe(0);
      }
    },
    TIMEOUT_MS,
  );

  test(
    'a repeated request with an idempotency key is done once',
    async () => {
      const nodes = await three();
      const options = () => ({ ...within(5000), idempotencyKey: 'order-7' });
      const first = await nodes[0]!.node.create({ key: 'k', value: 'v' }, options());
      expect(await nodes[1]!.node.create({ key: 'k', value: 'v' }, options())).toEqual(first);
      await expect(nodes[2]!.node.create({ key: 'k', value: 'other' }, options())).rejects.toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
        status: 422,
      });
      expect(nodes[0]!.node.status().entries).toBe(1);
    },
    TIMEOUT_MS,
  );

  test(
    'leadership is handed over on request and at the end of the leader',
    async () => {
      const nodes = await three();
      const before = (await cluster.leader()).node.status().node_id;
      const asked = nodes.find(({ node }) => node.status().node_id !== before)!;
      const { leader_id } = await asked.node.transferLeadership(null, within(10_000));
      expect(leader_id).not.toBe(before);
      const leader = await cluster.leader();
      const started = performance.now();
      await leader.node.close();
      cluster.nodes.splice(cluster.nodes.indexOf(leader), 1);
      const next = await cluster.leader();
      await next.node.create({ key: 'k', value: 'v' }, within(5000));
      // Less than an election time-out after the leader fell silent, because nobody had to wait for one.
      expect(performance.now() - started).toBeLessThan(5000);
    },
    TIMEOUT_MS,
  );
});

describe('durability', () => {
  test(
    'no write is confirmed before a majority, the answering node included, has it on disk',
    async () => {
      const nodes = await three();
      const leader = await cluster.leader();
      const id = leader.node.status().node_id;
      const followers = [0, 1, 2].filter((it) => it !== id);
      for (const it of followers) disks[it]!.hold = true;
      const write = leader.node.create({ key: 'k', value: 'v' }, within(20_000));
      await until('both followers wait for their disks', () => followers.every((it) => disks[it]!.held > 0));
      expect(await isPending(write)).toBe(true);
      disks[followers[0]!]!.release();
      await write;
      disks[followers[1]!]!.release();

      // The other way round: the followers are a majority, but the node that answers must have the entry too.
      disks[id]!.hold = true;
      const second = leader.node.create({ key: 'k2', value: 'v' }, within(20_000));
      await until('the leader waits for its disk', () => disks[id]!.held > 0);
      expect(await isPending(second)).toBe(true);
      disks[id]!.release();
      await second;
      for (const each of nodes) expect(await metric(each, 'kv_acknowledged_before_sync_total')).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'a disk that claims to sync and does not is found out',
    async () => {
      const nodes = await three();
      const leader = await cluster.leader();
      const id = leader.node.status().node_id;
      const [a, b] = [0, 1, 2].filter((it) => it !== id);
      disks[a!]!.lie = true;
      disks[b!]!.lie = true;
      await leader.node.create({ key: 'k', value: 'v' }, within(10_000));
      expect(await metric(leader, 'kv_acknowledged_before_sync_total')).toBe(1);
      await nodes[a!]!.node.create({ key: 'k', value: 'v' }, within(10_000));
      expect(await metric(nodes[a!]!, 'kv_acknowledged_before_sync_total')).toBe(1);
    },
    TIMEOUT_MS,
  );
});

describe('a full disk', () => {
  test(
    'a node short of space refuses writes definitely, hands over, and takes them again when there is space',
    async () => {
      await three();
      const leader = await cluster.leader();
      const id = leader.node.status().node_id;
      disks[id]!.free = 1000;
      const refusal = await until('a refusal', async () => {
        const answer = await leader.node
          .create({ key: 'k', value: 'v' }, within(5000))
          .catch((error: unknown) => error);
        return (answer as { code?: string }).code === 'STORAGE_FULL' ? answer : null;
      });
      expect(refusal).toMatchObject({ status: 507, definite: true });
      await until('the gauge', async () => (await metric(leader, 'kv_disk_full')) === 1);
      const next = await until('another leader', async () => {
        const found = await cluster.leader();
        return found === leader ? null : found;
      });
      await next.node.create({ key: 'k', value: 'v' }, within(5000));
      disks[id]!.free = null;
      await until('writes again', () => leader.node.create({ key: 'k', value: 'v' }, within(5000)).catch(() => null));
    },
    TIMEOUT_MS,
  );

  test(
    'a leader whose log finds no space at all falls silent; the others go on, and it comes back with the same state',
    async () => {
      const nodes = await three();
      const leader = await cluster.leader();
      const id = leader.node.status().node_id;
      disks[id]!.full = true;
      // In flight when it happens: whatever becomes of it, no answer may be wrong.
      const inFlight = leader.node.create({ key: 'k', value: 'v' }, within(3000)).then(
        () => 'done',
        (error: { code: string; definite: boolean }) => error,
      );
      const others = nodes.filter((it) => it !== leader);
      const next = await until('another leader', () => others.find(({ node }) => node.status().is_leader));
      await next.node.create({ key: 'k', value: 'v' }, within(5000));
      await expect(leader.node.create({ key: 'k', value: 'v' }, within(5000))).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      });
      await inFlight;
      disks[id]!.full = false;
      await until('equal states', () => {
        const statuses = nodes.map(({ node }) => node.status());
        return (
          new Set(statuses.map((it) => `${it.applied_index} ${it.state_hash}`)).size === 1 &&
          statuses[id]!.leader_id !== null
        );
      });
      await until('writes again', () => leader.node.create({ key: 'k', value: 'v' }, within(5000)).catch(() => null));
      for (const { failures } of nodes) expect(failures).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

test(
  'without a majority: 503 NO_QUORUM within the deadline, definite where nothing was appended; stale reads go on',
  async () => {
    const nodes = await three();
    const entry = await nodes[0]!.node.create({ key: 'k', value: 'v' }, within(5000));
    await until('applied everywhere', () => nodes.every(({ node }) => node.status().entries === 1));
    const leader = await cluster.leader();
    for (const each of [...cluster.nodes]) {
      if (each === leader) continue;
      await each.node.close();
      cluster.nodes.splice(cluster.nodes.indexOf(each), 1);
    }
    const started = performance.now();
    const first = leader.node.create({ key: 'k', value: 'v' }, within(1500));
    await expect(first).rejects.toMatchObject({
      code: 'NO_QUORUM',
      status: 503,
      definite: false,
      retryAfterSeconds: 1,
    });
    expect(performance.now() - started).toBeLessThan(2500);
    await until('it has stepped down', () => leader.node.status().leader_id === null);
    const later = leader.node.create({ key: 'k', value: 'v' }, within(300));
    await expect(later).rejects.toMatchObject({ code: 'NO_QUORUM', definite: true });
    await expect(leader.node.get(entry.id, 'linearizable', within(300))).rejects.toMatchObject({ code: 'NO_QUORUM' });
    expect(await leader.node.get(entry.id, 'stale', within(300))).toEqual(entry);
    expect(leader.node.raftHealth()).toMatchObject({ status: 'unavailable', has_quorum: false });
  },
  TIMEOUT_MS,
);
