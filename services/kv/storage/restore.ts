import type { Entry, LogIndex, Restored, SnapshotMeta, Term } from '../core/raft/types.ts';
import { StorageCorruptError } from './errors.ts';
import type { LogWrite } from './wal-record.ts';
import type { ReplayedLog } from './wal-replay.ts';

/** What a node starts from, and how its log must be mended before it does. */
export interface Restoration {
  /** Null when nothing was ever written. */
  readonly restored: Restored | null;
  /** Not null: the log must be emptied first. */
  readonly reset: Required<LogWrite>['reset'] | null;
}

/**
 * Puts the replayed log and the newest snapshot together.
 * @param keptEntries how many entries before the snapshot are restored too
 * @param directory for messages
 * @throws StorageCorruptError when something between them is missing
 */
export function restore(
  log: ReplayedLog,
  snapshot: SnapshotMeta | null,
  keptEntries: number,
  directory: string,
): Restoration {
  const { entries, reset } = reconcile(log, snapshot, keptEntries, directory);
  if (log.hardState === null && snapshot === null && entries.length === 0) return { restored: null, reset };
  const hardState = log.hardState ?? { term: snapshot?.term ?? 0, vote: null, commit: 0 };
  const last = entries.at(-1)?.index ?? snapshot?.index ?? 0;
  if (hardState.commit > last) {
    throw new StorageCorruptError(
      directory,
      0,
      `entry ${hardState.commit} was committed, but the log ends with ${last}`,
    );
  }
  return { restored: { hardState, snapshot, entries }, reset };
}

/**
 * The entries that go with the newest snapshot. A crash between storing a leader's snapshot and emptying the log leaves a log that does
 * not contain the snapshot's last entry: it is emptied now (Raft, Figure 13, step 7).
 */
function reconcile(
  log: ReplayedLog,
  snapshot: SnapshotMeta | null,
  keptEntries: number,
  directory: string,
): { readonly entries: readonly Entry[]; readonly reset: Restoration['reset'] } {
  const first = log.entries[0]?.index;
  if (snapshot === null) {
    if (first !== undefined && first !== 1) {
      const what = `the log begins with entry ${first} and there is no snapshot of what came before`;
      throw new StorageCorruptError(directory, 0, what);
    }
    return { entries: log.entries, reset: null };
  }
  if (first !== undefined && first > snapshot.index + 1) {
    const what = `the log begins with entry ${first}, the snapshot ends with ${snapshot.index}`;
    throw new StorageCorruptError(directory, 0, what);
  }
  const agrees = termAt(log, snapshot.index) === snapshot.term || first === snapshot.index + 1;
  if (agrees)
    return { entries: log.entries.filter((entry) => entry.index > snapshot.index - keptEntries), reset: null };
  const isEmpty = log.entries.length === 0 && (log.base === null || log.base === snapshot.index);
  return { entries: [], reset: isEmpty ? null : { index: snapshot.index, term: snapshot.term } };
}

/** The term of the entry at `index` in a replayed log, or null when it is not there. */
function termAt(log: ReplayedLog, index: LogIndex): Term | null {
  const first = log.entries[0]?.index;
  return first === undefined ? null : (log.entries[index - first]?.term ?? null);
}
