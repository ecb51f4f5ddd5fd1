import { assert } from '../../../../kit/assert.ts';
import type { Prng } from '../../../../kit/prng.ts';
import { Durability } from './durability.ts';
import { Log } from './log.ts';
import { decodeMembership, isVoter, MembershipHistory } from './membership.ts';
import { Outbox } from './outbox.ts';
import type { Rules } from './rules.ts';
import type {
  Entry,
  HardState,
  LogIndex,
  Message,
  NodeId,
  Output,
  RaftConfig,
  Restored,
  Role,
  SnapshotMeta,
  Term,
} from './types.ts';

/**
 * What a member knows whatever its role: log, term, vote, commit index, timers. The parts of the core (election, follower,
 * leadership) share it. Its methods keep the invariants that no part may break.
 */
export class Replica {
  readonly config: RaftConfig;
  readonly rules: Rules;
  readonly random: Prng;
  readonly log: Log;
  readonly memberships: MembershipHistory;
  readonly durability: Durability;
  readonly outbox = new Outbox();

  role: Role;
  term: Term;
  vote: NodeId | null;
  leader: NodeId | null = null;
  commitIndex: LogIndex;
  /** The last entry that was put out as `committed`. */
  emittedIndex: LogIndex;
  appliedIndex: LogIndex;
  /** The newest snapshot stored at this node. */
  snapshot: SnapshotMeta | null;

  /** Ticks since the election timer was last reset. */
  electionElapsed = 0;
  electionTimeout = 0;
  ticksSinceLeader = 0;
  ticksWithoutLeader = 0;

  #hardStateChanged = false;
  #commitWritten: LogIndex;
  /** Snapshot whose last chunk this step writes. */
  #installing: SnapshotMeta | null = null;

  constructor(config: RaftConfig, restored: Restored | null, random: Prng, rules: Rules) {
    assert(
      config.heartbeatTicks > 0 && config.heartbeatTicks < config.electionTicks,
      `heartbeatTicks = ${config.heartbeatTicks}, electionTicks = ${config.electionTicks}: requires 0 < heartbeatTicks < electionTicks`,
    );
    this.config = config;
    this.random = random;
    this.rules = rules;
    const hardState = restored?.hardState ?? { term: 0, vote: null, commit: 0 };
    this.snapshot = restored?.snapshot ?? null;
    this.log = restoreLog(this.snapshot, restored?.entries ?? []);
    this.memberships = restoreMemberships(config, this.snapshot, restored?.entries ?? []);
    this.durability = new Durability(this.log.lastIndex);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.emittedIndex = this.snapshot?.index ?? 0;
    this.appliedIndex = this.emittedIndex;
    this.commitIndex = Math.max(hardState.commit, this.emittedIndex);
    this.#commitWritten = hardState.commit;
    assert(
      this.commitIndex <= this.log.lastIndex,
      `restored commit ${this.commitIndex} is beyond the last entry ${this.log.lastIndex}: durable entries were lost`,
    );
    assert(this.term >= this.log.lastTerm, `restored term ${this.term} is below the last entry's ${this.log.lastTerm}`);
    this.role = this.restingRole;
    this.resetElectionTimer();
  }

  get id(): NodeId {
    return this.config.id;
  }

  /**
   * Whether this node may stand for election. One that its newest configuration leaves out still may while that is not committed:
   * it can be the only one that has the entry, and then nobody else can win (§4.2.2). Its own vote does not count, of course.
   */
  get mayStand(): boolean {
    const { current, previous, index } = this.memberships;
    if (isVoter(current, this.id)) return true;
    return index > this.commitIndex && previous !== null && isVoter(previous, this.id);
  }

  /** What this node is when it neither leads nor wants to. */
  get restingRole(): 'follower' | 'learner' {
    return this.mayStand ? 'follower' : 'learner';
  }

