import type { Input, LogIndex, Message, Output, Proposal } from '../core/raft/types.ts';

/** A batch larger than this is taken in several steps, so that no message and no log record grows beyond bounds. */
const STEP_BYTES_MAX = 1024 * 1024;

/** What followers pass on, or what stands in its place. */
export type Forwarded = Extract<Input, { type: 'refuseForwarded' }> | ForwardedMessage;

interface ForwardedMessage {
  readonly type: 'message';
  readonly message: Extract<Message, { type: 'forwardProposals' }>;
}

/**
 * Proposals on their way into Raft. A leader takes one batch at a time: what comes, here or from followers, while a batch is not committed
 * is gathered for the next one, but never longer than a tick. So a busy cluster makes few large writes, messages and fdatasyncs, and an
 * idle one waits for nothing (Nagle's algorithm, RFC 896, with the commit as the acknowledgement).
 */
export class Gathering {
  #proposals: Proposal[] = [];
  /** In the order in which it came: the leader takes what a follower passes on by ascending number, or not at all. */
  #forwarded: Forwarded[] = [];
  /** Last index of the batch under way. */
  #batchEnd: LogIndex | null = null;

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

  /** A batch that takes longer than this is not waited for. */
  ticked(): void {
    this.#batchEnd = null;
  }

  committed(index: LogIndex): void {
    if (this.#batchEnd !== null && index >= this.#batchEnd) this.#batchEnd = null;
  }

  /** The next batch, in steps; none while one is under way. */
  take(): readonly (readonly Input[])[] {
    if (this.#batchEnd !== null) return [];
    const inputs: Input[] = this.#forwarded;
    for (const proposals of bySize(this.#proposals, ({ data }) => data.length))
      inputs.push({ type: 'propose', proposals });
    this.#forwarded = [];
    this.#proposals = [];
    return bySize(inputs, bytesOf);
  }

  /** What Raft made of a batch. */
  taken({ persist }: Output): void {
    this.#batchEnd = persist?.entries.at(-1)?.index ?? null;
  }
}

function bytesOf(input: Input): number {
  if (input.type === 'propose') return dataBytes(input.proposals);
  return input.type === 'message' && input.message.type === 'forwardProposals' ? dataBytes(input.message.proposals) : 0;
}

function dataBytes(proposals: readonly Proposal[]): number {
  return proposals.reduce((sum, { data }) => sum + data.length, 0);
}

/** In groups of up to `STEP_BYTES_MAX`, or of one item that is larger. */
function bySize<T>(items: readonly T[], bytesIn: (item: T) => number): readonly T[][] {
  const groups: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    bytes += bytesIn(item);
    const group = groups.at(-1);
    if (group !== undefined && bytes <= STEP_BYTES_MAX) {
      group.push(item);
      continue;
    }
    groups.push([item]);
    bytes = bytesIn(item);
  }
  return groups;
}
