import { type ErrorCode, ServiceError } from '../../../kit/errors.ts';
import type { RequestOptions } from '../api.ts';
import type { MembershipChange, NodeId } from '../core/raft/types.ts';
import { CallError } from '../transport/call.ts';
import type { Transport } from '../transport/transport.ts';
import type { Conditions } from './conditions.ts';
import type { LeaderDuties } from './leader-duties.ts';
import type { Member } from './member.ts';
import { memberRecords } from './members.ts';

/** What a node asks its leader for: names and arguments of the calls `leader/<name>`, results of `LeaderDuties`. */
export interface LeaderRequests {
  'sync-status': { readonly arguments: Record<string, never>; readonly result: ReturnType<LeaderDuties['syncStatus']> };
  'force-resync': {
    readonly arguments: { readonly target: string };
    readonly result: Awaited<ReturnType<LeaderDuties['forceResync']>>;
  };
  'transfer-leadership': {
    readonly arguments: { readonly to: NodeId | null };
    readonly result: Awaited<ReturnType<LeaderDuties['transferLeadership']>>;
  };
  'change-membership': {
    readonly arguments: { readonly change: MembershipChange };
    readonly result: Awaited<ReturnType<LeaderDuties['changeMembership']>>;
  };
}

/** Those that do no harm when they are done twice. */
const REPEATABLE: ReadonlySet<keyof LeaderRequests> = new Set(['sync-status', 'force-resync']);

export interface LeaderCallsParts {
  readonly nodeId: NodeId;
  readonly member: () => Member | null;
  readonly duties: () => LeaderDuties | null;
  readonly transport: Pick<Transport, 'call'>;
  readonly conditions: Conditions;
  readonly now: () => number;
}

/** Brings requests to the leader, wherever it is. */
export class LeaderCalls {
  readonly #parts: LeaderCallsParts;

  constructor(parts: LeaderCallsParts) {
    this.#parts = parts;
  }

  /** @throws ServiceError NO_QUORUM when no leader is found by the deadline, and those of `LeaderDuties` */
  async ask<N extends keyof LeaderRequests>(
    name: N,
    args: LeaderRequests[N]['arguments'],
    options: RequestOptions,
  ): Promise<LeaderRequests[N]['result']> {
    const { conditions, member, now } = this.#parts;
    for (;;) {
      await conditions.until(() => (member()?.leader ?? null) !== null, options.deadlineMs, noLeader);
      try {
        return await this.#once(name, args, options.deadlineMs);
      } catch (error) {
        if (!(error instanceof CallError)) throw error;
        const again = error.body?.code === 'MISDIRECTED' || (error.status === null && REPEATABLE.has(name));
        if (!again || now() >= options.deadlineMs) throw asServiceError(error);
        await conditions.until(waitOneTick(), options.deadlineMs, noLeader);
      }
    }
  }

  /** Does what another node asks of this one, which it takes for the leader. */
  async answer(name: string, body: unknown): Promise<unknown> {
    const { args, timeout_ms } = (body ?? {}) as { args?: unknown; timeout_ms?: unknown };
    if (typeof args !== 'object' || args === null || typeof timeout_ms !== 'number') {
      throw new ServiceError('VALIDATION', `${name}: requires args and timeout_ms`);
    }
    const deadlineMs = this.#parts.now() + Math.min(30_000, Math.max(0, timeout_ms));
    return this.#atThisNode(name as keyof LeaderRequests, args as never, deadlineMs);
  }

  async #once<N extends keyof LeaderRequests>(name: N, args: LeaderRequests[N]['arguments'], deadlineMs: number) {
    const { nodeId, member, transport, now } = this.#parts;
    const leader = member()!.leader!;
    if (leader === nodeId) return this.#atThisNode(name, args, deadlineMs);
    const record = memberRecords(member()!.membership).get(leader);
    if (record === undefined) throw noLeader();
    const timeoutMs = Math.max(1, deadlineMs - now());
    const { host, peerPort } = record;
    const body = { args, timeout_ms: timeoutMs };
    return (await transport.call(
      { node: leader, host, peerPort },
      `leader/${name}`,
      body,
      timeoutMs,
    )) as LeaderRequests[N]['result'];
  }

  async #atThisNode<N extends keyof LeaderRequests>(
    name: N,
    args: LeaderRequests[N]['arguments'],
    deadlineMs: number,
  ): Promise<LeaderRequests[N]['result']> {
    const duties = this.leaderDuties();
    const given = args as { target: string; to: NodeId | null; change: MembershipChange };
    switch (name) {
      case 'sync-status':
        return duties.syncStatus();
      case 'force-resync':
        return duties.forceResync(given.target);
      case 'transfer-leadership':
        return duties.transferLeadership(given.to, deadlineMs);
      case 'change-membership':
        return duties.changeMembership(given.change, deadlineMs);
      default:
        throw new ServiceError('NOT_FOUND', `a leader is not asked for ${name}`);
    }
  }

  /** @throws ServiceError MISDIRECTED, naming the leader if one is known, when this node does not lead */
  leaderDuties(): LeaderDuties {
    const { member, duties, nodeId } = this.#parts;
    const current = member();
    const available = duties();
    if (current !== null && available !== null && current.leader === nodeId) return available;
    const leader = current?.leader ?? null;
    const address = leader === null ? undefined : current?.membership.addresses[leader];
    const message = leader === null ? 'no leader is known here' : `node ${leader} leads, not this one`;
    throw new ServiceError('MISDIRECTED', message, address === undefined ? {} : { details: { leader: address } });
  }
}

function noLeader(): ServiceError {
  return new ServiceError('NO_QUORUM', 'no leader was found in time', { definite: true });
}

function waitOneTick(): () => boolean {
  let looks = 0;
  return () => ++looks > 1;
}

function asServiceError(error: CallError): ServiceError {
  const { body } = error;
  if (body?.code === undefined) {
    return new ServiceError('NO_QUORUM', `the leader could not be asked: ${error.message}`, {
      definite: false,
      cause: error,
    });
  }
  const { code, message = error.message, definite, details } = body;
  return new ServiceError(code as ErrorCode, message, {
    ...(definite === undefined ? {} : { definite }),
    ...(details === undefined ? {} : { details }),
  });
}
