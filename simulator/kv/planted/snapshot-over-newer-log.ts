import type { PlantedBug } from './types.ts';

/**
 * A snapshot replaces the whole log even where the log contains the snapshot's last entry and goes on behind it. What the follower had
 * acknowledged there is lost.
 * Forbidden by §5.3 (Figure 5.3, InstallSnapshot, step 6: entries that follow the snapshot's last entry are retained).
 */
export const snapshotOverNewerLog: PlantedBug = {
  name: 'snapshot-over-newer-log',
  mistake: 'a snapshot replaces a log that contains it and is longer',
  forbiddenBy: '§5.3, Figure 5.3',
  caughtBy: ['durability', 'assertion'],
  seedsMax: 700,
  variation: () => ({ rules: { needsInstall: (snapshot, commitIndex) => snapshot.index > commitIndex } }),
};
