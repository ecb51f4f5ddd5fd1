import type { Restored, Term } from '../../../services/kv/core/raft/types.ts';
import type { PlantedBug } from './types.ts';

/**
 * A node that starts again takes the term of its last entry for the current one. What it promised in later terms (votes, and to follow
 * their leaders) is forgotten.
 * Forbidden by §3.8: `currentTerm` is on stable storage before any message of that term leaves.
 */
export const termNotPersisted: PlantedBug = {
  name: 'term-not-persisted',
  mistake: 'the term is not written, and read off the last entry after a crash',
  forbiddenBy: '§3.8',
  caughtBy: ['election-safety', 'log-matching'],
  seedsMax: 150,
  variation: () => ({
    restored: (found) => {
      if (found === null || lastTerm(found) === found.hardState.term) return found;
      return { ...found, hardState: { ...found.hardState, term: lastTerm(found), vote: null } };
    },
  }),
};

function lastTerm({ entries, snapshot }: Restored): Term {
  return Math.max(entries.at(-1)?.term ?? 0, snapshot?.term ?? 0);
}
