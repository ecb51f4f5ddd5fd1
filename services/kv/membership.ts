import type { BinaryReader, BinaryWriter } from './binary.ts';
import type { Membership, SnapshotMeta } from './core/raft/types.ts';

/** Binary form of a configuration, for snapshots and for the peers' messages. */
export function writeMembership(writer: BinaryWriter, membership: Membership): void {
  for (const ids of [membership.voters, membership.votersOutgoing, membership.learners, membership.retired]) {
    writer.varint(ids.length);
    for (const id of ids) writer.varint(id);
  }
  const addresses = Object.entries(membership.addresses);
  writer.varint(addresses.length);
  for (const [id, address] of addresses) {
    writer.varint(Number(id));
    writer.text(address);
  }
}

export function readMembership(reader: BinaryReader): Membership {
  const ids = () => Array.from({ length: reader.count(1) }, () => reader.varint());
  const voters = ids();
  const votersOutgoing = ids();
  const learners = ids();
  const retired = ids();
  const addresses: Record<number, string> = {};
  for (let left = reader.count(2); left > 0; left--) {
    const id = reader.varint();
    addresses[id] = reader.text();
  }
  return { voters, votersOutgoing, learners, retired, addresses };
}

export function writeSnapshotMeta(writer: BinaryWriter, meta: SnapshotMeta): void {
  writer.varint(meta.index);
  writer.varint(meta.term);
  writer.varint(meta.size);
  writeMembership(writer, meta.membership);
}

export function readSnapshotMeta(reader: BinaryReader): SnapshotMeta {
  const index = reader.varint();
  const term = reader.varint();
  const size = reader.varint();
  return { index, term, size, membership: readMembership(reader) };
}
