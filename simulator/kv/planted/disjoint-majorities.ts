import { leaveJoint } from '../../../services/kv/core/raft/membership.ts';
import { raftRules } from '../../../services/kv/core/raft/rules.ts';
import type { PlantedBug } from './types.ts';

/**
 * Several voters are exchanged in one step, without a joint configuration. While some nodes know the old voters and others the new ones,
 * each set has a majority of its own.
 * Forbidden by §4.1 (Figure 4.2) and §4.3 (joint consensus).
 */
export const disjointMajorities: PlantedBug = {
  name: 'disjoint-majorities',
  mistake: 'voters are exchanged at once, without a joint configuration',
  forbiddenBy: '§4.1, §4.3',
  caughtBy: ['election-safety', 'leader-completeness', 'durability', 'log-matching', 'state-machine-safety'],
  seedsMax: 300,
  variation: () => ({
    rules: {
      planChange: (current, change) => {
        const next = raftRules.planChange(current, change);
        return typeof next === 'string' || next.votersOutgoing.length === 0 ? next : leaveJoint(next);
      },
    },
  }),
};
