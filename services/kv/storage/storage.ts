import { dirname } from 'node:path';
import type { Entry, Restored } from '../core/raft/types.ts';
import type { Disk } from './disk.ts';
import { DataDirectoryError, StorageCorruptError } from './errors.ts';
import { type Identity, loadIdentity, storeIdentity } from './identity.ts';
import { SnapshotStore } from './snapshots.ts';
import { termAt, WriteAheadLog } from './wal.ts';
import type { ReplayedLog } from './wal-replay.ts';

export interface StorageOptions {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly segmentBytes: number;
  /** How many entries before the newest snapshot are restored too, so that a slow follower need not take the snapshot. */
  readonly keptEntries: number;
  /** Makes the instance id of an empty directory. */
  readonly newInstanceId: () => string;
}

/** Everything a node keeps on disk, opened together: `meta.json`, `wal/`, `snapshots/`. */
export interface Storage {
  readonly identity: Identity;
  readonly wal: WriteAheadLog;
  readonly snapshots: SnapshotStore;
  /** What Raft starts from; null when nothing was ever written. */
  readonly restored: Restored | null;
  /** Bytes of an unfinished last write that were cut off. */
  readonly tornBytes: number;
}

/**
 * Opens a data directory or makes a new one in it. The caller holds its lock.
 * @throws StorageCorruptError DataDirectoryError
 */
export async function openStorage(disk: Disk, directory: string, options: StorageOptions): Promise<Storage> {
  await disk.makeDirectory(directory);
  const identity = await openIdentity(disk, directory, options);
  const snapshots = await SnapshotStore.open(disk, `${directory}/snapshots`, options.clusterId);
  const walDirectory = `${directory}/wal`;
  const { log: wal, replayed, tornBytes } = await WriteAheadLog.open(disk, walDirectory, options);
  await disk.syncDirectory(directory);
  try {
    // A member's log has its first record before it is a member (`foundLog`).
    if (identity.members !== null && wal.segmentCount === 0)
      throw new StorageCorruptError(walDirectory, 0, 'the log is missing');
    const entries = await reconcile(wal, replayed, snapshots, options, walDirectory);
    await snapshots.prune();
    return { identity, wal, snapshots, restored: restore(replayed, snapshots, entries, walDirectory), tornBytes };
  } catch (error) {
    await wal.close();
    throw error;
  }
}

async function openIdentity(disk: Disk, directory: string, options: StorageOptions): Promise<Identity> {
  const { clusterId, nodeId } = options;
  const found = await loadIdentity(disk, directory);
  if (found === null) {
    const remains = await disk.list(`${directory}/wal`);
    if (remains.length > 0)
      throw new StorageCorruptError(`${directory}/meta.json`, 0, 'it is missing, but a log exists');
    const identity: Identity = {
      clusterId,
      nodeId,
      instanceId: options.newInstanceId(),
      members: null,
      joined: false,
      incarnation: 1,
    };
    await storeIdentity(disk, directory, identity);
    // The directory may be as new as the file in it, and its parent too.
    for (const parent of [dirname(directory), dirname(dirname(directory))]) await disk.syncDirectory(parent);
    return identity;
  }
  if (found.nodeId !== nodeId) {
    throw new DataDirectoryError(
      'FOREIGN',
      `${directory} belongs to node ${found.nodeId}, this is node ${nodeId}: give another --data-dir`,
    );
  }
  if (found.clusterId !== clusterId) {
    throw new DataDirectoryError(
      'FOREIGN',
      `${directory} belongs to cluster ${found.clusterId}, this is ${clusterId}: the certificates in ca/ were replaced, or the directory is another cluster's`,
    );
  }
  const identity = { ...found, incarnation: found.incarnation + 1 };
  await storeIdentity(disk, directory, identity);
  return identity;
}

/**
 * The entries that go with the newest snapshot. A crash between storing a leader's snapshot and emptying the log leaves a log that does
 * not contain the snapshot's last entry: it is emptied now (Raft, Figure 13, step 7).
 */
async function reconcile(
  wal: WriteAheadLog,
  log: ReplayedLog,
  snapshots: SnapshotStore,
  options: StorageOptions,
  directory: string,
): Promise<readonly Entry[]> {
  const snapshot = snapshots.latest;
  const first = log.entries[0]?.index;
  if (snapshot === null) {
    if (first !== undefined && first !== 1) {
      const what = `the log begins with entry ${first} and there is no snapshot of what came before`;
      throw new StorageCorruptError(directory, 0, what);
    }
    return log.entries;
  }
  if (first !== undefined && first > snapshot.index + 1) {
    const what = `the log begins with entry ${first}, the snapshot ends with ${snapshot.index}`;
    throw new StorageCorruptError(directory, 0, what);
  }
  const agrees = termAt(log, snapshot.index) === snapshot.term || first === snapshot.index + 1;
  if (agrees) return log.entries.filter((entry) => entry.index > snapshot.index - options.keptEntries);
  if (log.entries.length > 0 || (log.base !== null && log.base !== snapshot.index)) {
    await wal.append([{ hardState: null, entries: [], reset: { index: snapshot.index, term: snapshot.term } }]);
  }
  return [];
}

function restore(
  log: ReplayedLog,
  snapshots: SnapshotStore,
  entries: readonly Entry[],
  directory: string,
): Restored | null {
  const snapshot = snapshots.latest;
  if (log.hardState === null && snapshot === null && entries.length === 0) return null;
  const hardState = log.hardState ?? { term: snapshot?.term ?? 0, vote: null, commit: 0 };
  const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  if (hardState.commit > last) {
    throw new StorageCorruptError(
      directory,
      0,
      `entry ${hardState.commit} was committed, but the log ends with ${last}`,
    );
  }
  return { hardState, snapshot, entries };
}

/**
 * Makes the list of first members durable, and before it a first record in the log: a member without a log has lost it.
 * @returns the identity as stored
 */
export async function foundLog(
  disk: Disk,
  directory: string,
  { identity, wal }: Storage,
  members: Readonly<Record<number, string>>,
  joined: boolean,
): Promise<Identity> {
  await wal.append([{ hardState: { term: 0, vote: null, commit: 0 }, entries: [] }]);
  const founded = { ...identity, members, joined };
  await storeIdentity(disk, directory, founded);
  return founded;
}
