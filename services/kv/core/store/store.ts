import { assert } from '../../../../kit/assert.ts';
import { type Hash64, HashSum, hash64 } from '../../../../kit/hash.ts';
import { ByteWriter, isUuid } from './bytes.ts';
import { CommandView } from './command-view.ts';
import { Entries, NO_ENTRY } from './entries.ts';
import { KeyIndex } from './key-index.ts';
import { type HashKey, KeyedHash } from './keyed-hash.ts';
import { OrderedEntries } from './ordered-entries.ts';
import { type ResultChange, Results } from './results.ts';
import { RowHeap } from './row-heap.ts';
import { idOf, KEY_AT, keyEndOf, readEntry, writeCreated, writeUpdated } from './rows.ts';
import { encodeSnapshot, SnapshotReader } from './snapshot.ts';
import type { ApplyResult, EntryPage, KVEntry, ListQuery, Outcome } from './types.ts';

export type { ApplyResult, EntryPage, KVEntry } from './types.ts';

export interface StoreOptions {
  /** How many results are kept for idempotency keys; the oldest by log order go first. All nodes must have the same. */
  readonly rememberedMax: number;
  /** Of the indexes by key and by idempotency key: random, so that nobody can choose keys that collide. The state does not depend on it. Default: known to all. */
  readonly hashKey?: HashKey;
}

export const storeDefaults: StoreOptions = { rememberedMax: 100_000 };

/** Of the hash of an entry. */
const SEED = 0;
/** In place of the slot of an entry: there is none. */
const NONE = -1;

/** A page ends with the entry that makes it longer than this: answering it must not keep a node from its heartbeats. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;

const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

/** What an operation did, before it is remembered. */
interface Change {
  readonly outcome: Outcome;
  /** Slot of the entry it answers with, −1 for none. */
  readonly entry: number;
}

/**
 * The replicated key-value state machine: the same commands at the same indices give the same state, hash and answers everywhere.
 *
 * Entries are rows of bytes. A command's texts are copied into them as they are, and made into strings only for an answer.
 */
export class KvStore {
  readonly #options: StoreOptions;
  readonly #rows = new RowHeap();
  readonly #entries = new Entries();
  readonly #ordered = new OrderedEntries(this.#entries);
  readonly #keys: KeyIndex;
  readonly #results: Results;
  readonly #hash = new HashSum();
  readonly #scratch = new ByteWriter();
  #index = 0;
  #bytes = 0;

  constructor(options: StoreOptions = storeDefaults) {
    this.#options = options;
    const hash = new KeyedHash(options.hashKey ?? [0, 0]);
    this.#keys = new KeyIndex(this.#entries, this.#rows, hash);
    this.#results = new Results(this.#rows, hash);
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
    return this.#results.size;
  }

  /** Bytes of memory that rows take, beside indexes. */
  get reservedBytes(): number {
    return this.#rows.reservedBytes + this.#results.reservedBytes;
  }

  /**
   * Hash of the whole state, results kept for idempotency keys included; 16 hexadecimal digits, kept up to date with every change.
   * It does not depend on the order in which the state came about.
   */
  hash(): string {
    return this.#hash.toString();
  }

  /** The same as numbers, which cost less. */
  hashValue(): Hash64 {
    return this.#hash.value();
  }

  get(id: string): KVEntry | undefined {
    if (!isUuid(id)) return undefined;
    const entry = this.#entries.find(this.#idBytes(id), 0);
    return entry === NO_ENTRY ? undefined : this.#entry(this.#entries.slot(entry));
  }

  list(query: ListQuery): EntryPage {
    return this.#page(this.#ordered.page(query.limit + 1, this.#after(query)), query.limit);
  }

  /** Entries with exactly this key. */
  findByKey(key: string, query: ListQuery): EntryPage {
    const after = this.#after(query);
    this.#scratch.clear();
    this.#scratch.text(key);
    return this.#page(this.#keys.page(this.#scratch.view(), query.limit + 1, after), query.limit);
  }

