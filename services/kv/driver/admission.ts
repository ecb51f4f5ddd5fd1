import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../../kit/logger.ts';
import type { KvConfig } from '../config.ts';
import type { Membership, NodeId } from '../core/raft/types.ts';
import type { Identity } from '../storage/identity.ts';
import type { Transport } from '../transport/transport.ts';
import { askToJoin, type FirstMembers, type FormationOptions, formCluster } from './formation.ts';
import { type MemberRecord, parseMember } from './members.ts';

export interface AdmissionParts {
  readonly config: Pick<KvConfig, 'members' | 'join'>;
  readonly identity: Identity;
  readonly self: MemberRecord;
  readonly transport: Pick<Transport, 'call'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Makes the members durable and starts Raft with them. */
  readonly begin: (members: FirstMembers, joined: boolean) => Promise<void>;
  /** Whether the configuration in force has this node as a voter. */
  readonly isVoter: () => boolean;
}

const JOIN_RETRY_MS = 500;

/** Brings this node into a cluster: by founding one, by asking an existing one, or because it belongs to one already. */
export class Admission {
  readonly #parts: AdmissionParts;
  #reason = 'starting';

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
  }

  /** What the node is waiting for. */
  get reason(): string {
    return this.#reason;
  }

  /** Resolves when this node is a member that votes, or was one before. @throws FormationError, AbortError */
  async enter(): Promise<void> {
    const { identity, config, begin } = this.#parts;
    if (identity.members !== null) {
      this.#warnOfIgnoredPeers(Object.keys(identity.members).map(Number));
      await begin(identity.members, identity.joined);
      if (identity.joined) await this.#becomeVoter(Object.values(identity.members).map(parseMember));
    } else if (config.join !== null) {
      await this.#becomeVoter(config.join);
    } else {
      const { members, joined } = await formCluster(config.members ?? [], this.#options());
      await begin(members, joined);
    }
  }

  /** Who the members are is in the log by now. */
  #warnOfIgnoredPeers(known: readonly NodeId[]): void {
    const { config, logger, identity } = this.#parts;
    const given = (config.members ?? []).map(({ id }) => id);
    // This node alone is what the configuration says when nothing was given.
    if (given.every((id) => id === identity.nodeId) || given.every((id) => known.includes(id))) return;
    const strangers = given.filter((id) => !known.includes(id));
    logger.warn(
      { given, known },
      `--peers is ignored where it names other members (${strangers.join(', ')}) than the data directory, which says who they are: ` +
        'members come by --join and go by PATCH /_raft/members; for a new cluster give an empty --data-dir',
    );
  }

  /** Each call to the leader moves this node one step on: learner, caught up, voter. */
  async #becomeVoter(places: Parameters<typeof askToJoin>[0]): Promise<void> {
    const { identity, begin, isVoter, signal } = this.#parts;
    let begun = identity.members !== null;
    while (!(begun && isVoter())) {
      const answer = await askToJoin(places, this.#options());
      if (answer !== null && !begun) {
        await begin(answer.members, true);
        begun = true;
      }
      if (answer?.state === 'voter') return;
      await delay(JOIN_RETRY_MS, undefined, { signal });
    }
  }

  #options(): FormationOptions {
    const { transport, self, identity, signal, logger } = this.#parts;
    const onWaiting = (reason: string) => {
      if (reason !== this.#reason) logger.info(reason);
      this.#reason = reason;
    };
    return { transport, self, nodeId: identity.nodeId, signal, onWaiting };
  }
}

/** The configuration that Raft starts from: all first members vote; one that joins learns until the log says otherwise. */
export function firstMembership(members: FirstMembers, self: NodeId, joined: boolean): Membership {
  const ids = Object.keys(members)
    .map(Number)
    .sort((a, b) => a - b);
  const voters = joined ? ids.filter((id) => id !== self) : ids;
  return { voters, votersOutgoing: [], learners: joined ? [self] : [], retired: [], addresses: members };
}
