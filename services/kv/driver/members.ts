import { clientAddress, formatAddress, type MemberAddress, parseAddress } from '../addresses.ts';
import type { Member } from '../api.ts';
import type { Membership, NodeId } from '../core/raft/types.ts';
import type { PeerPlace } from '../transport/peer-stream.ts';

/**
 * What Raft's membership carries for a member: `HOST:PORT/PEERPORT#INSTANCE`. The instance is the id that the member's data directory
 * was given when it was empty; a member that comes with another one has lost its data.
 */
export interface MemberRecord extends MemberAddress {
  readonly instanceId: string;
}

export function formatMember(record: MemberRecord): string {
  return `${formatAddress(record)}#${record.instanceId}`;
}

/** @throws AddressError */
export function parseMember(text: string): MemberRecord {
  const [address = '', instanceId = ''] = text.split('#');
  const { host, port, peerPort } = parseAddress(address, '127.0.0.1');
  return { host, port, peerPort, instanceId };
}

/** All members, voters of an outgoing configuration included, by id. */
export function memberRecords(membership: Membership): Map<NodeId, MemberRecord> {
  const records = new Map<NodeId, MemberRecord>();
  for (const [id, text] of Object.entries(membership.addresses)) records.set(Number(id), parseMember(text));
  return records;
}

export function isLearner(membership: Membership, node: NodeId): boolean {
  return membership.learners.includes(node);
}

/** For answers: ascending by id. */
export function describeMembers(membership: Membership): Member[] {
  return [...memberRecords(membership)]
    .sort(([a], [b]) => a - b)
    .map(([node_id, record]) => ({
      node_id,
      address: clientAddress(record),
      url: `http://${clientAddress(record)}`,
      kind: isLearner(membership, node_id) ? 'learner' : 'voter',
    }));
}

/**
 * Whom to connect to. An address given on this node's command line wins over the one in the log, so that members can move.
 * @param given by id
 */
export function peerPlaces(
  membership: Membership,
  self: NodeId,
  given: ReadonlyMap<NodeId, MemberAddress>,
): PeerPlace[] {
  const places: PeerPlace[] = [];
  for (const [node, record] of memberRecords(membership)) {
    if (node === self) continue;
    const { host, peerPort } = given.get(node) ?? record;
    places.push({ node, host, peerPort });
  }
  return places;
}
