import type { PlantedBug } from './types.ts';

/**
 * A node forgets in a crash whom it voted for, and votes again in the same term: two candidates may get a majority each.
 * Forbidden by §3.4 and §3.8: `votedFor` is on stable storage before the vote leaves.
 */
export const voteNotPersisted: PlantedBug = {
  name: 'vote-not-persisted',
  mistake: 'a vote is given without being written',
  forbiddenBy: '§3.4, §3.8',
  caughtBy: ['election-safety', 'log-matching', 'durability', 'leader-completeness'],
  seedsMax: 400,
  variation: () => ({
    restored: (found) => found && { ...found, hardState: { ...found.hardState, vote: null } },
  }),
};
