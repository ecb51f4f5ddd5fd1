/**
 * The decisions on which Raft's safety rests, each a pure function with the section of the thesis that demands it. They are handed
 * to `Raft` as a value, so that a test can plant a bug by replacing one of them; production code always passes `raftRules`.
 */
import type { Log } from './log.ts';
import { isQuorum, planChange } from './membership.ts';
import type {
  Entry,
  LogIndex,
  Membership,
  MembershipChange,
  Message,
  NodeId,
  Role,
  SnapshotMeta,
  Term,
} from './types.ts';

export type MessageOf<T extends Message['type']> = Extract<Message, { type: T }>;

/** What a member decides a vote by. */
export interface Voter {
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly leader: NodeId | null;
  readonly ticksSinceLeader: number;
  readonly log: Log;
  readonly config: { readonly electionTicks: number; readonly preVote: boolean; readonly checkQuorum: boolean };
}

export interface Rules {
  /** Whether a vote is refused unseen, because the voter has a living leader. */
  insideLease(request: MessageOf<'requestVote'>, voter: Voter): boolean;
  grantsVote(request: MessageOf<'requestVote'>, voter: Voter): boolean;
  /** Whether the log agrees with the leader's up to where the append begins. */
  logMatches(append: MessageOf<'append'>, log: Log, commitIndex: LogIndex): boolean;
  /** Position in `entries` of the first one that is not in the log yet; `entries.length` when all are. */
  firstNewEntry(entries: readonly Entry[], log: Log, commitIndex: LogIndex): number;
  /** Whether a leader in `term` may commit an entry of `entryTerm` because a majority stores it. */
  commitsByCounting(entryTerm: Term, term: Term): boolean;
  /** Whether a snapshot says something that the log does not; `termThere` is the log's term at the snapshot's index. */
  needsInstall(snapshot: SnapshotMeta, commitIndex: LogIndex, termThere: Term | null): boolean;
  /** Whether those who acknowledged the leader after a read came in suffice to answer it. */
  confirmsRead(membership: Membership, acknowledged: (node: NodeId) => boolean): boolean;
  /** The next configuration, or why there is none. */
  planChange(current: Membership, change: MembershipChange): Membership | string;
}

export const raftRules: Rules = {
  /**
   * §4.2.3 and §9.6: who heard from a leader within the shortest election time-out neither votes nor takes over the term, so that
   * a removed or cut-off server cannot disturb. A leader holds the lease as long as CheckQuorum lets it lead. A transfer is wanted
   * by the leader itself (§3.10).
   */
  insideLease(request, voter) {
    const { preVote, checkQuorum, electionTicks } = voter.config;
    if (request.transfer || !(request.pre ? preVote : checkQuorum)) return false;
    if (voter.role === 'leader') return checkQuorum;
    return voter.leader !== null && voter.ticksSinceLeader < electionTicks;
  },

  /**
   * §3.4, §3.6.1: one vote a term, and only for a log at least as up to date as one's own. A PreVote for a later term promises
   * nothing, so an earlier vote does not stand against it.
   */
  grantsVote(request, voter) {
    const { lastTerm, lastIndex } = voter.log;
    const upToDate =
      request.lastLogTerm > lastTerm || (request.lastLogTerm === lastTerm && request.lastLogIndex >= lastIndex);
    if (!upToDate) return false;
    if (request.pre && request.term > voter.term) return true;
    return voter.vote === request.from || (voter.vote === null && voter.leader === null);
  },

  /** §3.5: what is committed is in every later leader's log (§3.6.3), so up to there they agree even if it is compacted here. */
  logMatches(append, log, commitIndex) {
    return append.prevLogIndex <= commitIndex || log.termAt(append.prevLogIndex) === append.prevLogTerm;
  },

  /** §3.5: only a contradicting entry makes the follower drop its own; an append that arrives late must not shorten the log. */
  firstNewEntry(entries, log, commitIndex) {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (entry.index > commitIndex && log.termAt(entry.index) !== entry.term) return i;
    }
    return entries.length;
  },

  /** §3.6.2: an entry of an earlier term on a majority can still be overwritten; it commits with one of the current term. */
  commitsByCounting(entryTerm, term) {
    return entryTerm === term;
  },

  /** §5.3: a snapshot at or below the commit index is old, and one whose last entry is in the log only confirms it. */
  needsInstall(snapshot, commitIndex, termThere) {
    return snapshot.index > commitIndex && termThere !== snapshot.term;
  },

  /** §6.4: a majority still followed this leader after the read came, so no later leader had committed anything before it. */
  confirmsRead: isQuorum,

  planChange,
};
