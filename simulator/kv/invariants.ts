import { decodeMembership } from '../../services/kv/core/raft/membership.ts';
import type {
  Entry,
  Input,
  LogIndex,
  NodeId,
  Output,
  Persist,
  SnapshotMeta,
  Term,
} from '../../services/kv/core/raft/types.ts';
import { InvariantError, type Micros } from '../types.ts';
import type { Found, SimulatedNode } from './node.ts';
import { Stability } from './stability.ts';

/** An entry as some log had it at its index, and the term of the one before it. */
interface Logged {
  readonly entry: Entry;
  readonly termBefore: Term;
  readonly other: Logged | null;
}

/** Throws the failure of an invariant of safety. */
export function violated(invariant: string, message: string): never {
  throw new InvariantError('safety', invariant, message);
}

/**
 * Raft's guarantees (thesis, Figure 3.2), looked at whenever something changes. A check costs as much as what the step changed; only an
 * election looks at a whole log.
 */
export class Invariants {
  /** What was committed at each index, as the first node that knew of it had it; index 0 is empty. */
  readonly committed: (Entry | null)[] = [null];
  /** For each index a term in which it was committed at the latest: the leaders of this term and later ones have the entry. */
  readonly #committedIn: Term[] = [0];
  readonly stability: Stability | null;
  /** Those in force where the last committed entry stands. */
  #voters: readonly NodeId[];
  readonly #nodes: ReadonlyMap<NodeId, SimulatedNode>;
  readonly #onCommit: (entry: Entry) => void;
  readonly #leaders = new Map<Term, NodeId>();
  readonly #logged: (Logged | undefined)[] = [];

  /**
   * @param founders the first voters
   * @param onCommit told of each entry once, in order, when it is known to be committed
   */
  constructor(
    nodes: ReadonlyMap<NodeId, SimulatedNode>,
    founders: readonly NodeId[],
    raft: { readonly electionTicks: number; readonly preVote: boolean; readonly checkQuorum: boolean },
    onCommit: (entry: Entry) => void,
  ) {
    this.#nodes = nodes;
    this.#voters = founders;
    this.#onCommit = onCommit;
    this.stability = raft.preVote && raft.checkQuorum ? new Stability(raft.electionTicks, nodes) : null;
  }

  get commitIndex(): LogIndex {
    return this.committed.length - 1;
  }

  started(node: SimulatedNode, { snapshot, entries }: Found): void {
    const { log } = node;
    log.clear();
    if (snapshot !== null) log.reset(snapshot.meta.index, snapshot.meta.term);
    if (entries.length > 0) log.write(entries);
    this.stability?.restarted(node.id);
  }

  stepped(node: SimulatedNode, input: Input, output: Output, now: Micros): void {
    if (output.persist !== null) this.#logChanged(node, output.persist, termOf(node, input));
    if (output.events.length > 0) this.#events(node, input, output, now);
    if (output.committed.length > 0) {
      const term = termOf(node, input);
      for (const entry of output.committed) this.#entryCommitted(node, entry, term);
    }
    if (this.stability !== null && input.type === 'message') {
      const { type } = input.message;
      if (type === 'heartbeat' || type === 'append' || type === 'installSnapshot') {
        this.stability.heard(node, input.message, now);
      }
    }
  }

