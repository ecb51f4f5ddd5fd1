import type { PlantedBug } from './types.ts';

/**
 * A node that lost its disk starts empty under its old id. It does not know whom it voted for, nor what it acknowledged, and votes and
 * counts as if it never had.
 * Forbidden by §3.8 (state that must persist) and §4 (a server's id is unique: one that comes back empty is another server).
 */
export const wipedNodeVotes: PlantedBug = {
  name: 'wiped-node-votes',
  mistake: 'a node that lost its disk comes back under its old id and votes again in the same term',
  forbiddenBy: '§3.8, §4',
  caughtBy: ['election-safety', 'leader-completeness', 'durability', 'assertion'],
  seedsMax: 300,
  variation: () => ({ afterLoss: 'sameId' }),
};
