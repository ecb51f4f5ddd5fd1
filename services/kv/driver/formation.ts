import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from '../../../kit/errors.ts';
import { clientAddress, type InitialMember, type MemberAddress } from '../addresses.ts';
import { nextNodeId } from '../core/raft/membership.ts';
import type { Membership, NodeId } from '../core/raft/types.ts';
import { CallError } from '../transport/call.ts';
import type { Transport } from '../transport/transport.ts';
import { formatMember, type MemberRecord, parseMember } from './members.ts';

/** Addresses with instances by node id, as `Membership.addresses`. */
export type FirstMembers = Readonly<Record<NodeId, string>>;

/** What a node says of itself to one that forms a cluster with it: call `hello`. */
export interface Hello {
  readonly node_id: NodeId;
  /** `HOST:PORT/PEERPORT#INSTANCE`. */
  readonly self: string;
  /** Ids of the members that the node was started with, ascending; null when it joins or has joined. */
  readonly expected: readonly NodeId[] | null;
  /** The members in force at a node that belongs to a cluster already; null before. */
  readonly members: FirstMembers | null;
  /** Ids of those who were members of that cluster and were removed. */
  readonly retired: readonly NodeId[];
  /** The first members, at a node that is one of them and has begun; Raft's configuration before any change. */
  readonly founders: FirstMembers | null;
}

/** What a node's Raft begins with. */
export interface Formed {
  readonly members: FirstMembers;
  /** The node must learn from the log who votes. */
  readonly joined: boolean;
}

/** The node must not start; the message says why and what to do. */
export class FormationError extends Error {
  override name = 'FormationError';
  readonly code = 'FORMATION';
}

const RETRY_MS = 200;
const CALL_MS = 2000;

export interface FormationOptions {
  readonly transport: Pick<Transport, 'call'>;
  readonly self: MemberRecord;
  readonly nodeId: NodeId;
  readonly signal: AbortSignal;
  /** Told of what is being waited for. */
  readonly onWaiting: (reason: string) => void;
}

/**
 * Agrees with all first members on who they are, before anyone votes: each gives its instance, and only when all have answered is the
 * list complete. A node whose id is known under another instance has lost its data and must not come back under that id, because it may
 * have voted, or acknowledged entries, that it does not remember.
 * @returns the list, to be stored durably before Raft starts; the same one when the others have begun already
 * @throws FormationError
 */
export async function formCluster(members: readonly InitialMember[], options: FormationOptions): Promise<Formed> {
  const agreed: Record<NodeId, string> = { [options.nodeId]: formatMember(options.self) };
  const missing = new Map(members.filter(({ id }) => id !== options.nodeId).map((member) => [member.id, member]));
  const expected = members.map(({ id }) => id);
  while (missing.size > 0) {
    for (const member of [...missing.values()]) {
      const hello = await sayHello(member, options);
      if (hello === null) continue;
      if (hello.members !== null) return adopt(hello.members, hello, options);
      if (hello.expected?.join() !== expected.join()) throw new FormationError(differentMembers(hello, expected));
      agreed[member.id] = hello.self;
      missing.delete(member.id);
    }
    if (missing.size === 0) break;
    const names = [...missing.values()].map((member) => `node ${member.id} (${clientAddress(member)})`).join(', ');
    options.onWaiting(`waiting for ${names} to found the cluster together`);
    await delay(RETRY_MS, undefined, { signal: options.signal });
  }
  return { members: agreed, joined: false };
}

/** @returns null when it cannot answer yet. @throws FormationError when it never will: it speaks another version of the protocol */
async function sayHello(member: InitialMember, { transport, signal }: FormationOptions): Promise<Hello | null> {
  signal.throwIfAborted();
  try {
    return (await transport.call({ node: member.id, ...member }, 'hello', {}, CALL_MS)) as Hello;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.body?.code === 'CONFLICT') throw new FormationError(error.message);
    // Not there yet, or there and not able to answer: it is asked again.
    return null;
  }
}

/**
 * The cluster exists already: it must know this node, in this life. Raft begins with the founders, as at the others, and never with
 * whoever is a member by now: among those may be learners, and a majority that counts them need not meet a majority of the voters. A
 * node that is no founder does not know them, but then the log has a change of members in it, which says who votes.
 */
