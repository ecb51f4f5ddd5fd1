import type { Input, LogIndex, Output, Proposal } from '../core/raft/types.ts';

/** A batch of proposals larger than this is split, so that no message and no log record grows beyond bounds. */
const PROPOSE_BYTES_MAX = 1024 * 1024;

/** What followers pass on, or what stands in its place. */
export type Forwarded = Extract<Input, { type: 'message' | 'refuseForwarded' }>;

/**
 * Proposals on their way into Raft, one batch at a time: what comes while a batch is under way is gathered for the next one, so that a
 * busy cluster makes few large writes, messages and fdatasyncs, and an idle one waits for nothing (Nagle's algorithm, RFC 896, with a
 * commit as the acknowledgement). A batch is under way
 *
 *   at the leader    until all of it is committed
 *   at a follower    until its disk has made something durable: what it passed on, mostly, and the answer takes the next batch along
 *
 * and never longer than a tick, whatever has become of it.
 */
export class Gathering {
  #proposals: Proposal[] = [];
  /** In the order in which it came: the leader takes what a follower passes on by ascending number, or not at all. */
  #forwarded: Forwarded[] = [];
  /** Last index of the batch under way at this leader. */
  #batchEnd: LogIndex | null = null;
  #passedOn = false;

  propose(proposal: Proposal): void {
    this.#proposals.push(proposal);
  }

  forwarded(input: Forwarded): void {
    this.#forwarded.push(input);
  }

  /** @returns whether the proposal was still here */
  withdraw(id: string): boolean {
    const at = this.#proposals.findIndex((proposal) => proposal.id === id);
    if (at >= 0) this.#proposals.splice(at, 1);
    return at >= 0;
  }

  ticked(): void {
    this.#batchEnd = null;
    this.#passedOn = false;
  }

  persisted(): void {
    this.#passedOn = false;
  }

  committed(index: LogIndex): void {
    if (this.#batchEnd !== null && index >= this.#batchEnd) this.#batchEnd = null;
  }

  /** The next batch, unless one is under way. */
  take(): Input[] {
    if (this.#batchEnd !== null || this.#passedOn) return [];
    const inputs: Input[] = this.#forwarded;
    for (const proposals of batches(this.#proposals)) inputs.push({ type: 'propose', proposals });
    this.#forwarded = [];
    this.#proposals = [];
    return inputs;
  }

  /** What Raft made of a batch. */
  taken({ persist, messages }: Output): void {
    this.#batchEnd = persist?.entries.at(-1)?.index ?? null;
    this.#passedOn = messages.some(({ type }) => type === 'forwardProposals');
  }
}

function* batches(proposals: readonly Proposal[]): Generator<readonly Proposal[]> {
  let start = 0;
  let bytes = 0;
  for (const [at, { data }] of proposals.entries()) {
    if (at > start && bytes + data.length > PROPOSE_BYTES_MAX) {
      yield proposals.slice(start, at);
      start = at;
      bytes = 0;
    }
    bytes += data.length;
  }
  if (start < proposals.length) yield start === 0 ? proposals : proposals.slice(start);
}
