import { randomInt } from 'node:crypto';
import type { Entry, NodeId, SnapshotMeta } from '../core/raft/types.ts';
import { KvStore, type StoreOptions, storeDefaults } from '../core/store/store.ts';
import type { ApplyResult } from '../core/store/types.ts';
import type { SnapshotStore } from '../storage/snapshots.ts';
import { type StateMachine, TURN_MS_MAX } from './applier.ts';
import type { Checkpoints } from './checkpoints.ts';

export interface StoreEvents {
  /** @param result null for entries that are no commands, and for commands that came in at another node */
  applied(entry: Entry, result: ApplyResult | null): void;
}

/** The key-value store as the log sees it: entries go in, and its hash after each of them is noted. */
export class ReplicatedStore implements StateMachine {
  readonly #node: NodeId;
  readonly #snapshots: Pick<SnapshotStore, 'blocks'>;
  readonly #checkpoints: Checkpoints;
  readonly #events: StoreEvents;
  readonly #options: StoreOptions = { ...storeDefaults, hashKey: [randomInt(2 ** 32), randomInt(2 ** 32)] };
  #store = new KvStore(this.#options);

  /** @param node whose clients wait for answers here */
  constructor(node: NodeId, snapshots: Pick<SnapshotStore, 'blocks'>, checkpoints: Checkpoints, events: StoreEvents) {
    this.#node = node;
    this.#snapshots = snapshots;
    this.#checkpoints = checkpoints;
    this.#events = events;
  }

  /** Valid until the next restore. */
  get current(): KvStore {
    return this.#store;
  }

  apply(entry: Entry): void {
    const result = entry.kind === 'command' ? this.#store.apply(entry.index, entry.data, this.#node) : null;
    this.#checkpoints.applied(entry.index, this.#store.hashValue());
    this.#events.applied(entry, result);
  }

  /** Reads a stored snapshot, in turns of bounded length; until it is whole the state is what it was. @throws StorageCorruptError */
  async restore(snapshot: SnapshotMeta): Promise<void> {
    const store = new KvStore(this.#options);
    const restoring = store.restoring();
    let turnEndsMs = performance.now() + TURN_MS_MAX;
    for await (const block of this.#snapshots.blocks(snapshot)) {
      restoring.push(block);
      if (performance.now() < turnEndsMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      turnEndsMs = performance.now() + TURN_MS_MAX;
    }
    restoring.end();
    this.#store = store;
    this.#checkpoints.restored(snapshot.index, store.hashValue());
  }
}
