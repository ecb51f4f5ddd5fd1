/** A cluster of the store after much was written: the memory of its nodes, and how a follower that lacks something gets it. */
import { Prng } from '../../kit/prng.ts';
import { until } from '../../kit/until.ts';
import type { ClusterNode } from '../../orchestrator/cluster/node.ts';
import { chooseTargets } from '../../orchestrator/faults/target.ts';
import { alone } from '../bench.ts';
import { BulkClient } from './bulk.ts';
import type { Findings, Plan } from './plan.ts';
import { residentBytes, usageIsKnown } from './process_usage.ts';
import type { Side } from './sides.ts';

export const RECOVERY_METRICS: readonly string[] = ['memory_bytes', 'catch_up_seconds', 'snapshot_bytes_per_second'];

/** Entries that are changed again and again: what is written grows, what is kept does not. */
export const ENTRIES = 10_000;
const WRITES = 1_000_000;
const MISSED_WRITES = 100_000;
/** So that a snapshot takes long enough to be measured. */
const SNAPSHOT_ENTRIES = 100_000;
const PROGRESS_WRITES = 250_000;
const LIMIT_MS = 120_000;
const POLL_MS = 5;

export async function measureRecovery(plan: Plan): Promise<Findings> {
  await using side = await startCompiled(plan);
  const handles = await createEntries(side, plan);
  const findings: Findings[] = [];
  if (plan.wants('memory_bytes')) findings.push(await measureMemory(side, handles, plan));
  if (plan.wants('catch_up_seconds')) findings.push(await measureCatchUp(side, handles, plan));
  if (plan.wants('snapshot_bytes_per_second')) findings.push(await measureSnapshot(side, plan));
  return { metrics: findings.flatMap(({ metrics }) => metrics), notes: findings.flatMap(({ notes }) => notes) };
}

async function createEntries(side: Side, { context }: Plan): Promise<string[]> {
  await using client = new BulkClient(side.api, side.urls);
  return await client.create(ENTRIES, context.signal);
}

/**
 * Nodes that find their programs compiled. The first start after a change of the code strips types first, and what does that stays in
 * memory: 10 to 15 MB that no later start has.
 */
export async function startCompiled(plan: Plan): Promise<Side> {
  const first = await plan.start('kv');
  await first[Symbol.asyncDispose]();
  return await plan.start('kv');
}

/** Bytes in RAM of each node. */
export function memoryOf({ pids }: Side): number[] {
  return pids.map(residentBytes);
}

