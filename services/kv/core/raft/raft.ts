import { assert } from '../../../../kit/assert.ts';
import type { Prng } from '../../../../kit/prng.ts';
import { Election } from './election.ts';
import { Follower } from './follower.ts';
import { Forwarding } from './forwarding.ts';
import { Leadership } from './leadership.ts';
import { Replica } from './replica.ts';
import type { Roles, StepDownReason } from './roles.ts';
import { type MessageOf, type Rules, raftRules } from './rules.ts';
import type {
  Input,
  LogIndex,
  MembershipChange,
  Message,
  NodeId,
  Output,
  Proposal,
  RaftConfig,
  RaftStatus,
  RefusalReason,
  Restored,
  SnapshotMeta,
  Term,
} from './types.ts';

/**
 * One member of a Raft cluster: `step` takes what happened and returns what is to be done; see types.ts.
 *
 * This class hands each input to the part that is in charge and carries out the changes of role between them.
 */
export class Raft implements Roles {
  readonly #replica: Replica;
  readonly #election: Election;
  readonly #follower: Follower;
  readonly #forwarding: Forwarding;
  /** Not null exactly while this node leads. */
  #leadership: Leadership | null = null;

  /** @param rules only a test that plants a bug passes others than `raftRules` */
  constructor(config: RaftConfig, restored: Restored | null, random: Prng, rules: Rules = raftRules) {
    this.#replica = new Replica(config, restored, random, rules);
    this.#election = new Election(this.#replica, this);
    this.#follower = new Follower(this.#replica);
    this.#forwarding = new Forwarding(this.#replica);
  }

  step(input: Input): Output {
    return this.stepAll([input]);
  }

  /** All of `inputs`, in order, with one output: proposals that come together are one write here and one append to each follower. */
  stepAll(inputs: readonly Input[]): Output {
    for (const input of inputs) this.#take(input);
    this.#leadership?.sendProposed();
    return this.#replica.finish();
  }

  #take(input: Input): void {
    switch (input.type) {
      case 'message':
        this.#receive(input.message);
        break;
      case 'persisted':
        this.#persisted(input.number);
        break;
      case 'applied':
        this.#replica.applied(input.index);
        break;
      case 'propose':
        this.#propose(input.proposals);
        break;
      case 'refuseForwarded':
        this.#refuseForwardedOnce(input.message, input.reason);
        break;
      case 'read':
        this.#read(input.ids);
        break;
      case 'tick':
        (this.#leadership ?? this.#election).tick();
        break;
      case 'snapshotStored':
        this.#snapshotStored(input.snapshot);
        break;
      case 'changeMembership':
        this.#changeMembership(input.id, input.change);
        break;
      case 'transferLeadership':
      case 'forceSnapshot':
        this.#order(input);
        break;
      default:
        if (this.#leadership !== null) takeAsLeader(this.#leadership, input);
    }
  }

  // Messages

  #receive(message: Message): void {
    const replica = this.#replica;
    assert(message.to === replica.id, `node ${replica.id} received a message for node ${message.to}`);
    switch (message.type) {
      case 'proposalsRefused':
      case 'readsRefused':
      case 'readsConfirmed':
        // True whatever the term has become in the meantime.
        this.#answered(message);
        return;
      case 'requestVote':
        if (message.term > replica.term && this.#election.refusesUnseen(message)) return;
        break;
      case 'appended':
      case 'heartbeatAck':
      case 'snapshotAck': {
        // Acknowledgements of a node that has been removed do not count, and its term must not end this one's.
        const follower = this.#leadership?.replication.of(message.from);
        if (this.#leadership !== null && follower === undefined) return;
        follower?.heard();
      }
    }
    if (message.term > replica.term && !isPreVote(message)) this.#adoptTerm(message);
    if (message.term < replica.term) this.#receiveOld(message);
    else this.#receiveCurrent(message);
  }

  /** A later term has begun somewhere. */
  #adoptTerm(message: Message): void {
    const transferred = message.type === 'requestVote' && message.transfer && this.#leadership?.isTransferring === true;
    this.becomeFollower(message.term, null, transferred ? 'transferred' : 'higherTerm');
  }

  /** A message of an earlier term: its sender learns of this one, if it would otherwise go on in ignorance. */
  #receiveOld(message: Message): void {
    const { id, term } = this.#replica;
    switch (message.type) {
      case 'requestVote':
        this.#election.refuse(message);
        break;
      case 'append':
      case 'heartbeat':
      case 'installSnapshot':
        this.#replica.send({ type: 'heartbeatAck', from: id, to: message.from, term, readRound: 0 });
        break;
      case 'forwardProposals':
        // Proposals live for the term in which they were forwarded: whoever sees a later one knows what became of them.
        this.#refuseForwardedOnce(message, 'notLeader');
        break;
      case 'forwardReads':
        this.#readsForwarded(message);
    }
  }

