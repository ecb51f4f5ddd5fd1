import { assert } from '../../../../kit/assert.ts';
import { type Hash64, HashSum, hash64 } from '../../../../kit/hash.ts';
import { ByteWriter } from './bytes.ts';
import { type Command, decodeCommand, fingerprint } from './command.ts';
import { KeyIndex } from './key-index.ts';
import { OrderedIds } from './ordered-ids.ts';
import { type Remembered, writeEntry, writeRemembered } from './rows.ts';
import { encodeSnapshot, SnapshotReader } from './snapshot.ts';
import type { ApplyResult, EntryPage, KVEntry, ListQuery, Outcome } from './types.ts';

export type { ApplyResult, EntryPage, KVEntry } from './types.ts';

export interface StoreOptions {
  /** How many results are kept for idempotency keys; the oldest by log order go first. All nodes must have the same. */
  readonly rememberedMax: number;
}

export const storeDefaults: StoreOptions = { rememberedMax: 100_000 };

/** A remembered result and an entry with the same bytes must not have the same hash. */
const ENTRY_SEED = 0;
const REMEMBERED_SEED = 1;

/** A page ends with the entry that makes it longer than this: answering it must not keep a node from its heartbeats. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

interface Kept<Row> {
  readonly row: Row;
  readonly hash: Hash64;
  /** Length of its encoding. */
  readonly bytes: number;
}

/** What an operation did, before it is remembered. */
interface Change {
  readonly outcome: Outcome;
  readonly entry: KVEntry | null;
}

/**
 * The replicated key-value state machine: the same commands at the same indices give the same state, hash and answers everywhere.
 *
 * Entries are never changed in place, so a snapshot copies references only.
 */
export class KvStore {
  readonly #options: StoreOptions;
  readonly #entries = new Map<string, Kept<KVEntry>>();
  readonly #ids = new OrderedIds();
  readonly #keys = new KeyIndex();
  /** In log order. */
  readonly #remembered = new Map<string, Kept<Remembered>>();
  /** Walks along as the oldest are forgotten: an iterator begun anew would have to pass all that were. */
  readonly #oldest = this.#remembered.keys();
  readonly #hash = new HashSum();
  readonly #scratch = new ByteWriter();
  #index = 0;
  #bytes = 0;

  constructor(options: StoreOptions = storeDefaults) {
    this.#options = options;
  }

  /** Number of entries. */
  get size(): number {
    return this.#entries.size;
  }

  /** Index of the last command applied. */
  get index(): number {
    return this.#index;
  }

  /** Size of the state: what the entries and remembered results take when encoded. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many results are kept for idempotency keys. */
  get remembered(): number {
    return this.#remembered.size;
  }

  /**
   * Hash of the whole state, results kept for idempotency keys included; 16 hexadecimal digits, kept up to date with every change.
   * It does not depend on the order in which the state came about.
   */
  hash(): string {
    return this.#hash.toString();
  }

  get(id: string): KVEntry | undefined {
    return this.#entries.get(id)?.row;
  }

  list(query: ListQuery): EntryPage {
    return this.#page(this.#ids.page(query.limit + 1, query.after), query.limit);
  }

  /** Entries with exactly this key. */
  findByKey(key: string, query: ListQuery): EntryPage {
    return this.#page(this.#keys.page(key, query.limit + 1, query.after), query.limit);
  }

