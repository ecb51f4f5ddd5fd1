/**
 * The vocabulary of the Raft core: what goes in and what comes out of `step`.
 *
 * Terms follow Ongaro, "Consensus: Bridging Theory and Practice" (2014), the thesis: §3 the basic algorithm, §4 membership,
 * §5 compaction, §6 clients (ReadIndex §6.4), §9.6 PreVote, §10.2 pipelining and batching. The shape of the output, in which
 * "persist before send" is visible, follows etcd-io/raft's `Ready`.
 *
 * The core is a pure state machine: no clock, no randomness of its own, no I/O. Time arrives as `tick`.
 */

/** A member's number, ≥ 0, never reused: a node that lost its data comes back under a new one. */
export type NodeId = number;

/** Position in the log; the first entry has index 1, 0 means "none". */
export type LogIndex = number;

/** Election term; 0 before the first election. */
export type Term = number;

/** What an entry carries. `noop` opens a term (§5.4.2 of the paper), `membership` holds a configuration, `command` is the application's. */
export type EntryKind = 'noop' | 'command' | 'membership';

export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** Opaque to the core: an encoded command, an encoded `Membership`, or empty for `noop`. */
  readonly data: Uint8Array;
}

/**
 * The members in force (thesis §4.3, joint consensus). While `votersOutgoing` is not empty the configuration is joint and every
 * decision (election, commit, read, CheckQuorum) needs a majority of both sets.
 */
export interface Membership {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /**
   * Ids of all who were members and were removed, ascending; never those of members. Ids are never reused (thesis §4: a server's id is
   * unique), because a node may have voted, or acknowledged entries, under its id. They are part of the configuration, so that whoever
   * leads knows them and a change that is overwritten takes them back.
   */
  readonly retired: readonly NodeId[];
  /** Where each member listens, opaque to the core (`host:clientPort/peerPort`); travels with the configuration. */
  readonly addresses: Readonly<Record<NodeId, string>>;
}

/** What must survive a crash beside the log; written before any message that depends on it is sent. */
export interface HardState {
  readonly term: Term;
  /** Whom this node voted for in `term`, or null. */
  readonly vote: NodeId | null;
  /** Highest index known to be committed; may lag behind, it is only a hint at restart. */
  readonly commit: LogIndex;
}

/** What a snapshot stands for: the state after applying `index`, whose entry had `term`. */
export interface SnapshotMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly membership: Membership;
  /** Size of the snapshot's data in bytes. */
  readonly size: number;
}

/**
 * What a node finds on its disk when it starts. Entries follow the snapshot without a gap; they may begin before it (what
 * `entriesKeptAfterSnapshot` kept), so `entries[0].index ≤ snapshot.index + 1`. The driver has loaded the snapshot into the state
 * machine; entries after it are output again as `committed`.
 */
export interface Restored {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  readonly entries: readonly Entry[];
}

export interface RaftConfig {
  readonly id: NodeId;
  /** Larger at every start of this node (kept by the driver); tells the forwarded proposals of one start from those of another. */
  readonly incarnation: number;
  /** The configuration of a cluster that starts for the first time; ignored when `Restored` has a snapshot or a membership entry. */
  readonly membership: Membership;
  /** Election time-out in ticks, drawn uniformly from [electionTicks, 2·electionTicks) by the injected generator at each reset. */
  readonly electionTicks: number;
  /** The leader sends a heartbeat every so many ticks; must be < electionTicks. */
  readonly heartbeatTicks: number;
  /** Most bytes of entry data in one append message; at least one entry always travels. */
  readonly appendBytesMax: number;
  /** Most append messages in flight to one follower before an acknowledgement (pipelining, §10.2). */
  readonly appendsInflightMax: number;
  /** Most bytes of uncommitted entries that a leader accepts before it refuses proposals with `overloaded`. */
  readonly uncommittedBytesMax: number;
  /** Bytes in one snapshot chunk. */
  readonly snapshotChunkBytes: number;
  /** PreVote (§9.6) and CheckQuorum (§6.2); on unless a test says otherwise. */
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** How many entries stay in the log behind a snapshot, so that a slow follower need not take the snapshot. */
  readonly entriesKeptAfterSnapshot: number;
}