  #receiveCurrent(message: Message): void {
    switch (message.type) {
      case 'append':
        this.#hearLeader(message.from);
        this.#follower.append(message);
        break;
      case 'heartbeat':
        this.#hearLeader(message.from);
        this.#follower.heartbeat(message);
        break;
      case 'installSnapshot':
        this.#hearLeader(message.from);
        this.#follower.installSnapshot(message);
        break;
      case 'timeoutNow':
        // It comes from the leader, so neither PreVote nor the lease stands in the way.
        if (this.#leadership === null) this.#election.start({ pre: false, transfer: true });
        break;
      case 'requestVote':
        this.#election.requestVote(message);
        break;
      case 'vote':
        this.#election.vote(message);
        break;
      case 'forwardProposals':
        this.#proposalsForwarded(message);
        break;
      case 'forwardReads':
        this.#readsForwarded(message);
        break;
      case 'appended':
      case 'heartbeatAck':
      case 'snapshotAck':
        this.#acknowledged(message);
    }
  }

  #hearLeader(leader: NodeId): void {
    const replica = this.#replica;
    assert(this.#leadership === null, `nodes ${leader} and ${replica.id} both lead term ${replica.term}`);
    assert(
      replica.leader === null || replica.leader === leader,
      `nodes ${leader} and ${replica.leader} both lead term ${replica.term}`,
    );
    if (replica.leader === null) this.becomeFollower(replica.term, leader);
    replica.electionElapsed = 0;
    replica.ticksSinceLeader = 0;
  }