  /** @param ids one more than `limit` when there is a next page */
  #page(ids: string[], limit: number): EntryPage {
    assert(limit >= 1, `limit = ${limit}: requires at least 1`);
    const entries: KVEntry[] = [];
    for (let bytes = 0; entries.length < ids.length && entries.length < limit && bytes <= PAGE_BYTES_MAX; ) {
      const kept = this.#entries.get(ids[entries.length]!)!;
      entries.push(kept.row);
      bytes += kept.bytes;
    }
    return entries.length < ids.length ? { entries, next: entries.at(-1)!.id } : { entries };
  }

  /**
   * Applies the command that was committed at `index`; indices ascend.
   * @param data from `encodeCommand`
   */
  apply(index: number, data: Uint8Array): ApplyResult {
    assert(index > this.#index, `command ${index} after ${this.#index}: each is applied once, in order`);
    this.#index = index;
    const command = decodeCommand(data);
    const { requestId, idempotencyKey } = command;
    if (idempotencyKey === undefined) return { requestId, ...this.#change(index, command), replayed: false };
    const print = fingerprint(command, this.#scratch);
    const known = this.#remembered.get(idempotencyKey)?.row;
    if (known === undefined) {
      const { outcome, entry } = this.#change(index, command);
      this.#remember({ idempotencyKey, fingerprint: print, outcome, entry });
      return { requestId, outcome, entry, replayed: false };
    }
    if (known.fingerprint.hi !== print.hi || known.fingerprint.lo !== print.lo) {
      return { requestId, outcome: 'keyReused', entry: null, replayed: false };
    }
    return { requestId, outcome: known.outcome, entry: known.entry, replayed: true };
  }

  #change(index: number, command: Command): Change {
    const old = this.#entries.get(command.id);
    if (command.type === 'create') {
      // An id is made for one create, so this is the same one again.
      if (old !== undefined) return { outcome: 'created', entry: old.row };
      return { outcome: 'created', entry: this.#insert(createdEntry(index, command)) };
    }
    if (old === undefined) return { outcome: 'notFound', entry: null };
    if (command.type === 'delete') {
      this.#delete(old);
      return { outcome: 'deleted', entry: old.row };
    }
    return { outcome: 'updated', entry: this.#replace(old, updatedEntry(index, command, old.row)) };
  }

  #insert(entry: KVEntry): KVEntry {
    this.#entries.set(entry.id, this.#keepEntry(entry));
    this.#ids.add(entry.id);
    this.#keys.add(entry.key, entry.id);
    return entry;
  }

  #replace(old: Kept<KVEntry>, entry: KVEntry): KVEntry {
    this.#release(old);
    this.#entries.set(entry.id, this.#keepEntry(entry));
    if (entry.key !== old.row.key) {
      this.#keys.remove(old.row.key, entry.id);
      this.#keys.add(entry.key, entry.id);
    }
    return entry;
  }

  #delete(old: Kept<KVEntry>): void {
    const { id, key } = old.row;
    this.#release(old);
    this.#entries.delete(id);
    this.#ids.remove(id);
    this.#keys.remove(key, id);
  }

  #remember(row: Remembered): void {
    this.#scratch.clear();
    writeRemembered(this.#scratch, row);
    this.#remembered.set(row.idempotencyKey, this.#keep(row, REMEMBERED_SEED));
    if (this.#remembered.size <= this.#options.rememberedMax) return;
    const key = this.#oldest.next().value!;
    this.#release(this.#remembered.get(key)!);
    this.#remembered.delete(key);
  }

  #keepEntry(entry: KVEntry): Kept<KVEntry> {
    this.#scratch.clear();
    writeEntry(this.#scratch, entry);
    return this.#keep(entry, ENTRY_SEED);
  }

  /** Adds the row whose encoding is in `#scratch` to hash and size. */
  #keep<Row>(row: Row, seed: number): Kept<Row> {
    const hash = hash64(this.#scratch.view(), seed);
    const bytes = this.#scratch.length;
    this.#hash.add(hash);
    this.#bytes += bytes;
    return { row, hash, bytes };
  }

  #release(kept: Kept<unknown>): void {
    this.#hash.remove(kept.hash);
    this.#bytes -= kept.bytes;
  }

  /**
   * The state as it is now, in chunks of about `chunkBytes`. What is copied at once is two lists of references, about 50 ms a million
   * rows; the encoding happens as the chunks are taken, while further commands may be applied.
   */
  snapshot(chunkBytes = SNAPSHOT_CHUNK_BYTES): Iterable<Uint8Array> {
    const entries: KVEntry[] = [];
    for (const kept of this.#entries.values()) entries.push(kept.row);
    const remembered: Remembered[] = [];
    for (const kept of this.#remembered.values()) remembered.push(kept.row);
    return encodeSnapshot({ index: this.#index, hash: this.hash(), entries, remembered }, chunkBytes);
  }

  /** The state of a snapshot; chunks may be cut anywhere. Throws when they are not a whole snapshot, or its hash does not hold. */
  static restore(chunks: Iterable<Uint8Array>, options: StoreOptions = storeDefaults): KvStore {
    const store = new KvStore(options);
    const restoring = store.restoring();
    for (const chunk of chunks) restoring.push(chunk);
    restoring.end();
    return store;
  }

  /** Fills this new store from the chunks of a snapshot, as they are read; `end` checks that all were there. */
  restoring(): SnapshotReader {
    assert(this.#index === 0 && this.size === 0, 'a snapshot is restored into a new store');
    return new SnapshotReader({
      entry: (entry) => this.#insert(entry),
      remembered: (row) => this.#remember(row),
      end: (index, hash) => {
        assert(this.hash() === hash, `the restored state has hash ${this.hash()}, the snapshot says ${hash}`);
        this.#index = index;
      },
    });
  }
}

function createdEntry(index: number, command: Extract<Command, { type: 'create' }>): KVEntry {
  const { id, key, value, sourceNode, timestampMs } = command;
  return { id, key, value, seq: index, source_node: sourceNode, created_at: new Date(timestampMs).toISOString() };
}

function updatedEntry(index: number, command: Extract<Command, { type: 'update' }>, old: KVEntry): KVEntry {
  const { id, source_node, created_at } = old;
  return { id, key: command.key ?? old.key, value: command.value ?? old.value, seq: index, source_node, created_at };
}
