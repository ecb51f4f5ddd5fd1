import { encodeMembership, isJoint, isQuorum, isVoter, leaveJoint, quorumIndex } from './membership.ts';
import type { FollowerProgress } from './progress.ts';
import { ReadRounds } from './reads.ts';
import type { Replica } from './replica.ts';
import { Replication } from './replication.ts';
import type { Roles } from './roles.ts';
import type { MessageOf } from './rules.ts';
import type { EntryKind, LogIndex, MembershipChange, NodeId, Proposal, RefusalReason } from './types.ts';

const NO_DATA = new Uint8Array(0);

/** What a node does as leader of one term; made when it wins, dropped when it steps down. */
export class Leadership {
  readonly replication: Replication;
  readonly reads: ReadRounds;
  readonly #replica: Replica;
  readonly #roles: Roles;
  /** Entries after this one are the leader's own. */
  readonly #start: LogIndex;
  #heartbeatElapsed = 0;
  #uncommittedBytes = 0;
  #hasProposed = false;
  #transfer: { readonly to: NodeId; ticks: number } | null = null;

  constructor(replica: Replica, roles: Roles) {
    this.#replica = replica;
    this.#roles = roles;
    this.#start = replica.log.lastIndex;
    this.replication = new Replication(replica);
    this.reads = new ReadRounds(
      replica,
      () => this.#askForRound(),
      (node, round) => node === replica.id || (this.replication.of(node)?.readRound ?? 0) >= round,
    );
  }

  /** Opens the term with an entry of its own, without which nothing of earlier terms can be committed (§3.6.2). */
  open(): void {
    this.#append('noop', NO_DATA);
    this.replication.sendToAll();
  }