  /** Sends what promises nothing but the current term; that waits until the term is durable. */
  send(message: Message): void {
    if (this.#hardStateChanged || !this.durability.hardStateIsDurable) this.outbox.sendDurably(message);
    else this.outbox.send(message);
  }

  setTerm(term: Term, vote: NodeId | null): void {
    assert(
      term > this.term || (term === this.term && this.vote === null),
      `term ${this.term} → ${term}, vote ${this.vote} → ${vote}`,
    );
    this.term = term;
    this.vote = vote;
    this.#hardStateChanged = true;
  }

  setRole(role: Role): void {
    if (role === this.role) return;
    this.role = role;
    this.outbox.event({ type: 'roleChanged', role, term: this.term });
  }

  setLeader(leader: NodeId | null): void {
    if (leader === this.leader) return;
    this.leader = leader;
    if (leader !== null) this.ticksWithoutLeader = 0;
    this.outbox.event({ type: 'leaderChanged', leader, term: this.term });
  }

  /** Randomised, so that split votes are rare (§3.4). */
  resetElectionTimer(): void {
    const { electionTicks } = this.config;
    this.electionElapsed = 0;
    this.electionTimeout = this.random.integer(electionTicks, 2 * electionTicks);
  }

  append(entry: Entry): void {
    this.log.append(entry);
    if (entry.kind !== 'membership') return;
    this.memberships.append(entry.index, decodeMembership(entry.data));
    this.#membershipChanged();
  }

  /** Drops the entries from `index` on, and the configurations in them (§4.1). */
  truncateFrom(index: LogIndex): void {
    assert(
      index > this.commitIndex,
      `truncation at ${index} would drop committed entries: commit index is ${this.commitIndex}`,
    );
    this.log.truncateFrom(index);
    this.durability.truncated(index);
    if (this.memberships.truncateFrom(index)) this.#membershipChanged();
  }

  commitTo(index: LogIndex): void {
    assert(index >= this.commitIndex, `commit index would go back from ${this.commitIndex} to ${index}`);
    assert(
      index <= this.log.lastIndex,
      `commit ${index} is beyond the last entry ${this.log.lastIndex}: this node lost entries it had acknowledged`,
    );
    const settles = this.memberships.index > this.commitIndex && this.memberships.index <= index;
    this.commitIndex = index;
    if (settles) this.#settleRole();
  }

  /** Replaces log and state by a snapshot, whose last chunk is written in this step. */
  install(snapshot: SnapshotMeta): void {
    assert(
      snapshot.index > this.commitIndex,
      `snapshot ${snapshot.index} would replace newer state: commit index is ${this.commitIndex}`,
    );
    this.durability.truncated(this.commitIndex + 1);
    this.log.reset(snapshot.index, snapshot.term);
    this.memberships.reset(snapshot.index, snapshot.membership);
    this.commitIndex = snapshot.index;
    this.snapshot = snapshot;
    this.#installing = snapshot;
    this.#membershipChanged();
  }

  /** The disk has confirmed every record up to `number`. */
  persisted(number: number): void {
    const installed = this.durability.persisted(number);
    if (installed === null) return;
    this.emittedIndex = installed.index;
    this.outbox.restore = installed;
    this.outbox.event({ type: 'snapshotInstalled', index: installed.index, bytes: installed.size });
  }

  applied(index: LogIndex): void {
    assert(index <= this.emittedIndex, `applied ${index}, but only ${this.emittedIndex} was committed here`);
    this.appliedIndex = Math.max(this.appliedIndex, index);
  }

  /** A snapshot of the state at or below `appliedIndex` is on disk; keeps the log from `keepFrom` on. */
  compact(snapshot: SnapshotMeta, keepFrom: LogIndex): void {
    if (this.snapshot !== null && snapshot.index <= this.snapshot.index) return;
    assert(
      snapshot.index <= this.emittedIndex,
      `snapshot at ${snapshot.index}, but only ${this.emittedIndex} was committed here`,
    );
    assert(
      this.log.termAt(snapshot.index) === snapshot.term,
      `snapshot at ${snapshot.index} has term ${snapshot.term}, the log ${this.log.termAt(snapshot.index)}`,
    );
    this.snapshot = snapshot;
    this.memberships.compactTo(snapshot.index);
    const compactedTo = Math.min(snapshot.index, keepFrom - 1);
    if (compactedTo <= this.log.baseIndex) return;
    this.log.compactTo(compactedTo);
    this.outbox.event({ type: 'compacted', index: compactedTo });
  }

  /** Ends a step: what is to be written, and what became both committed and durable here. */
  finish(): Output {
    const entries = this.log.takeFresh();
    const termChanged = this.#hardStateChanged;
    const hardState = this.#takeHardState(entries !== null);
    const persist = this.outbox.takePersist(() => this.#issue(termChanged, entries !== null), hardState, entries);
    this.#installing = null;
    return this.outbox.take(persist, this.#takeCommitted());
  }

  #issue(termChanged: boolean, hasEntries: boolean): number {
    return this.durability.issue({
      termChanged,
      index: hasEntries ? this.log.lastIndex : (this.#installing?.index ?? null),
      installed: this.#installing,
    });
  }

  /**
   * Term and vote when they changed. The commit index travels along with entries, since it is only a hint that spares a restarted
   * node some waiting. Beside a snapshot the old one is written: the snapshot may not be in place when a crash leaves the rest.
   */
  #takeHardState(withCommit: boolean): HardState | null {
    if (!this.#hardStateChanged && !(withCommit && this.commitIndex > this.#commitWritten)) return null;
    if (this.#installing === null) this.#commitWritten = this.commitIndex;
    this.#hardStateChanged = false;
    return { term: this.term, vote: this.vote, commit: this.#commitWritten };
  }

  #takeCommitted(): Entry[] | null {
    if (this.durability.isInstalling) return null;
    const to = Math.min(this.commitIndex, this.durability.index);
    if (to <= this.emittedIndex) return null;
    const committed = this.log.slice(this.emittedIndex + 1, to);
    this.emittedIndex = to;
    return committed;
  }

  #membershipChanged(): void {
    const { current, index } = this.memberships;
    this.outbox.event({ type: 'membershipChanged', membership: current, index });
    this.#settleRole();
  }

  #settleRole(): void {
    if (this.role === 'follower' || this.role === 'learner') this.setRole(this.restingRole);
  }
}

/** The log as it was found on disk; entries kept behind the snapshot stay, the first of them as the base. */
function restoreLog(snapshot: SnapshotMeta | null, entries: readonly Entry[]): Log {
  const start = snapshot?.index ?? 0;
  const first = entries[0];
  assert(
    first === undefined || first.index <= start + 1,
    `restored entries begin at ${first?.index}, the snapshot ends at ${start}`,
  );
  const overlaps = first !== undefined && first.index <= start;
  const log = overlaps ? new Log(first.index, first.term) : new Log(start, snapshot?.term ?? 0);
  for (let i = overlaps ? 1 : 0; i < entries.length; i++) log.append(entries[i]!);
  const there = log.termAt(start);
  assert(
    there === (snapshot?.term ?? 0),
    `the restored log has term ${there} at ${start}, the snapshot ${snapshot?.term}: entries that an installed snapshot voids were kept`,
  );
  log.markDurable();
  return log;
}

function restoreMemberships(
  config: RaftConfig,
  snapshot: SnapshotMeta | null,
  entries: readonly Entry[],
): MembershipHistory {
  const start = snapshot?.index ?? 0;
  const history = new MembershipHistory(start, snapshot?.membership ?? config.membership);
  for (const entry of entries) {
    if (entry.kind === 'membership' && entry.index > start) history.append(entry.index, decodeMembership(entry.data));
  }
  return history;
}