  #logChanged(node: SimulatedNode, { entries, snapshotWrite }: Persist, term: Term): void {
    const { log } = node;
    if (snapshotWrite?.done) {
      this.#keepsCommitted(node, term, snapshotWrite.snapshot.index + 1, []);
      log.reset(snapshotWrite.snapshot.index, snapshotWrite.snapshot.term);
    }
    if (entries.length === 0) return;
    this.#keepsCommitted(node, term, entries[0]!.index, entries);
    let termBefore = log.at(entries[0]!.index - 1);
    for (const entry of entries) {
      this.#match(node, entry, termBefore);
      termBefore = entry.term;
    }
    log.write(entries);
  }

  /**
   * What is committed is in the log of every later leader (thesis, Figure 3.2), so no follower of such a leader drops it. A follower of an
   * earlier leader may: its copy did not count.
   * @param term that of the leader who replaces the log from `first` on by `entries`
   */
  #keepsCommitted(node: SimulatedNode, term: Term, first: LogIndex, entries: readonly Entry[]): void {
    const { log } = node;
    for (let index = first; index <= log.last && index <= this.commitIndex; index++) {
      const committed = this.committed[index]!;
      if (log.at(index) !== committed.term || entries[index - first]?.term === committed.term) continue;
      if (term < this.#committedIn[index]!) continue;
      violated('durability', `node ${node.id} drops entry ${index} of term ${committed.term}, which is committed`);
    }
  }

  /** Two logs with the same entry agree in all before it: so it stands behind the same one in both. */
  #match(node: SimulatedNode, entry: Entry, termBefore: Term): void {
    const { index, term } = entry;
    const first = this.#logged[index];
    for (let known = first; known !== undefined && known !== null; known = known.other ?? undefined) {
      if (known.entry.term !== term) continue;
      if (!isSame(known.entry, entry) || known.termBefore !== termBefore) {
        violated(
          'log-matching',
          `entry ${index} of term ${term} stands behind term ${termBefore} at node ${node.id}, behind term ${known.termBefore} elsewhere, ` +
            `and ${isSame(known.entry, entry) ? 'holds the same' : 'holds something else'}`,
        );
      }
      return;
    }
    this.#logged[index] = { entry, termBefore, other: first ?? null };
  }

  #events(node: SimulatedNode, input: Input, { events }: Output, now: Micros): void {
    for (const event of events) {
      if (event.type === 'roleChanged') {
        // The event "steppedDown" of the same step follows: it does not name the term.
        const wasLeader = node.role === 'leader' && event.role !== 'leader';
        if (wasLeader && events.some((other) => other.type === 'steppedDown' && other.reason === 'higherTerm'))
          this.stability?.ended(node, node.leaderTerm, event.term, now);
        if (event.role === 'leader') this.#elected(node, event.term, now);
      } else if (event.type === 'electionStarted') {
        const isTransfer = input.type === 'message' && input.message.type === 'timeoutNow';
        this.stability?.electionStarted(node, event.term, event.pre, isTransfer, now);
      }
    }
  }

  #elected(node: SimulatedNode, term: Term, now: Micros): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== node.id)
      violated('election-safety', `nodes ${other} and ${node.id} both lead term ${term}`);
    this.#leaders.set(term, node.id);
    this.stability?.elected(node.id, now);
    const { log } = node;
    if (log.base > this.commitIndex)
      violated(
        'leader-completeness',
        `leader ${node.id} has a snapshot of ${log.base}, ${this.commitIndex} is committed`,
      );
    for (let index = log.base + 1; index <= this.commitIndex; index++) {
      const committed = this.committed[index]!;
      // A leader elected late, in an earlier term than the one in which an entry was committed, need not have it.
      if (log.at(index) !== committed.term && this.#committedIn[index]! < term)
        violated(
          'leader-completeness',
          `leader ${node.id} of term ${term} lacks entry ${index} of term ${committed.term}, which was committed`,
        );
    }
  }

  #entryCommitted(node: SimulatedNode, entry: Entry, term: Term): void {
    const { index } = entry;
    const known = this.committed[index];
    if (known === undefined || known === null) {
      if (index !== this.committed.length)
        violated('state-machine-safety', `node ${node.id} commits ${index}, nobody has committed ${index - 1}`);
      this.committed.push(entry);
      this.#committedIn.push(term);
      this.#isDurable(entry, node);
      this.#onCommit(entry);
    } else if (known !== entry && !isSame(known, entry)) {
      violated(
        'state-machine-safety',
        `node ${node.id} commits entry ${index} of term ${entry.term}, another has committed one of term ${known.term}`,
      );
    }
  }

  /**
   * What is committed is on the disks of a majority of the voters in force where it stands in the log; in a joint configuration that is
   * certain of the incoming ones only, since the leader may have left it by then. Of later voters nothing follows: they are counted for what
   * comes after them. A disk that was lost since then counts: its node never votes again.
   */
  #isDurable(entry: Entry, node: SimulatedNode): void {
    const { index, term } = entry;
    if (entry.kind === 'membership') this.#voters = decodeMembership(entry.data).voters;
    const voters = this.#voters;
    let holding = 0;
    for (const id of voters) if (this.#nodes.get(id)?.stored.durable.holds(index, term)) holding += 1;
    if (holding * 2 <= voters.length)
      violated(
        'durability',
        `entry ${index} of term ${term} is taken for committed by node ${node.id}, but is on ${holding} disks of the voters ${voters}`,
      );
  }

  /** A snapshot replaced the state of a node. */
  restored(node: SimulatedNode, { index, term }: SnapshotMeta): void {
    const committed = this.committed[index];
    if (committed === undefined || (committed !== null && committed.term !== term))
      violated(
        'state-machine-safety',
        `node ${node.id} restores a snapshot of entry ${index} of term ${term}, which was not committed`,
      );
  }
}

/** The term of the leader on whose word a node acts, its own when it leads; never too low. */
function termOf(node: SimulatedNode, input: Input): Term {
  return input.type === 'message' ? Math.max(node.leaderTerm, input.message.term) : node.leaderTerm;
}

function isSame(a: Entry, b: Entry): boolean {
  if (a === b) return true;
  if (a.index !== b.index || a.term !== b.term || a.kind !== b.kind || a.data.length !== b.data.length) return false;
  return a.data === b.data || a.data.every((byte, i) => byte === b.data[i]);
}