  #after({ after }: ListQuery): number | undefined {
    return after === undefined ? undefined : this.#entries.sought(this.#idBytes(after), 0);
  }

  /** Valid until the next use of `#scratch`. */
  #idBytes(id: string): Uint8Array {
    this.#scratch.clear();
    this.#scratch.uuid(id);
    return this.#scratch.view();
  }

  /** @param found one more than `limit` when there is a next page */
  #page(found: readonly number[], limit: number): EntryPage {
    assert(limit >= 1, `limit = ${limit}: requires at least 1`);
    const entries: KVEntry[] = [];
    for (let bytes = 0; entries.length < found.length && entries.length < limit && bytes <= PAGE_BYTES_MAX; ) {
      const slot = this.#entries.slot(found[entries.length]!);
      entries.push(this.#entry(slot));
      bytes += this.#rows.length(slot);
    }
    return entries.length < found.length ? { entries, next: entries.at(-1)!.id } : { entries };
  }

  /**
   * Applies the command that was committed at `index`; indices ascend.
   * @param data from `encodeCommand`
   */
  apply(index: number, data: Uint8Array): ApplyResult;
  /** @param node the answer is made only for a command that came in at this node, and null for others: nobody waits for it here */
  apply(index: number, data: Uint8Array, node: number): ApplyResult | null;
  apply(index: number, data: Uint8Array, node?: number): ApplyResult | null {
    if (index <= this.#index) assert(false, `command ${index} after ${this.#index}: each is applied once, in order`);
    this.#index = index;
    const command = new CommandView(data);
    const isAsked = node === undefined || command.sourceNode === node;
    if (command.has('idempotencyKey')) return this.#applyOnce(index, command, isAsked);
    const change = this.#change(index, command);
    const result = isAsked ? this.#answer(command, change, false) : null;
    this.#letGo(change);
    return result;
  }

  #applyOnce(index: number, command: CommandView, isAsked: boolean): ApplyResult | null {
    const fingerprint = command.fingerprint(this.#scratch);
    const known = this.#results.get(command);
    if (known !== undefined) {
      if (!isAsked) return null;
      const isSame = known.fingerprint.hi === fingerprint.hi && known.fingerprint.lo === fingerprint.lo;
      return isSame
        ? this.#answer(command, known, true)
        : this.#answer(command, { outcome: 'keyReused', entry: NONE }, false);
    }
    const change = this.#change(index, command);
    this.#came(this.#results.add(command, { fingerprint, ...change }, this.#scratch));
    const result = isAsked ? this.#answer(command, change, false) : null;
    this.#letGo(change);
    this.#forgetOldest();
    return result;
  }

  #answer(command: CommandView, { outcome, entry }: Change, replayed: boolean): ApplyResult {
    const requestId = command.text('requestId');
    return { requestId, outcome, entry: entry === NONE ? null : this.#entry(entry), replayed };
  }

  #entry(slot: number): KVEntry {
    return readEntry(this.#rows.row(slot));
  }

  #change(index: number, command: CommandView): Change {
    const entry = this.#entries.find(command.bytes, command.id.from);
    const old = entry === NO_ENTRY ? NONE : this.#entries.slot(entry);
    if (command.type === 'create') {
      // An id is made for one create, so this is the same one again.
      if (old !== NONE) return { outcome: 'created', entry: old };
      writeCreated(this.#scratch, index, command);
      const { from, to } = command.key;
      return { outcome: 'created', entry: this.#insert(this.#scratch.view(), KEY_AT + to - from) };
    }
    if (old === NONE) return { outcome: 'notFound', entry: NONE };
    if (command.type === 'delete') {
      this.#delete(entry, old);
      return { outcome: 'deleted', entry: old };
    }
    const row = this.#rows.row(old);
    writeUpdated(this.#scratch, index, command, row);
    const { from, to } = command.key;
    const isRenamed = command.has('key') && !this.#rows.holds(old, KEY_AT, command.bytes, from, to);
    if (isRenamed) this.#keys.remove(row, KEY_AT, keyEndOf(row), entry);
    const updated = this.#keep(this.#scratch.view());
    this.#entries.move(entry, updated);
    if (isRenamed) this.#keys.add(command.bytes, from, to, entry);
    this.#release(old);
    this.#rows.remove(old);
    return { outcome: 'updated', entry: updated };
  }

  #insert(row: Uint8Array, keyEnd: number): number {
    const slot = this.#keep(row);
    const entry = this.#entries.add(row, 0, slot);
    this.#ordered.add(entry);
    this.#keys.add(row, KEY_AT, keyEnd, entry);
    return slot;
  }

  /** Its row stays for the answer, until `#letGo`. */
  #delete(entry: number, slot: number): void {
    const row = this.#rows.row(slot);
    this.#release(slot);
    this.#keys.remove(row, KEY_AT, keyEndOf(row), entry);
    this.#ordered.remove(entry);
    this.#entries.remove(entry);
  }

  #letGo(change: Change): void {
    if (change.outcome === 'deleted') this.#rows.remove(change.entry);
  }

  /** Adds the row to heap, hash and size. */
  #keep(row: Uint8Array): number {
    const hash = hash64(row, SEED);
    this.#came({ hash, bytes: row.length });
    return this.#rows.add(row, hash);
  }

  #release(slot: number): void {
    this.#went({ hash: this.#rows.hash(slot), bytes: this.#rows.length(slot) });
  }

  /** @returns whether there was one too many */
  #forgetOldest(): boolean {
    const isOver = this.#results.size > this.#options.rememberedMax;
    if (isOver) this.#went(this.#results.forget());
    return isOver;
  }

  #came({ hash, bytes }: ResultChange): void {
    this.#hash.add(hash);
    this.#bytes += bytes;
  }

  #went({ hash, bytes }: ResultChange): void {
    this.#hash.remove(hash);
    this.#bytes -= bytes;
  }

  /**
   * The state as it is now, entries ascending by id, in chunks of about `chunkBytes`. What happens at once is a look at each row's place, some 50 ms a million rows;
   * the bytes are copied as the chunks are taken, while further commands may be applied.
   */
  snapshot(chunkBytes = SNAPSHOT_CHUNK_BYTES): Iterable<Uint8Array> {
    const entries = this.#rows.freeze(this.#slots());
    return encodeSnapshot(
      { index: this.#index, hash: this.hash(), entries, results: this.#results.freeze() },
      chunkBytes,
    );
  }

  /** Of all rows, ascending by id. */
  #slots(): Uint32Array {
    const ordered = this.#ordered.page(Infinity, undefined);
    const slots = new Uint32Array(ordered.length);
    for (let i = 0; i < slots.length; i++) slots[i] = this.#entries.slot(ordered[i]!);
    return slots;
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
    /** By id: the newest row that a result has held so far. */
    const held = new Map<string, number>();
    return new SnapshotReader({
      entry: (row) => this.#insert(row, keyEndOf(row)),
      remembered: (row) => {
        this.#came(this.#results.restore(row, (entry) => this.#shared(held, entry)));
        // What it held may be gone.
        if (this.#forgetOldest()) held.clear();
      },
      end: (index, hash) => {
        held.clear();
        assert(this.hash() === hash, `the restored state has hash ${this.hash()}, the snapshot says ${hash}`);
        this.#index = index;
      },
    });
  }

  /** The slot of a result's entry: that of the entry itself, or of another result, where they are the same. */
  #shared(held: Map<string, number>, row: Uint8Array): number {
    const id = idOf(row);
    const entry = this.#entries.find(row, 0);
    for (const slot of [entry === NO_ENTRY ? undefined : this.#entries.slot(entry), held.get(id)]) {
      if (slot === undefined || !this.#isEqual(slot, row)) continue;
      this.#rows.share(slot);
      return slot;
    }
    const slot = this.#rows.add(row, NO_HASH);
    held.set(id, slot);
    return slot;
  }

  #isEqual(slot: number, row: Uint8Array): boolean {
    return this.#rows.length(slot) === row.length && this.#rows.holds(slot, 0, row, 0, row.length);
  }
}

/** Of a row that only a result holds: it counts with that result. */
const NO_HASH = { hi: 0, lo: 0 };
