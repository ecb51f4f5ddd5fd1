import { ServiceError } from '../../../kit/errors.ts';
import { AddressError, clientAddress, type MemberAddress, parseAddress } from '../addresses.ts';
import type { LeadershipTransfer, MembershipResult, ResyncAccepted, SyncStatus } from '../api.ts';
import { isJoint, members as memberIds } from '../core/raft/membership.ts';
import type { Membership, MembershipChange, NodeId, RefusalReason } from '../core/raft/types.ts';
import type { SnapshotStore } from '../storage/snapshots.ts';
import { idRetired, type JoinAnswer, joinConflict, joinRetired, parseJoin } from './formation.ts';
import type { Member } from './member.ts';
import { describeMembers, memberRecords, parseMember } from './members.ts';
import { bestSuccessor, replacedBy, syncStatusOf } from './views.ts';

/** A learner that lacks no more than this is fit to vote: less than one append brings the rest. */
const PROMOTION_LAG_MAX = 64;

export interface LeaderDutiesParts {
  readonly member: Member;
  readonly snapshots: SnapshotStore;
  readonly tickMs: number;
  /** Resolves when the condition holds, looked at once a tick; rejects with the error at the deadline. */
  readonly until: (condition: () => boolean, deadlineMs: number, atDeadline: () => ServiceError) => Promise<void>;
}

/** What only a leader can do for those who ask. Every method is called at the leader and fails as one when it no longer leads. */
export class LeaderDuties {
  readonly #parts: LeaderDutiesParts;
  forceResyncs = 0;

  constructor(parts: LeaderDutiesParts) {
    this.#parts = parts;
  }

  syncStatus(): SyncStatus {
    return syncStatusOf(this.#parts.member.status(), this.#parts.tickMs);
  }

  async forceResync(target: string): Promise<ResyncAccepted> {
    const { member, snapshots } = this.#parts;
    const node = this.#nodeAt(target);
    const { id } = member.status();
    if (node === id)
      throw new ServiceError('VALIDATION', `${target} is the leader itself: it is what others are resynced from`);
    await member.snapshotting.take();
    const { latest } = snapshots;
    if (latest === null) throw new ServiceError('CONFLICT', 'nothing has been written yet: there is nothing to resync');
    const refusal = await member.order({ type: 'forceSnapshot', to: node });
    if (refusal !== null) throw orderRefused(refusal, `a snapshot for node ${node}`);
    this.forceResyncs += 1;
    return { target, node_id: node, leader_id: id, snapshot_index: latest.index };
  }

  async transferLeadership(to: NodeId | null, deadlineMs: number): Promise<LeadershipTransfer> {
    const { member, until } = this.#parts;
    const status = member.status();
    const successor = to ?? bestSuccessor(status, (node) => !member.reportsFullStorage(node));
    if (successor === null) throw new ServiceError('CONFLICT', 'no other voter is there to lead');
    if (successor !== status.id) {
      if (!status.membership.voters.includes(successor))
        throw new ServiceError('NOT_FOUND', `node ${successor} is no voter`);
      if (status.progress.some(({ node, active }) => node === successor && !active))
        throw new ServiceError(
          'CONFLICT',
          `node ${successor} has not been heard from for an election time-out: it cannot lead now`,
        );
      const refusal = await member.order({ type: 'transferLeadership', to: successor });
      if (refusal !== null) throw orderRefused(refusal, `a transfer of leadership to node ${successor}`);
      const failure = () =>
        new ServiceError('TIMEOUT', `node ${successor} did not take over in time; node ${member.leader ?? '?'} leads`);
      await until(() => member.leader === successor, deadlineMs, failure);
    }
    return { leader_id: successor, term: member.status().term };
  }

  async changeMembership(change: MembershipChange, deadlineMs: number): Promise<MembershipResult> {
    if (change.type === 'addLearner') checkAddress(change.address);
    const { member } = this.#parts;
    const refusal = await this.#change(change, deadlineMs);
    if (refusal !== null && isOfRetired(change, refusal, member.membership))
      throw new ServiceError('CONFLICT', idRetired(change.node, member.membership));
    if (refusal !== null) throw changeRefused(refusal);
    return { members: describeMembers(member.membership) };
  }

  /** Has Raft make the change, and waits until it is committed. @returns why Raft refused it, or null */
  async #change(change: MembershipChange, deadlineMs: number): Promise<RefusalReason | null> {
    const { member, until } = this.#parts;
    const place = await member.changeMembership(change);
    if (typeof place === 'string') return place;
    const done = () => member.status().commitIndex >= place.index && !isJoint(member.membership);
    const failure = () =>
      new ServiceError('NO_QUORUM', 'no majority has confirmed the change yet; it may still take effect', {
        definite: false,
      });
    await until(done, deadlineMs, failure);
    // Something was committed there; what a later leader put in its place is not this change.
    const term = member.termAt(place.index);
    if (term === null) throw failure();
    if (term !== place.term) throw changeLost();
    return null;
  }