  #acknowledged(message: MessageOf<'appended' | 'heartbeatAck' | 'snapshotAck'>): void {
    const leadership = this.#leadership;
    const follower = leadership?.replication.of(message.from);
    if (leadership === null || follower === undefined) return;
    if (message.type === 'appended') leadership.appended(follower, message);
    else if (message.type === 'heartbeatAck') leadership.heartbeatAcknowledged(follower, message);
    else leadership.snapshotAcknowledged(follower, message);
  }

  #answered(message: MessageOf<'proposalsRefused' | 'readsRefused' | 'readsConfirmed'>): void {
    const { outbox, leader } = this.#replica;
    if (message.type === 'readsConfirmed') {
      for (const id of message.ids) outbox.reads.push({ id, index: message.index });
    } else {
      for (const id of message.ids) outbox.refused.push({ id, reason: message.reason, leader });
    }
  }

  // Requests made at this node, and those that followers pass on

  #propose(proposals: readonly Proposal[]): void {
    const { term, leader, outbox } = this.#replica;
    if (this.#leadership !== null) {
      const refused = this.#leadership.propose(proposals, (id, index) => outbox.accepted.push({ id, index, term }));
      if (refused !== null) this.#refuse(refused.ids, refused.reason);
    } else if (leader !== null) {
      this.#forwarding.forward(leader, proposals);
    } else {
      this.#refuse(idsOf(proposals), 'noLeader');
    }
  }

  #proposalsForwarded(message: MessageOf<'forwardProposals'>): void {
    if (!this.#forwarding.take(message)) return;
    if (this.#leadership === null) {
      this.#refuseForwarded(message, idsOf(message.proposals), 'notLeader');
      return;
    }
    const refused = this.#leadership.propose(message.proposals, null);
    if (refused !== null) this.#refuseForwarded(message, refused.ids, refused.reason);
  }

  #refuseForwarded(message: Message, ids: readonly string[], reason: RefusalReason): void {
    const { id, term } = this.#replica;
    this.#replica.send({ type: 'proposalsRefused', from: id, to: message.from, term, ids, reason });
  }

  /** A copy of a message that was taken gets no answer: what it holds may be in the log, and a refusal is definite. */
  #refuseForwardedOnce(message: MessageOf<'forwardProposals'>, reason: RefusalReason): void {
    if (this.#forwarding.take(message)) this.#refuseForwarded(message, idsOf(message.proposals), reason);
  }

  #read(ids: readonly string[]): void {
    const { id, term, leader } = this.#replica;
    if (this.#leadership !== null) this.#leadership.reads.add(id, ids);
    else if (leader !== null) this.#replica.send({ type: 'forwardReads', from: id, to: leader, term, ids });
    else this.#refuse(ids, 'noLeader');
  }

  #readsForwarded(message: MessageOf<'forwardReads'>): void {
    const { id, term } = this.#replica;
    const { from, ids } = message;
    if (this.#leadership !== null) this.#leadership.reads.add(from, ids);
    else this.#replica.send({ type: 'readsRefused', from: id, to: from, term, ids, reason: 'notLeader' });
  }

  #changeMembership(id: string, change: MembershipChange): void {
    const { term, leader, outbox } = this.#replica;
    if (this.#leadership === null) {
      this.#refuse([id], leader === null ? 'noLeader' : 'notLeader');
      return;
    }
    const result = this.#leadership.changeMembership(change);
    if (typeof result === 'string') this.#refuse([id], result);
    else outbox.accepted.push({ id, index: result, term });
  }

  #order(input: Extract<Input, { type: 'transferLeadership' | 'forceSnapshot' }>): void {
    const reason = this.#leadership === null ? 'notLeader' : orderOf(this.#leadership, input);
    if (reason !== null && input.id !== undefined) this.#refuse([input.id], reason);
  }

  #refuse(ids: readonly string[], reason: RefusalReason): void {
    const { leader, outbox } = this.#replica;
    for (const id of ids) outbox.refused.push({ id, reason, leader });
  }

  // The node's own disk

  #persisted(number: number): void {
    const replica = this.#replica;
    replica.persisted(number);
    if (replica.durability.hardStateIsDurable) this.#election.hardStateDurable();
    this.#leadership?.advanceCommit();
  }

  #snapshotStored(snapshot: SnapshotMeta): void {
    const kept = snapshot.index - this.#replica.config.entriesKeptAfterSnapshot + 1;
    const needed = this.#leadership?.replication.neededFrom() ?? Infinity;
    this.#replica.compact(snapshot, Math.min(kept, needed));
  }

  // Roles

  becomeFollower(term: Term, leader: NodeId | null, reason: StepDownReason = 'higherTerm'): void {
    const replica = this.#replica;
    const leadership = this.#leadership;
    this.#leadership = null;
    // The timer runs on in a follower that merely learns of a term, or stale candidates could put off its own election for ever.
    if (leadership !== null || replica.role === 'candidate' || replica.role === 'preCandidate')
      replica.resetElectionTimer();
    if (term > replica.term) replica.setTerm(term, null);
    replica.setRole(replica.restingRole);
    replica.setLeader(leader);
    if (leadership === null) return;
    replica.outbox.event({ type: 'steppedDown', reason });
    leadership.reads.refuseAll();
  }

  becomeLeader(): void {
    const replica = this.#replica;
    replica.setRole('leader');
    replica.setLeader(replica.id);
    this.#leadership = new Leadership(replica, this);
    this.#leadership.open();
  }

  // Looking in

  /**
   * The meta data for a snapshot of the state after applying `index`, to be stored with it; null when a newer one has come from
   * the leader in the meantime.
   * @param index what the state machine has applied
   * @param size bytes of the snapshot's data
   */
  snapshotMeta(index: LogIndex, size: number): SnapshotMeta | null {
    const { log, memberships, snapshot, emittedIndex } = this.#replica;
    if (snapshot !== null && index < snapshot.index) return null;
    const term = log.termAt(index);
    assert(
      term !== null && index >= (snapshot?.index ?? 0) && index <= emittedIndex,
      `no snapshot can be made at ${index}`,
    );
    return { index, term, membership: memberships.at(index), size };
  }

  /** Term of the entry at `index`; null when the log does not reach there, or begins after it. */
  termAt(index: LogIndex): Term | null {
    return this.#replica.log.termAt(index);
  }

  /**
   * How many ticks may come in one go, because nothing but counting would happen at any but the last of them; at least 1. More than 1
   * only where a leader is known and everybody has everything.
   */
  ticksUntilDue(): number {
    const { leader, electionTimeout, electionElapsed } = this.#replica;
    if (this.#leadership !== null) return this.#leadership.ticksUntilDue();
    return leader === null ? 1 : Math.max(1, electionTimeout - electionElapsed);
  }

  status(): RaftStatus {
    const replica = this.#replica;
    const { log } = replica;
    const { electionTicks } = replica.config;
    const progress = this.#leadership === null ? [] : [...this.#leadership.replication.followers];
    return {
      id: replica.id,
      role: replica.role,
      term: replica.term,
      vote: replica.vote,
      leader: replica.leader,
      commitIndex: replica.commitIndex,
      appliedIndex: replica.appliedIndex,
      durableIndex: replica.durability.index,
      firstIndex: log.firstIndex,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      membership: replica.memberships.current,
      progress: progress.map((follower) => follower.status(electionTicks)),
      ticksWithoutLeader: replica.ticksWithoutLeader,
    };
  }
}

type LeaderInput = Extract<Input, { type: 'snapshotChunk' | 'unreachable' }>;

function takeAsLeader(leadership: Leadership, input: LeaderInput): void {
  const { replication } = leadership;
  switch (input.type) {
    case 'snapshotChunk':
      replication.sendChunk(input);
      break;
    case 'unreachable':
      replication.unreachable(input.node);
  }
}

/** Why it cannot be done, or null when it was begun. */
function orderOf(
  leadership: Leadership,
  { type, to }: Extract<Input, { type: 'transferLeadership' | 'forceSnapshot' }>,
): RefusalReason | null {
  return type === 'transferLeadership' ? leadership.transfer(to) : leadership.replication.forceSnapshot(to);
}

function idsOf(proposals: readonly Proposal[]): string[] {
  return proposals.map((proposal) => proposal.id);
}

/** A PreVote and the consent to it name a term that nobody is in yet. */
function isPreVote(message: Message): boolean {
  return (message.type === 'requestVote' && message.pre) || (message.type === 'vote' && message.pre && message.granted);
}
