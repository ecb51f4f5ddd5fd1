import type { Entry, HardState, Message, Output, Persist, RaftEvent, SnapshotMeta } from './types.ts';

const NOTHING: readonly never[] = Object.freeze([]);

/** What a step that changed nothing returns. */
const SILENCE: Output = Object.freeze({
  messages: NOTHING,
  persist: null,
  committed: NOTHING,
  reads: NOTHING,
  accepted: NOTHING,
  refused: NOTHING,
  snapshotReads: NOTHING,
  restore: null,
  events: NOTHING,
});

/** The rows of an output list, made when the first one comes: most steps fill one or two of the lists. */
class Rows<Row> {
  #rows: Row[] | null = null;

  push(row: Row): void {
    if (this.#rows === null) this.#rows = [row];
    else this.#rows.push(row);
  }

  get isEmpty(): boolean {
    return this.#rows === null;
  }

  take(): readonly Row[] {
    const rows = this.#rows;
    this.#rows = null;
    return rows ?? NOTHING;
  }
}

/** Collects what one step puts out. */
export class Outbox {
  readonly reads = new Rows<Output['reads'][number]>();
  readonly accepted = new Rows<Output['accepted'][number]>();
  readonly refused = new Rows<Output['refused'][number]>();
  readonly snapshotReads = new Rows<Output['snapshotReads'][number]>();
  /** A received chunk to write. */
  snapshotWrite: Persist['snapshotWrite'] = null;
  restore: SnapshotMeta | null = null;
  readonly #messages = new Rows<Message>();
  readonly #events = new Rows<RaftEvent>();
  #thenSend: Message[] | null = null;

  /** May leave at once. */
  send(message: Message): void {
    this.#messages.push(message);
  }

  /** Leaves once everything handed out for writing up to and including this step is durable. */
  sendDurably(message: Message): void {
    if (this.#thenSend === null) this.#thenSend = [message];
    else this.#thenSend.push(message);
  }

  event(event: RaftEvent): void {
    this.#events.push(event);
  }

  /** The write this step asks for, or null. */
  takePersist(issue: () => number, hardState: HardState | null, entries: readonly Entry[] | null): Persist | null {
    const { snapshotWrite } = this;
    if (hardState === null && entries === null && snapshotWrite === null && this.#thenSend === null) return null;
    const thenSend = this.#thenSend ?? NOTHING;
    this.snapshotWrite = null;
    this.#thenSend = null;
    return { number: issue(), hardState, entries: entries ?? NOTHING, snapshotWrite, thenSend };
  }

  take(persist: Persist | null, committed: readonly Entry[] | null): Output {
    if (persist === null && committed === null && this.#isSilent()) return SILENCE;
    const restore = this.restore;
    this.restore = null;
    return {
      messages: this.#messages.take(),
      persist,
      committed: committed ?? NOTHING,
      reads: this.reads.take(),
      accepted: this.accepted.take(),
      refused: this.refused.take(),
      snapshotReads: this.snapshotReads.take(),
      restore,
      events: this.#events.take(),
    };
  }

  #isSilent(): boolean {
    return (
      this.restore === null &&
      this.#messages.isEmpty &&
      this.#events.isEmpty &&
      this.reads.isEmpty &&
      this.accepted.isEmpty &&
      this.refused.isEmpty &&
      this.snapshotReads.isEmpty
    );
  }
}
