import type { IncomingMessage } from 'node:http';
import { ServiceError } from '../../../kit/errors.ts';
import type { Logger } from '../../../kit/logger.ts';
import type { Message, NodeId } from '../core/raft/types.ts';
import { countMessages, type KvMetrics } from '../metrics.ts';
import type { SnapshotStore } from '../storage/snapshots.ts';
import type { Frame, SenderState } from '../transport/frame.ts';
import { INSTANCE_HEADER, type TransportEvents } from '../transport/transport.ts';
import { type Hello, parseJoin } from './formation.ts';
import type { LeaderCalls } from './leader-calls.ts';
import type { Member } from './member.ts';
import { parseMember } from './members.ts';

export interface PeerDeskParts {
  readonly member: () => Member | null;
  readonly hello: () => Hello;
  readonly calls: () => LeaderCalls;
  readonly snapshots: SnapshotStore;
  readonly metrics: KvMetrics;
  readonly logger: Logger;
  readonly now: () => number;
}

const IDLE: SenderState = { durableIndex: 0, quorumDurableIndex: 0, storageFull: false, checkpoint: null };
/** A peer that is refused again and again is logged once in so long. */
const REFUSAL_LOG_MS = 10_000;
/** Longest time a membership change on behalf of a joining node may take. */
const JOIN_MS = 2000;

/** Receives what peers send and ask, before and after this node takes part in Raft. */
export class PeerDesk implements TransportEvents {
  readonly #parts: PeerDeskParts;
  readonly #refusals = new Map<string, number>();

  constructor(parts: PeerDeskParts) {
    this.#parts = parts;
  }

  /** A member must be the instance that the cluster knows; one that comes with another has lost its data. */
  connected(from: NodeId, headers: IncomingMessage['headers']): void {
    const member = this.#parts.member();
    if (member === null) throw new ServiceError('NO_QUORUM', 'this node is not a member of a cluster yet');
    const known = member.membership.addresses[from];
    const instanceId = known === undefined ? '' : parseMember(known).instanceId;
    if (instanceId !== '' && headers[INSTANCE_HEADER] !== instanceId) {
      throw new ServiceError('CONFLICT', `node ${from} lost its data and must rejoin under a new id`);
    }
  }

  frame(frame: Frame): void {
    this.#parts.member()?.receive(frame);
  }

  async call(name: string, body: unknown, from: NodeId): Promise<unknown> {
    if (name === 'hello') return this.#parts.hello();
    const calls = this.#parts.calls();
    if (name === 'join') {
      if (parseJoin(body).nodeId !== from)
        throw new ServiceError('UNAUTHORIZED', `node ${from} asks for another node`, { status: 403 });
      return calls.leaderDuties().join(body, this.#parts.now() + JOIN_MS);
    }
    if (name.startsWith('leader/')) return calls.answer(name.slice('leader/'.length), body);
    throw new ServiceError('NOT_FOUND', `there is no call ${name}`);
  }

  snapshot() {
    const { snapshots } = this.#parts;
    const { latest } = snapshots;
    if (latest === null) return null;
    return { index: latest.index, term: latest.term, size: latest.size, data: snapshots.blocks(latest) };
  }

  refused(address: string, reason: string): void {
    this.#warn({ address, reason }, 'a peer was refused');
  }

  /** The same thing again and again is said once in a while. */
  #warn(what: Readonly<Record<string, string | number | null>>, message: string): void {
    const now = this.#parts.now();
    const key = JSON.stringify(what);
    if (now - (this.#refusals.get(key) ?? Number.NEGATIVE_INFINITY) < REFUSAL_LOG_MS) return;
    if (this.#refusals.size > 1000) this.#refusals.clear();
    this.#refusals.set(key, now);
    this.#parts.logger.warn(what, message);
  }

  senderState(to: NodeId): SenderState {
    return this.#parts.member()?.senderState(to) ?? IDLE;
  }

  sent(_to: NodeId, messages: readonly Message[], bytes: number): void {
    countMessages(this.#parts.metrics.raft.messagesSent, messages);
    this.#parts.metrics.raft.messageBytesSent.inc(bytes);
  }

  peer(node: NodeId, open: boolean, reason: string | null): void {
    if (open) {
      this.#parts.logger.info({ peer: node }, 'connected to a peer');
      return;
    }
    this.#parts.member()?.unreachable(node);
    if (reason?.startsWith('it answered 4')) this.#warn({ peer: node, reason }, 'a peer refuses this node');
    else this.#parts.logger.debug({ peer: node, reason }, 'no connection to a peer');
  }
}
