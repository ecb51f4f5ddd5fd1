import type { Message, Persist } from '../../services/kv/core/raft/types.ts';
import type { NodeNumber } from '../types.ts';
import type { World } from '../world.ts';
import type { LogRecord, StoredLog } from './stored-log.ts';

/** The files of a node, as the world counts them. */
export const LOG_FILE = 0;
export const SNAPSHOT_FILE = 1;

/** What the write under way puts on the disk: the steps of services/kv/driver/persister.ts. */
type Writing =
  | { readonly stage: 'group'; readonly group: readonly Persist[]; readonly record: LogRecord; released: boolean }
  /** A chunk of a snapshot: first its hard state, then the chunk, and after the last one the log is emptied. */
  | { readonly stage: 'hardState' | 'chunk' | 'reset'; readonly chunk: Persist };

/**
 * Writes what Raft wants persisted, in order: while one sync runs, the records that come in are gathered, and the next one covers them all.
 * The same steps as the product's persister, in virtual time.
 */
export class SimulatedPersister {
  readonly #world: World<Message>;
  readonly #node: NodeNumber;
  readonly #stored: StoredLog;
  readonly #release: 'synced' | 'written';
  readonly #persisted: (number: number, messages: readonly Message[]) => void;
  #queue: Persist[] = [];
  #writing: Writing | null = null;
  #isBusy = false;

  /** @param persisted called when records up to `number` are durable */
  constructor(
    world: World<Message>,
    node: NodeNumber,
    stored: StoredLog,
    release: 'synced' | 'written',
    persisted: (number: number, messages: readonly Message[]) => void,
  ) {
    this.#world = world;
    this.#node = node;
    this.#stored = stored;
    this.#release = release;
    this.#persisted = persisted;
  }

  push(record: Persist): void {
    this.#queue.push(record);
    this.#next();
  }

  /** The write under way is durable. */
  written(): void {
    const writing = this.#writing!;
    if (writing.stage === 'group') {
      this.#stored.append(writing.record);
      this.#writing = null;
      if (!writing.released) this.#finish(writing.group);
    } else {
      this.#store(writing);
    }
    this.#next();
  }

  /** Tries again what found no space. */
  retry(): void {
    this.#world.write(this.#node, LOG_FILE);
  }

  /** The power goes, and has kept this share of the write under way. */
  crash(share: number): void {
    const writing = this.#writing!;
    if (writing.stage === 'group') this.#stored.tear(writing.record, share);
    else if (writing.stage !== 'chunk') this.#stored.tear(chunkRecord(writing), share);
    else if (share === 1) this.#stored.receive(writing.chunk.snapshotWrite!);
  }

  #next(): void {
    // What is released may bring new records: they are for the loop below, which goes on.
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#writing === null && this.#queue.length > 0) this.#begin();
    this.#isBusy = false;
  }

  #begin(): void {
    const head = this.#queue[0]!;
    if (head.snapshotWrite !== null) {
      this.#queue.shift();
      this.#write({ stage: head.hardState === null ? 'chunk' : 'hardState', chunk: head });
      return;
    }
    const group = this.#takeGroup();
    const record = group.filter(({ hardState, entries }) => hardState !== null || entries.length > 0);
    if (record.length === 0) {
      this.#finish(group);
      return;
    }
    const writing: Writing = { stage: 'group', group, record, released: this.#release === 'written' };
    this.#write(writing);
    if (writing.released) this.#finish(group);
  }

  #takeGroup(): readonly Persist[] {
    const end = this.#queue.findIndex(({ snapshotWrite }) => snapshotWrite !== null);
    if (end >= 0) return this.#queue.splice(0, end);
    const group = this.#queue;
    this.#queue = [];
    return group;
  }

  #write(writing: Writing): void {
    this.#writing = writing;
    this.#world.write(this.#node, LOG_FILE);
  }

  #store(writing: Extract<Writing, { chunk: Persist }>): void {
    const { stage, chunk } = writing;
    if (stage === 'chunk') this.#stored.receive(chunk.snapshotWrite!);
    else this.#stored.append(chunkRecord(writing));
    if (stage === 'hardState') this.#write({ stage: 'chunk', chunk });
    else if (stage === 'chunk' && chunk.snapshotWrite!.done) this.#write({ stage: 'reset', chunk });
    else {
      this.#writing = null;
      this.#finish([chunk]);
    }
  }

  #finish(records: readonly Persist[]): void {
    const messages = records.length === 1 ? records[0]!.thenSend : records.flatMap(({ thenSend }) => thenSend);
    this.#persisted(records.at(-1)!.number, messages);
  }
}

function chunkRecord({ stage, chunk }: Extract<Writing, { chunk: Persist }>): LogRecord {
  if (stage === 'hardState') return [{ hardState: chunk.hardState, entries: [] }];
  const { index, term } = chunk.snapshotWrite!.snapshot;
  return [{ hardState: null, entries: chunk.entries, reset: { index, term } }];
}