  /** Whether an entry of this term is committed: only then is the commit index known to be the cluster's. */
  get #isEstablished(): boolean {
    return this.#replica.commitIndex > this.#start;
  }

  tick(): void {
    const replica = this.#replica;
    this.replication.tick();
    if (this.#transfer !== null) {
      this.#transfer.ticks += 1;
      if (this.#transfer.ticks >= replica.config.electionTicks) this.#abortTransfer();
    }
    if (replica.config.checkQuorum && !isQuorum(replica.memberships.current, this.replication.isActive)) {
      this.#roles.becomeFollower(replica.term, null, 'quorumLost');
      return;
    }
    this.#heartbeatElapsed += 1;
    if (this.#heartbeatElapsed < replica.config.heartbeatTicks) return;
    this.#heartbeatElapsed = 0;
    this.reads.beforeHeartbeat();
    for (const follower of this.replication.followers) {
      if (follower.ticksSinceHeard >= replica.config.heartbeatTicks) follower.failures += 1;
      this.replication.heartbeat(follower, this.reads.newest);
    }
  }

  /** See `Raft.ticksUntilDue`. */
  ticksUntilDue(): number {
    const { config, log } = this.#replica;
    if (this.#transfer !== null) return 1;
    for (const { match, ticksSinceHeard } of this.replication.followers) {
      if (match < log.lastIndex || ticksSinceHeard > 2 * config.heartbeatTicks) return 1;
    }
    return Math.max(1, config.heartbeatTicks - this.#heartbeatElapsed);
  }

  /**
   * Asks as many voters as make a majority with this node, those first that were heard from last. If one of them does not answer, the
   * regular heartbeat, which names the newest round too, reaches the others.
   */
  #askForRound(): void {
    const { id, memberships } = this.#replica;
    const { current } = memberships;
    const voters = [...this.replication.followers].filter(({ node }) => isVoter(current, node));
    const needed = (current.voters.length >> 1) + (isVoter(current, id) ? 0 : 1);
    const asked = isJoint(current) ? voters : voters.toSorted(byLastHeard).slice(0, needed);
    for (const follower of asked) this.replication.heartbeat(follower, this.reads.newest);
  }

  /**
   * Gives proposals a place in the log, in order.
   * @param accept told of each that was, if anybody wants to know
   * @returns those that were refused, with the reason
   */
  propose(
    proposals: readonly Proposal[],
    accept: ((id: string, index: LogIndex) => void) | null,
  ): { readonly ids: string[]; readonly reason: RefusalReason } | null {
    if (this.#transfer !== null) return { ids: proposals.map((proposal) => proposal.id), reason: 'transferring' };
    const { uncommittedBytesMax } = this.#replica.config;
    let refused: string[] | null = null;
    for (const { id, data } of proposals) {
      const bytes = this.#uncommittedBytes + data.length;
      if (this.#uncommittedBytes > 0 && bytes > uncommittedBytesMax) {
        if (refused === null) refused = [];
        refused.push(id);
        continue;
      }
      this.#uncommittedBytes = bytes;
      const index = this.#append('command', data);
      if (accept !== null) accept(id, index);
    }
    this.#hasProposed = true;
    return refused === null ? null : { ids: refused, reason: 'overloaded' };
  }

  /** Proposals of one step leave together. */
  sendProposed(): void {
    if (!this.#hasProposed) return;
    this.#hasProposed = false;
    this.replication.sendToAll();
  }

  #append(kind: EntryKind, data: Uint8Array): LogIndex {
    const { log, term } = this.#replica;
    const index = log.lastIndex + 1;
    this.#replica.append({ index, term, kind, data });
    return index;
  }

  /** Some follower, or this node's own disk, has got ahead: commits what a majority stores (§3.5, §3.6.2). */
  advanceCommit(): void {
    const replica = this.#replica;
    const before = replica.commitIndex;
    const index = quorumIndex(replica.memberships.current, this.replication.matchOf);
    if (index <= before) return;
    const entryTerm = replica.log.termAt(index);
    if (entryTerm === null || !replica.rules.commitsByCounting(entryTerm, replica.term)) return;
    for (let i = Math.max(before, this.#start) + 1; i <= index; i++) {
      const { kind, data } = replica.log.entry(i);
      if (kind === 'command') this.#uncommittedBytes -= data.length;
    }
    replica.commitTo(index);
    this.reads.ready();
    for (const follower of this.replication.followers) this.#sendNews(follower);
    this.#finishMembershipChange();
  }

  /** Entries if there are any to send, else at least how far to apply. */
  #sendNews(follower: FollowerProgress): void {
    if (!this.replication.send(follower)) this.replication.sendCommit(follower, this.reads.newest);
  }

  appended(follower: FollowerProgress, answer: MessageOf<'appended'>): void {
    if (this.replication.appended(follower, answer)) this.advanceCommit();
    if (answer.success) this.#afterProgress(follower);
  }

  snapshotAcknowledged(follower: FollowerProgress, answer: MessageOf<'snapshotAck'>): void {
    if (this.replication.snapshotAcknowledged(follower, answer)) this.advanceCommit();
    this.#afterProgress(follower);
  }

  heartbeatAcknowledged(follower: FollowerProgress, answer: MessageOf<'heartbeatAck'>): void {
    if (answer.readRound > follower.readRound) {
      follower.readRound = answer.readRound;
      this.reads.confirm();
    }
    this.replication.heartbeatAcknowledged(follower);
    this.#handOver(follower);
  }

  #afterProgress(follower: FollowerProgress): void {
    // What it acknowledged may have been the configuration that leaves this node out.
    if (this.#replica.role !== 'leader') return;
    this.#sendNews(follower);
    this.#handOver(follower);
  }

  /** Begins to hand leadership over (§3.10); done once `to` has the whole log. @returns why it cannot be begun, or null */
  transfer(to: NodeId): RefusalReason | null {
    const follower = this.replication.of(to);
    if (this.#transfer !== null) return 'transferring';
    if (follower === undefined || !isVoter(this.#replica.memberships.current, to)) return 'invalid';
    this.#transfer = { to, ticks: 0 };
    this.replication.send(follower);
    this.#handOver(follower);
    return null;
  }

  #handOver(follower: FollowerProgress): void {
    const replica = this.#replica;
    if (this.#transfer?.to !== follower.node || follower.match < replica.log.lastIndex) return;
    replica.send({ type: 'timeoutNow', from: replica.id, to: follower.node, term: replica.term });
  }

  #abortTransfer(): void {
    if (this.#transfer === null) return;
    this.#replica.outbox.event({ type: 'transferAborted', to: this.#transfer.to });
    this.#transfer = null;
  }

  /** Whether the node that now stands for election was asked to. */
  get isTransferring(): boolean {
    return this.#transfer !== null;
  }

  /**
   * Appends a new configuration (§4.3); in force from now on.
   * @returns why not, or the index of its entry
   */
  changeMembership(change: MembershipChange): RefusalReason | LogIndex {
    const replica = this.#replica;
    const { current, index } = replica.memberships;
    if (this.#transfer !== null) return 'transferring';
    // One change at a time, and none before this leader knows that the last one is committed.
    if (isJoint(current) || index > replica.commitIndex || !this.#isEstablished) return 'busy';
    const next = replica.rules.planChange(current, change);
    if (typeof next === 'string') return 'invalid';
    return this.#appendMembership(next);
  }

  #appendMembership(membership: Parameters<typeof encodeMembership>[0]): LogIndex {
    const index = this.#append('membership', encodeMembership(membership));
    this.replication.followMembership();
    this.replication.sendToAll();
    // Those who have answered may be a majority now, and whoever left may never answer again.
    this.reads.confirm();
    return index;
  }

  /** Once a configuration is committed: leaves the joint one, or steps down when it has no place for this node (§4.2.2). */
  #finishMembershipChange(): void {
    const replica = this.#replica;
    const { current, index } = replica.memberships;
    if (replica.commitIndex < index || !this.#isEstablished) return;
    if (isJoint(current)) {
      this.#appendMembership(leaveJoint(current));
    } else if (!isVoter(current, replica.id)) {
      const successor = this.replication.mostAdvanced(current.voters);
      if (successor !== null) {
        replica.send({ type: 'timeoutNow', from: replica.id, to: successor.node, term: replica.term });
      }
      this.#roles.becomeFollower(replica.term, null, 'removed');
    }
  }
}

function byLastHeard(a: FollowerProgress, b: FollowerProgress): number {
  return a.ticksSinceHeard - b.ticksSinceHeard;
}
