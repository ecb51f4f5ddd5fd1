import { type KvMetrics, showRole } from '../metrics.ts';
import type { DiskSpace } from './disk-space.ts';
import type { Member } from './member.ts';

/** Copies what is known into the gauges. */
export function showGauges(metrics: KvMetrics, member: Member, space: DiskSpace, tickMs: number): void {
  const status = member.status();
  const { raft, store } = metrics;
  showRole(metrics, status.role, status.leader !== null);
  raft.term.set(status.term);
  raft.commitIndex.set(status.commitIndex);
  raft.appliedIndex.set(member.appliedIndex);
  raft.lastLogIndex.set(status.lastIndex);
  raft.firstLogIndex.set(status.firstIndex);
  raft.members.set({ kind: 'voter' }, status.membership.voters.length);
  raft.members.set({ kind: 'learner' }, status.membership.learners.length);
  // Only a leader knows, and what an earlier leader knew must not stay on show.
  raft.followerLag.reset();
  raft.followerContact.reset();
  for (const { node, matchIndex, ticksSinceHeard } of status.progress) {
    const peer = String(node);
    raft.followerLag.set({ peer }, Math.max(0, status.lastIndex - matchIndex));
    raft.followerContact.set({ peer }, (ticksSinceHeard * tickMs) / 1000);
  }
  store.entries.set(member.kv.size);
  store.stateBytes.set(member.kv.bytes);
  store.checkpointIndex.set(member.checkpoints.latest.index);
  showSpace(metrics, space);
}

export function showSpace({ store }: KvMetrics, space: DiskSpace): void {
  store.diskFull.set(space.full ? 1 : 0);
  if (space.freeBytes !== null) store.diskFree.set(space.freeBytes);
}
