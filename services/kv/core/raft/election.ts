import { isQuorum, isVoter } from './membership.ts';
import type { Replica } from './replica.ts';
import type { Roles } from './roles.ts';
import type { MessageOf } from './rules.ts';
import type { NodeId } from './types.ts';

/** Standing for election and voting (thesis §3.4), with PreVote (§9.6). */
export class Election {
  readonly #replica: Replica;
  readonly #roles: Roles;
  /** Who answered the running (pre-)election, and how. */
  readonly #votes = new Map<NodeId, boolean>();

  constructor(replica: Replica, roles: Roles) {
    this.#replica = replica;
    this.#roles = roles;
  }

  /** Time passes for whoever does not lead. */
  tick(): void {
    const replica = this.#replica;
    replica.electionElapsed += 1;
    replica.ticksSinceLeader += 1;
    if (replica.leader === null) replica.ticksWithoutLeader += 1;
    if (replica.electionElapsed < replica.electionTimeout) return;
    if (replica.mayStand) {
      this.start({ pre: replica.config.preVote, transfer: false });
    } else {
      // It must not stand for election, but it also must not go on sending requests to a leader that is gone.
      replica.resetElectionTimer();
      replica.setLeader(null);
    }
  }

  start(kind: { readonly pre: boolean; readonly transfer: boolean }): void {
    const replica = this.#replica;
    if (!replica.mayStand) return;
    replica.setLeader(null);
    replica.resetElectionTimer();
    this.#votes.clear();
    if (kind.pre) {
      replica.setRole('preCandidate');
      // Asking costs nothing and promises nothing, so its own consent counts at once.
      this.#votes.set(replica.id, true);
    } else {
      replica.setTerm(replica.term + 1, replica.id);
      replica.setRole('candidate');
    }
    const term = kind.pre ? replica.term + 1 : replica.term;
    replica.outbox.event({ type: 'electionStarted', pre: kind.pre, term });
    this.#askForVotes(kind.pre, kind.transfer);
    this.#count();
  }

  #askForVotes(pre: boolean, transfer: boolean): void {
    const replica = this.#replica;
    const { voters, votersOutgoing } = replica.memberships.current;
    for (const to of new Set([...voters, ...votersOutgoing])) {
      if (to === replica.id) continue;
      replica.send({
        type: 'requestVote',
        from: replica.id,
        to,
        term: pre ? replica.term + 1 : replica.term,
        pre,
        lastLogIndex: replica.log.lastIndex,
        lastLogTerm: replica.log.lastTerm,
        transfer,
      });
    }
  }

  /** Whether the request is refused because a leader is alive. Decided before its term is looked at. */
  refusesUnseen(request: MessageOf<'requestVote'>): boolean {
    const replica = this.#replica;
    if (!replica.rules.insideLease(request, replica)) return false;
    // A refused PreVote answers, so that a node with an old term learns of the current one and stops asking.
    if (request.pre) this.#answer(request, false);
    return true;
  }

  requestVote(request: MessageOf<'requestVote'>): void {
    const replica = this.#replica;
    const granted = replica.rules.grantsVote(request, replica);
    if (granted && !request.pre) {
      replica.resetElectionTimer();
      if (replica.vote === null) replica.setTerm(replica.term, request.from);
    }
    this.#answer(request, granted);
  }

  /** The request comes from an earlier term: its sender is to learn of the current one. */
  refuse(request: MessageOf<'requestVote'>): void {
    this.#answer(request, false);
  }

  #answer(request: MessageOf<'requestVote'>, granted: boolean): void {
    const replica = this.#replica;
    const { pre } = request;
    // A granted PreVote carries the term that was asked for, since that is what the consent is about.
    const term = pre && granted ? request.term : replica.term;
    const answer = { type: 'vote', from: replica.id, to: request.from, term, pre, granted } as const;
    if (pre) replica.send(answer);
    else replica.outbox.sendDurably(answer);
  }

  vote(answer: MessageOf<'vote'>): void {
    const replica = this.#replica;
    if (replica.role !== (answer.pre ? 'preCandidate' : 'candidate')) return;
    if (answer.pre && answer.granted && answer.term !== replica.term + 1) return;
    if (!isVoter(replica.memberships.current, answer.from) || this.#votes.has(answer.from)) return;
    this.#votes.set(answer.from, answer.granted);
    this.#count();
  }

  /** The candidate's own vote counts once it is on disk: after a crash it could otherwise vote again in the same term. */
  hardStateDurable(): void {
    const replica = this.#replica;
    if (replica.role !== 'candidate' || this.#votes.has(replica.id)) return;
    this.#votes.set(replica.id, true);
    this.#count();
  }

  #count(): void {
    const replica = this.#replica;
    const membership = replica.memberships.current;
    if (isQuorum(membership, (node) => this.#votes.get(node) === true)) {
      if (replica.role === 'preCandidate') this.start({ pre: false, transfer: false });
      else this.#roles.becomeLeader();
    } else if (!isQuorum(membership, (node) => this.#votes.get(node) !== false)) {
      this.#roles.becomeFollower(replica.term, null);
    }
  }
}