  /**
   * Takes a node in, one step a call: first as a learner, then, when it has caught up, as a voter in place of whoever had its address.
   */
  async join(body: unknown, deadlineMs: number): Promise<JoinAnswer> {
    const { member } = this.#parts;
    const { nodeId, self, record } = parseJoin(body);
    const { membership } = member;
    const known = membership.addresses[nodeId];
    const announced =
      known !== undefined && parseMember(known).instanceId === '' && membership.learners.includes(nodeId);
    if (known === undefined || announced) {
      // One that an administrator announced is known, from now on, by the life in which it came.
      await this.#stepOn({ type: 'addLearner', node: nodeId, address: self }, record, deadlineMs);
    } else if (parseMember(known).instanceId !== record.instanceId) {
      throw joinConflict(nodeId, membership, record);
    } else if (membership.learners.includes(nodeId) && this.#hasCaughtUp(nodeId)) {
      const remove = replacedBy(membership, nodeId);
      await this.#stepOn({ type: 'changeVoters', promote: [nodeId], remove }, record, deadlineMs);
    }
    const current = member.membership;
    return { state: current.voters.includes(nodeId) ? 'voter' : 'learner', members: current.addresses };
  }

  /**
   * A step of a join. One that cannot be made just now, as when two nodes join at once, is asked for again: CONFLICT would be final, as it
   * is when the id was removed.
   */
  async #stepOn(change: MembershipChange, self: MemberAddress, deadlineMs: number): Promise<void> {
    const refusal = await this.#change(change, deadlineMs);
    if (refusal === null) return;
    const { membership } = this.#parts.member;
    if (isOfRetired(change, refusal, membership)) throw joinRetired(change.node, membership, self);
    const error = changeRefused(refusal);
    throw error.code === 'CONFLICT' ? new ServiceError('OVERLOADED', error.message, { cause: error }) : error;
  }

  #hasCaughtUp(nodeId: NodeId): boolean {
    const { progress, lastIndex } = this.#parts.member.status();
    const of = progress.find(({ node }) => node === nodeId);
    return of?.active === true && of.state === 'replicate' && lastIndex - of.matchIndex <= PROMOTION_LAG_MAX;
  }

  #nodeAt(target: string): NodeId {
    const { membership } = this.#parts.member;
    let wanted: MemberAddress;
    try {
      wanted = parseAddress(target, '127.0.0.1');
    } catch (error) {
      throw new ServiceError('VALIDATION', (error as AddressError).message);
    }
    for (const [node, record] of memberRecords(membership)) {
      if (clientAddress(record) === clientAddress(wanted) && memberIds(membership).includes(node)) return node;
    }
    const known = describeMembers(membership).map(({ address }) => address);
    throw new ServiceError('NOT_FOUND', `no member has the address ${target}: there are ${known.join(', ')}`);
  }
}

function checkAddress(address: string): void {
  try {
    parseMember(address);
  } catch (error) {
    if (error instanceof AddressError) throw new ServiceError('VALIDATION', error.message);
    throw error;
  }
}

function changeLost(): ServiceError {
  return new ServiceError(
    'NO_QUORUM',
    'another leader took over before a majority had the change: nothing was changed',
    {
      definite: true,
    },
  );
}

/** Raft says `invalid` only when the configuration it looked at is committed, so this is final. */
function isOfRetired(
  change: MembershipChange,
  refusal: RefusalReason,
  { retired }: Membership,
): change is Extract<MembershipChange, { type: 'addLearner' }> {
  return refusal === 'invalid' && change.type === 'addLearner' && retired.includes(change.node);
}

function orderRefused(reason: RefusalReason, what: string): ServiceError {
  switch (reason) {
    case 'transferring':
      return new ServiceError(
        'CONFLICT',
        `${what}: leadership is being handed over already: try again when it is done`,
      );
    case 'invalid':
      return new ServiceError('CONFLICT', `${what}: the membership does not allow it: look at the members in /status`);
    default:
      return new ServiceError('NO_QUORUM', `${what}: this node leads no more: try again`, { definite: true });
  }
}

function changeRefused(reason: RefusalReason): ServiceError {
  switch (reason) {
    case 'busy':
      return new ServiceError('CONFLICT', 'another change of the membership is under way: try again when it is done');
    case 'invalid':
      return new ServiceError('CONFLICT', 'the membership does not allow this change: look at the members in /status');
    default:
      return new ServiceError('NO_QUORUM', `the change was refused: ${reason}`, { definite: true });
  }
}