async function measureMemory(side: Side, handles: readonly string[], plan: Plan): Promise<Findings> {
  if (!usageIsKnown) return { metrics: [], notes: ['memory_bytes was not measured: it is read from /proc'] };
  const begin = performance.now();
  await using client = new BulkClient(side.api, side.urls);
  let written = 0;
  await client.change(handles, WRITES, plan.context.signal, () => {
    written += 1;
    if (written % PROGRESS_WRITES === 0) plan.context.onProgress(`${written.toLocaleString('en')} writes`);
  });
  const seconds = (performance.now() - begin) / 1000;
  const each = memoryOf(side);
  return {
    metrics: [alone('memory_bytes', Math.max(...each), 'bytes')],
    notes: [
      `memory_bytes: resident memory of the largest node right after ${WRITES.toLocaleString('en')} writes to ` +
        `${ENTRIES.toLocaleString('en')} entries in ${seconds.toFixed(0)} s, with snapshots and compaction as by default; ` +
        `each: ${each.map(mebibytes).join(', ')}`,
    ],
  };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

async function measureCatchUp(side: Side, handles: readonly string[], plan: Plan): Promise<Findings> {
  const { signal, onProgress } = plan.context;
  const { leader, follower } = await rolesOf(side, signal);
  await follower.kill();
  await using client = clientOfOthers(side, follower);
  await client.change(handles, MISSED_WRITES, signal);
  const missing = await appliedIndex(leader);
  const begin = performance.now();
  await follower.start();
  await until(
    async () => {
      signal.throwIfAborted();
      return ((await appliedIndex(follower)) ?? 0) >= missing!;
    },
    { withinMs: LIMIT_MS, everyMs: POLL_MS, what: 'the follower having everything' },
  );
  const seconds = (performance.now() - begin) / 1000;
  onProgress(`a follower caught up in ${seconds.toFixed(2)} s`);
  return {
    metrics: [alone('catch_up_seconds', seconds, 'seconds')],
    notes: [
      `catch_up_seconds: from the start of a killed follower's process until it has applied all of the ` +
        `${MISSED_WRITES.toLocaleString('en')} writes that it missed`,
    ],
  };
}

/** A killed follower misses more than the log keeps, so that it must take a snapshot; the time is that of the snapshot alone. */
async function measureSnapshot(side: Side, plan: Plan): Promise<Findings> {
  const { signal } = plan.context;
  const { leader, follower } = await rolesOf(side, signal);
  await follower.kill();
  await using client = clientOfOthers(side, follower);
  await client.create(SNAPSHOT_ENTRIES - ENTRIES, signal);
  await follower.start();
  const wait = { withinMs: LIMIT_MS, everyMs: POLL_MS };
  await until(
    async () => {
      signal.throwIfAborted();
      return isSnapshotUnderWay(leader);
    },
    { ...wait, what: 'a snapshot on its way to the follower' },
  );
  const begin = performance.now();
  const bytes = await until(
    async () => {
      signal.throwIfAborted();
      return installedBytes(follower);
    },
    { ...wait, what: 'the follower having the snapshot' },
  );
  const seconds = (performance.now() - begin) / 1000;
  return {
    metrics: [alone('snapshot_bytes_per_second', bytes / seconds, 'bytes/s')],
    notes: [
      `snapshot_bytes_per_second: ${mebibytes(bytes)} for ${SNAPSHOT_ENTRIES.toLocaleString('en')} entries, in ` +
        `${seconds.toFixed(2)} s from the leader's first byte until the follower has made it durable and restored its state`,
    ],
  };
}

function clientOfOthers({ api, cluster }: Side, follower: ClusterNode): BulkClient {
  const others = cluster.nodes.filter((node) => node !== follower);
  return new BulkClient(
    api,
    others.map(({ url }) => url),
  );
}

export async function rolesOf(
  { cluster }: Side,
  signal: AbortSignal,
): Promise<{ leader: ClusterNode; follower: ClusterNode }> {
  const leader = await until(
    async () => {
      signal.throwIfAborted();
      return (await chooseTargets('leader', cluster.nodes, new Prng(0)))[0];
    },
    { withinMs: LIMIT_MS, what: 'a leader' },
  );
  return { leader, follower: cluster.nodes.find((node) => node !== leader)! };
}

/** Undefined while the node does not answer. */
async function appliedIndex({ url }: ClusterNode): Promise<number | undefined> {
  const answer = await fetch(`${url}/_raft/health`).catch(() => null);
  return answer === null ? undefined : ((await answer.json()) as { applied_index: number }).applied_index;
}

async function isSnapshotUnderWay({ url }: ClusterNode): Promise<boolean> {
  const answer = await fetch(`${url}/_raft/sync-status`);
  const { followers } = (await answer.json()) as { readonly followers: readonly { readonly snapshot?: unknown }[] };
  return followers.some(({ snapshot }) => snapshot !== undefined);
}

/** 0 before a snapshot has been installed, and while the node does not answer. */
async function installedBytes({ url }: ClusterNode): Promise<number> {
  const answer = await fetch(`${url}/_raft/resync_stats`).catch(() => null);
  if (answer === null) return 0;
  return ((await answer.json()) as { readonly snapshot_bytes_received: number }).snapshot_bytes_received;
}
