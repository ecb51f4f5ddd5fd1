import { raftRules } from '../../../services/kv/core/raft/rules.ts';
import type { PlantedBug } from './types.ts';

/**
 * A node consents to a PreVote although it hears from a leader. A node that was cut off and comes back wins its pre-election, begins a
 * new term, and ends that of a leader that had done nothing wrong.
 * Forbidden by §9.6 with §4.2.3 (who heard from a leader within the shortest election time-out does not consent).
 */
export const disturbingPrevote: PlantedBug = {
  name: 'disturbing-prevote',
  mistake: 'nodes that hear from a leader consent to a PreVote',
  forbiddenBy: '§9.6, §4.2.3',
  caughtBy: ['leader-stability'],
  seedsMax: 300,
  variation: () => ({
    rules: { insideLease: (request, voter) => !request.pre && raftRules.insideLease(request, voter) },
  }),
};