interface Addressed {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly term: Term;
}

/** Messages between members. Field names are those of the thesis, Figure 3.1. */
export type Message =
  | (Addressed & {
      readonly type: 'requestVote';
      /** A PreVote asks "would you?", with the term the candidate would use, and changes nobody's term. */
      readonly pre: boolean;
      readonly lastLogIndex: LogIndex;
      readonly lastLogTerm: Term;
      /** Set when the leader asked for this election by a transfer (§3.10): CheckQuorum's lease must not refuse it. */
      readonly transfer: boolean;
    })
  | (Addressed & { readonly type: 'vote'; readonly pre: boolean; readonly granted: boolean })
  | (Addressed & {
      readonly type: 'append';
      readonly prevLogIndex: LogIndex;
      readonly prevLogTerm: Term;
      readonly entries: readonly Entry[];
      readonly leaderCommit: LogIndex;
    })
  | (Addressed & {
      readonly type: 'appended';
      readonly success: boolean;
      /** On success the highest index known to match and durable; on refusal a hint where the logs may agree. */
      readonly matchIndex: LogIndex;
      readonly hintTerm: Term;
      /** `prevLogIndex` of the refused append, so that a late refusal is recognised. */
      readonly rejectedIndex: LogIndex;
    })
  | (Addressed & {
      readonly type: 'heartbeat';
      readonly leaderCommit: LogIndex;
      /** Identifies the newest read round this heartbeat confirms (ReadIndex, §6.4); 0 when there is none. */
      readonly readRound: number;
    })
  | (Addressed & { readonly type: 'heartbeatAck'; readonly readRound: number })
  | (Addressed & {
      readonly type: 'installSnapshot';
      readonly snapshot: SnapshotMeta;
      readonly offset: number;
      readonly data: Uint8Array;
      readonly done: boolean;
    })
  | (Addressed & {
      readonly type: 'snapshotAck';
      readonly index: LogIndex;
      /** Bytes received in order so far; the leader goes on from here. */
      readonly offset: number;
      readonly installed: boolean;
    })
  | (Addressed & { readonly type: 'timeoutNow' })
  /**
   * A follower passes proposals on to the leader, each exactly once; their fate shows at the follower, which applies the entry or
   * gets `proposalsRefused`. They are appended in this message's term or never: a follower that has applied an entry of a later
   * term knows that what it did not see before was lost, unless a snapshot hid it. (incarnation, sequence) grows with every such message of one sender, and the receiver drops one that
   * does not: a copy or a latecomer must not append twice, or append what was refused. The receiver remembers this as long as it
   * runs, so a transport must not deliver a copy of one message to two starts of the receiver (a connection never does).
   */
  | (Addressed & {
      readonly type: 'forwardProposals';
      readonly incarnation: number;
      readonly sequence: number;
      readonly proposals: readonly Proposal[];
    })
  | (Addressed & { readonly type: 'proposalsRefused'; readonly ids: readonly string[]; readonly reason: RefusalReason })
  | (Addressed & { readonly type: 'forwardReads'; readonly ids: readonly string[] })
  | (Addressed & { readonly type: 'readsConfirmed'; readonly ids: readonly string[]; readonly index: LogIndex })
  | (Addressed & { readonly type: 'readsRefused'; readonly ids: readonly string[]; readonly reason: RefusalReason });

/** A command to be replicated. `id` only correlates the answer and is not stored; a retry after a refusal takes a new one. */
export interface Proposal {
  readonly id: string;
  readonly data: Uint8Array;
}

/**
 * Why a proposal, read or request was refused. All of these are definite: nothing was appended on behalf of this id.
 * `noLeader`: none is known here; `notLeader`: the addressed node has stepped down; `overloaded`: too much is uncommitted;
 * `transferring`: leadership is being handed over; `busy`: another membership change is in progress; `invalid`: see the text.
 */