function adopt(members: FirstMembers, { founders, retired }: Hello, { nodeId, self }: FormationOptions): Formed {
  const known = members[nodeId];
  if (known === undefined)
    throw new FormationError(`node ${nodeId} is no member of this cluster any more: ${rejoin(members, retired, self)}`);
  if (parseMember(known).instanceId === self.instanceId)
    return founders === null ? { members, joined: true } : { members: founders, joined: false };
  throw new FormationError(
    `node ${nodeId} lost its data: the cluster knows it with another instance than that of its empty directory, and what it voted and ` +
      `acknowledged is gone. It must not take part under this id: ${rejoin(members, retired, self)}`,
  );
}

export function rejoin(members: FirstMembers, retired: readonly NodeId[], self: MemberAddress): string {
  const others = Object.values(members)
    .map(parseMember)
    .filter(({ host, port }) => host !== self.host || port !== self.port);
  const ports = others.map((it) => (it.host === self.host ? String(it.port) : `${it.host}:${it.port}/${it.peerPort}`));
  const next = nextNodeId({ addresses: members, retired });
  return `rejoin under a new id: stress_node --node-id ${next} --port ${self.port} --join ${ports.join(',')}`;
}

function differentMembers(hello: Hello, expected: readonly NodeId[]): string {
  const theirs = hello.expected === null ? 'to join a cluster' : `with nodes ${hello.expected.join(', ')}`;
  return `node ${hello.node_id} was started ${theirs}, this one with nodes ${expected.join(', ')}: give all the same --peers`;
}

/** The leader's answer to the call `join`. */
export interface JoinAnswer {
  readonly state: 'learner' | 'voter';
  readonly members: FirstMembers;
}

/**
 * Asks the members, one after the other and wherever they point to, to be taken in. Called again and again until the answer says
 * `voter`: each call moves the node one step on, whoever leads by then.
 * @returns null when nobody could take it in just now
 * @throws FormationError when it never will be
 */
export async function askToJoin(
  places: readonly MemberAddress[],
  options: FormationOptions,
): Promise<JoinAnswer | null> {
  const body = { node_id: options.nodeId, self: formatMember(options.self) };
  const asked = new Set<string>();
  const queue = [...places];
  for (let place = queue.shift(); place !== undefined; place = queue.shift()) {
    const name = clientAddress(place);
    if (asked.has(name)) continue;
    asked.add(name);
    options.signal.throwIfAborted();
    try {
      return (await options.transport.call({ node: null, ...place }, 'join', body, CALL_MS)) as JoinAnswer;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (error.body?.code === 'CONFLICT') throw new FormationError(error.message);
      const leader = (error.body?.details as { leader?: string } | undefined)?.leader;
      if (typeof leader === 'string') queue.unshift(parseMember(leader));
      options.onWaiting(`waiting to be taken in: ${error.message}`);
    }
  }
  return null;
}

/** What `join` is refused with when the id is that of a member that came with another directory. */
export function joinConflict(nodeId: NodeId, membership: Membership, self: MemberAddress): ServiceError {
  return new ServiceError(
    'CONFLICT',
    `node id ${nodeId} has been used in this cluster before, and ids are never used twice: join under a new one: ` +
      joinCommand(membership, self),
  );
}

/** What `join` is refused with when the id is that of one who was removed. */
export function joinRetired(nodeId: NodeId, membership: Membership, self: MemberAddress): ServiceError {
  return new ServiceError('CONFLICT', `${idRetired(nodeId, membership)}: ${joinCommand(membership, self)}`);
}

export function idRetired(nodeId: NodeId, { addresses, retired }: Membership): string {
  return (
    `node ${nodeId} was a member and has been removed; its id cannot be used again: choose one that is in no list: ` +
    `members ${Object.keys(addresses).join(', ')}; removed ${retired.join(', ')}`
  );
}

function joinCommand(membership: Membership, self: MemberAddress): string {
  return `stress_node --node-id ${nextNodeId(membership)} --port ${self.port} --join <ports of members>`;
}

/** Checks the body of `join`. */
export function parseJoin(body: unknown): { nodeId: NodeId; self: string; record: MemberRecord } {
  const { node_id, self } = (body ?? {}) as { node_id?: unknown; self?: unknown };
  if (
    typeof node_id !== 'number' ||
    !Number.isSafeInteger(node_id) ||
    node_id < 0 ||
    typeof self !== 'string' ||
    self.length > 300
  ) {
    throw new ServiceError('VALIDATION', 'join: requires node_id and self');
  }
  try {
    return { nodeId: node_id, self, record: parseMember(self) };
  } catch (error) {
    throw new ServiceError('VALIDATION', `join: ${(error as Error).message}`);
  }
}
