import type { Logger } from '../../../kit/logger.ts';
import type { ResyncStats } from '../api.ts';
import type { NodeId, RaftEvent } from '../core/raft/types.ts';
import type { KvMetrics } from '../metrics.ts';

/** Turns what happened in Raft into metrics, log lines and `/_raft/resync_stats`. */
export class RaftJournal {
  readonly #metrics: KvMetrics;
  readonly #logger: Logger;
  #lastLeader: NodeId | null = null;
  #stats = {
    snapshots_created: 0,
    snapshots_sent: 0,
    snapshots_received: 0,
    snapshot_bytes_sent: 0,
    snapshot_bytes_received: 0,
    last_resync_at: null as string | null,
  };

  constructor(metrics: KvMetrics, logger: Logger) {
    this.#metrics = metrics;
    this.#logger = logger;
  }

  stats(): Omit<ResyncStats, 'force_resyncs'> {
    return { ...this.#stats };
  }

  snapshotCreated(index: number, bytes: number): void {
    this.#stats.snapshots_created += 1;
    this.#metrics.raft.snapshots.inc({ event: 'created' });
    this.#logger.debug({ index, bytes }, 'snapshot stored');
  }

  record(event: RaftEvent): void {
    const { raft } = this.#metrics;
    switch (event.type) {
      case 'roleChanged':
        this.#logger.info({ role: event.role, term: event.term }, 'role changed');
        break;
      case 'leaderChanged':
        this.#leaderChanged(event.leader, event.term);
        break;
      case 'electionStarted':
        raft.elections.inc({ kind: event.pre ? 'pre' : 'real' });
        break;
      case 'steppedDown':
        raft.stepDowns.inc({ reason: event.reason });
        this.#logger.warn({ reason: event.reason }, 'leads no longer');
        break;
      case 'snapshotSent':
        this.#moved('sent', event.bytes);
        this.#logger.info({ peer: event.to, index: event.index, bytes: event.bytes }, 'snapshot sent');
        break;
      case 'snapshotInstalled':
        this.#moved('received', event.bytes);
        this.#logger.info({ index: event.index, bytes: event.bytes }, 'snapshot installed');
        break;
      case 'membershipChanged':
        this.#logger.info({ index: event.index, membership: event.membership }, 'membership changed');
        break;
      case 'transferAborted':
        this.#logger.warn({ to: event.to }, 'leadership was not taken over');
        break;
      case 'compacted':
        this.#logger.debug({ index: event.index }, 'log compacted');
    }
  }

  #leaderChanged(leader: NodeId | null, term: number): void {
    if (leader === null) return;
    if (this.#lastLeader !== null && this.#lastLeader !== leader) this.#metrics.raft.leaderChanges.inc();
    this.#lastLeader = leader;
    this.#logger.info({ leader, term }, 'leader known');
  }

  #moved(direction: 'sent' | 'received', bytes: number): void {
    const { raft } = this.#metrics;
    raft.snapshots.inc({ event: direction });
    raft.snapshotBytes.inc({ direction }, bytes);
    this.#stats[`snapshots_${direction}`] += 1;
    this.#stats[`snapshot_bytes_${direction}`] += bytes;
    this.#stats.last_resync_at = new Date().toISOString();
  }
}