export type RefusalReason = 'noLeader' | 'notLeader' | 'overloaded' | 'transferring' | 'busy' | 'invalid';

export type MembershipChange =
  /** Of one that is a learner already: gives it another address. */
  | { readonly type: 'addLearner'; readonly node: NodeId; readonly address: string }
  /** Several changes at once go through joint consensus: learners named here become voters, `remove` leave. */
  | { readonly type: 'changeVoters'; readonly promote: readonly NodeId[]; readonly remove: readonly NodeId[] };

export type Input =
  /** A fixed stretch of time has passed. After a stall (a paused process) step one tick, not all that were missed, and messages first. */
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly message: Message }
  /** Proposals made at this node; a follower forwards them to the leader it knows, else refuses. */
  | { readonly type: 'propose'; readonly proposals: readonly Proposal[] }
  /**
   * In place of `message`, when this node cannot take what a follower passes on: refused, unless it is a copy of what was taken before,
   * which may be in the log.
   */
  | {
      readonly type: 'refuseForwarded';
      readonly message: Extract<Message, { type: 'forwardProposals' }>;
      readonly reason: RefusalReason;
    }
  /** Linearizable reads made at this node; each is confirmed by an `Output.reads` row, or refused, or lost on the way to the leader. */
  | { readonly type: 'read'; readonly ids: readonly string[] }
  /** Everything in `Output.persist` up to and including this number is durable (fsync has returned). */
  | { readonly type: 'persisted'; readonly number: number }
  /** The state machine has applied everything up to this index. */
  | { readonly type: 'applied'; readonly index: LogIndex }
  /**
   * The driver has stored a snapshot of the state at `snapshot.index` durably; the log before it may be compacted. Its meta comes from
   * `Raft.snapshotMeta(index, size)`, which is null when a newer one came from the leader.
   */
  | { readonly type: 'snapshotStored'; readonly snapshot: SnapshotMeta }
  /**
   * Answer to `Output.snapshotReads`. A driver that no longer has that snapshot does not answer: after an election time-out the
   * leader starts again with its newest one.
   */
  | {
      readonly type: 'snapshotChunk';
      readonly to: NodeId;
      readonly index: LogIndex;
      readonly offset: number;
      readonly data: Uint8Array;
      readonly done: boolean;
    }
  /** The transport lost its connection to a peer: stop pipelining to it and probe. */
  | { readonly type: 'unreachable'; readonly node: NodeId }
  /** Leader only; ends with event `steppedDown` (transferred), or `transferAborted`. With an `id`, what cannot be begun is refused. */
  | { readonly type: 'transferLeadership'; readonly to: NodeId; readonly id?: string }
  /** Leader only, else refused; `accepted` gives the place of the first entry, the event `membershipChanged` tells the rest. */
  | { readonly type: 'changeMembership'; readonly id: string; readonly change: MembershipChange }
  /**
   * Leader only: send the stored snapshot to this follower even if its log could be continued (`/_raft/force-resync`). A follower
   * that has committed as much acknowledges without installing. Does nothing while no snapshot is stored. With an `id`, what cannot
   * be begun is refused.
   */
  | { readonly type: 'forceSnapshot'; readonly to: NodeId; readonly id?: string };

/**
 * One write to stable storage. The driver writes in order of `number`, may merge several into one fsync, and only when that
 * fsync has returned sends `thenSend` and steps `persisted`. Order within one record: hardState and entries are one atomic batch.
 * A record with nothing to write only waits for those before it. A crash keeps a prefix of the records, never one without those
 * before it.
 */
