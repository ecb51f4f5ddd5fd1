import type { PlantedBug } from './types.ts';

/**
 * An append that arrives late or twice replaces everything that the follower has from there on, without comparing. What the follower had
 * acknowledged behind it, and the leader may have committed by that, is gone.
 * Forbidden by §3.5 (Figure 3.1, AppendEntries, step 3: only a conflicting entry and what follows it are deleted).
 */
export const committedSuffixTruncated: PlantedBug = {
  name: 'committed-suffix-truncated',
  mistake: 'an append that arrives late cuts off what follows it',
  forbiddenBy: '§3.5, Figure 3.1',
  caughtBy: ['durability', 'assertion'],
  seedsMax: 20,
  variation: () => ({
    rules: {
      firstNewEntry: (entries, _log, commitIndex) => {
        const first = entries.findIndex((entry) => entry.index > commitIndex);
        return first === -1 ? entries.length : first;
      },
    },
  }),
};
