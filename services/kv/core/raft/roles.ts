import type { NodeId, Term } from './types.ts';

/** Why a leader gives up. */
export type StepDownReason = 'quorumLost' | 'higherTerm' | 'transferred' | 'removed';

/** The changes of role (thesis, Figure 3.3) that the parts of the core ask for; `Raft` carries them out. */
export interface Roles {
  /**
   * @param leader who leads `term`, or null when that is not known
   * @param reason of a leader that steps down; `higherTerm` unless told otherwise
   */
  becomeFollower(term: Term, leader: NodeId | null, reason?: StepDownReason): void;
  becomeLeader(): void;
}
