import { acknowledgedBeforeFsync } from './acknowledged-before-fsync.ts';
import { committedSuffixTruncated } from './committed-suffix-truncated.ts';
import { disjointMajorities } from './disjoint-majorities.ts';
import { disturbingPrevote } from './disturbing-prevote.ts';
import { earlierTermCounted } from './earlier-term-counted.ts';
import { leaseRead } from './lease-read.ts';
import { retryAppliedTwice } from './retry-applied-twice.ts';
import { snapshotOverNewerLog } from './snapshot-over-newer-log.ts';
import { staleRead } from './stale-read.ts';
import { termNotPersisted } from './term-not-persisted.ts';
import type { PlantedBug } from './types.ts';
import { voteNotPersisted } from './vote-not-persisted.ts';
import { wipedNodeVotes } from './wiped-node-votes.ts';

/** All planted bugs, in the order of the README's table. */
export const plantedBugs: readonly PlantedBug[] = [
  voteNotPersisted,
  termNotPersisted,
  earlierTermCounted,
  committedSuffixTruncated,
  staleRead,
  leaseRead,
  snapshotOverNewerLog,
  disjointMajorities,
  wipedNodeVotes,
  acknowledgedBeforeFsync,
  retryAppliedTwice,
  disturbingPrevote,
];