export interface Persist {
  readonly number: number;
  readonly hardState: HardState | null;
  /** To append; a first index at or below the last stored one replaces everything from there on. */
  readonly entries: readonly Entry[];
  /**
   * A received snapshot chunk to store; offset 0 begins the file anew; on `done` the file is fsynced, renamed into place, and
   * replaces log and state. It voids every entry of a lower-numbered record, also those beyond `snapshot.index`: found again at a
   * restart they would contradict the cluster's log. `hardState` of this record is written before the rename.
   */
  readonly snapshotWrite: {
    readonly snapshot: SnapshotMeta;
    readonly offset: number;
    readonly data: Uint8Array;
    readonly done: boolean;
  } | null;
  /** Answers that promise what is written here. */
  readonly thenSend: readonly Message[];
}

/** Something that happened, for metrics and logs; the driver never acts on it. */
export type RaftEvent =
  | { readonly type: 'roleChanged'; readonly role: Role; readonly term: Term }
  | { readonly type: 'leaderChanged'; readonly leader: NodeId | null; readonly term: Term }
  | { readonly type: 'electionStarted'; readonly pre: boolean; readonly term: Term }
  | { readonly type: 'steppedDown'; readonly reason: 'quorumLost' | 'higherTerm' | 'transferred' | 'removed' }
  | { readonly type: 'transferAborted'; readonly to: NodeId }
  | { readonly type: 'snapshotSent'; readonly to: NodeId; readonly index: LogIndex; readonly bytes: number }
  | { readonly type: 'snapshotInstalled'; readonly index: LogIndex; readonly bytes: number }
  | { readonly type: 'compacted'; readonly index: LogIndex }
  | { readonly type: 'membershipChanged'; readonly membership: Membership; readonly index: LogIndex };

/** `learner`: has no vote, because it is a learner or no member (not yet, or no more). */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';

export interface Output {
  /** May be sent at once: they promise nothing that is not durable yet. */
  readonly messages: readonly Message[];
  readonly persist: Persist | null;
  /** Newly committed and locally durable entries, in order, each exactly once per incarnation. */
  readonly committed: readonly Entry[];
  /** Reads that are linearizable once the state machine has applied `index`. */
  readonly reads: readonly { readonly id: string; readonly index: LogIndex }[];
  /**
   * Proposals made at this node that were given a place in the log: `id` will commit at (index, term) or be overwritten. Leader
   * only; what followers forwarded is not listed.
   */
  readonly accepted: readonly { readonly id: string; readonly index: LogIndex; readonly term: Term }[];
  /** Definitely not done. */
  readonly refused: readonly { readonly id: string; readonly reason: RefusalReason; readonly leader: NodeId | null }[];
  /** Snapshot data the leader wants to send; the driver reads the stored snapshot and answers with `snapshotChunk`. */
  readonly snapshotReads: readonly {
    readonly to: NodeId;
    readonly index: LogIndex;
    readonly offset: number;
    readonly length: number;
  }[];
  /** The stored snapshot with this meta now replaces the state machine's state (after its `persisted`). */
  readonly restore: SnapshotMeta | null;
  readonly events: readonly RaftEvent[];
}

/** What a leader knows of a follower (thesis, nextIndex/matchIndex; `probe | replicate | snapshot` as in etcd-io/raft). */
export interface Progress {
  readonly node: NodeId;
  readonly matchIndex: LogIndex;
  readonly nextIndex: LogIndex;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly inflight: number;
  /** Heard from within the last election time-out. */
  readonly active: boolean;
  readonly learner: boolean;
  /** Ticks since the last message from it. */
  readonly ticksSinceHeard: number;
  /** Consecutive: lost connections, and heartbeats after which nothing was heard until the next. */
  readonly failures: number;
  /** While a snapshot travels: how many bytes the follower has acknowledged. */
  readonly snapshot: { readonly index: LogIndex; readonly offset: number; readonly size: number } | null;
}

/** A readable picture of the core; for `/status`, metrics and tests. */
export interface RaftStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  readonly vote: NodeId | null;
  readonly leader: NodeId | null;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  readonly durableIndex: LogIndex;
  readonly firstIndex: LogIndex;
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  readonly membership: Membership;
  /** Empty unless leader. */
  readonly progress: readonly Progress[];
  readonly ticksWithoutLeader: number;
}
