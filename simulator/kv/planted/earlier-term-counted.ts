import type { PlantedBug } from './types.ts';

/**
 * A leader commits an entry of an earlier term as soon as a majority stores it. Such an entry can still be overwritten by a leader whose
 * last entry has a later term: Figure 3.7 of the thesis, and services/kv/core/testdata/earlier-term.txt.
 * Forbidden by §3.6.2.
 */
export const earlierTermCounted: PlantedBug = {
  name: 'earlier-term-counted',
  mistake: 'an entry of an earlier term is committed by counting who stores it',
  forbiddenBy: '§3.6.2, Figure 3.7',
  caughtBy: ['leader-completeness', 'durability', 'linearizability', 'state-machine-safety'],
  seedsMax: 1000,
  variation: () => ({ rules: { commitsByCounting: () => true } }),
};
