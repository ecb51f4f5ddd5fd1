import type { PlantedBug } from './types.ts';

/**
 * A leader answers a read from its state without asking whether it still leads. Cut off, it misses what the next leader commits.
 * Forbidden by §6.4 (ReadIndex, step 3: a round of heartbeats confirms the leadership).
 */
export const staleRead: PlantedBug = {
  name: 'stale-read',
  mistake: 'a leader answers reads without confirming that it still leads',
  forbiddenBy: '§6.4',
  caughtBy: ['linearizability'],
  seedsMax: 400,
  variation: () => ({ rules: { confirmsRead: () => true } }),
};
