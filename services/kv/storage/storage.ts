import { dirname } from 'node:path';
import type { Restored } from '../core/raft/types.ts';
import type { Disk } from './disk.ts';
import { DataDirectoryError, StorageCorruptError } from './errors.ts';
import { type Identity, loadIdentity, storeIdentity } from './identity.ts';
import { restore } from './restore.ts';
import { SnapshotStore } from './snapshots.ts';
import { WriteAheadLog } from './wal.ts';

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
    const { latest } = snapshots;
    const { restored, reset } = restore(replayed, latest, options.keptEntries, walDirectory);
    if (reset !== null) await wal.append([{ hardState: null, entries: [], reset }]);
    await snapshots.prune();
    return { identity, wal, snapshots, restored, tornBytes };
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
