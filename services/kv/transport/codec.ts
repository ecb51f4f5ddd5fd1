import { type BinaryReader, type BinaryWriter, MalformedError } from '../binary.ts';
import type { Entry, EntryKind, Message, Proposal, RefusalReason } from '../core/raft/types.ts';
import { readSnapshotMeta, writeSnapshotMeta } from '../membership.ts';

/**
 * Raft messages as bytes, read without copying: a frame is nearly all entries, proposals or a chunk, so these are views of it.
 * Format: `type u8 | from | to | term | fields in the order of the type`, numbers as varints. One table row is one
 * message type, so that what is written and what is read stand side by side.
 */
type MessageType = Message['type'];
type Of<T extends MessageType> = Extract<Message, { type: T }>;
type Addressed = Pick<Message, 'from' | 'to' | 'term'>;

interface Format<T extends MessageType> {
  readonly tag: number;
  write(writer: BinaryWriter, message: Of<T>): void;
  read(reader: BinaryReader): Omit<Of<T>, keyof Addressed | 'type'>;
}

const KINDS: readonly EntryKind[] = ['noop', 'command', 'membership'];
const REASONS: readonly RefusalReason[] = ['noLeader', 'notLeader', 'overloaded', 'transferring', 'busy', 'invalid'];

const FORMATS: { readonly [T in MessageType]: Format<T> } = {
  requestVote: {
    tag: 1,
    write(w, m) {
      w.flag(m.pre);
      w.varint(m.lastLogIndex);
      w.varint(m.lastLogTerm);
      w.flag(m.transfer);
    },
    read: (r) => ({ pre: r.flag(), lastLogIndex: r.varint(), lastLogTerm: r.varint(), transfer: r.flag() }),
  },
  vote: {
    tag: 2,
    write(w, m) {
      w.flag(m.pre);
      w.flag(m.granted);
    },
    read: (r) => ({ pre: r.flag(), granted: r.flag() }),
  },
  append: {
    tag: 3,
    write(w, m) {
      w.varint(m.prevLogIndex);
      w.varint(m.prevLogTerm);
      w.varint(m.leaderCommit);
      writeEntries(w, m.entries);
    },
    read(r) {
      const prevLogIndex = r.varint();
      const prevLogTerm = r.varint();
      const leaderCommit = r.varint();
      return { prevLogIndex, prevLogTerm, leaderCommit, entries: readEntries(r, prevLogIndex + 1) };
    },
  },
  appended: {
    tag: 4,
    write(w, m) {
      w.flag(m.success);
      w.varint(m.matchIndex);
      w.varint(m.hintTerm);
      w.varint(m.rejectedIndex);
    },
    read: (r) => ({ success: r.flag(), matchIndex: r.varint(), hintTerm: r.varint(), rejectedIndex: r.varint() }),
  },
  heartbeat: {
    tag: 5,
    write(w, m) {
      w.varint(m.leaderCommit);
      w.varint(m.readRound);
    },
    read: (r) => ({ leaderCommit: r.varint(), readRound: r.varint() }),
  },
  heartbeatAck: { tag: 6, write: (w, m) => w.varint(m.readRound), read: (r) => ({ readRound: r.varint() }) },
  installSnapshot: {
    tag: 7,
    write(w, m) {
      writeSnapshotMeta(w, m.snapshot);
      w.varint(m.offset);
      w.flag(m.done);
      w.bytes(m.data);
    },
    read: (r) => ({ snapshot: readSnapshotMeta(r), offset: r.varint(), done: r.flag(), data: r.view() }),
  },
  snapshotAck: {
    tag: 8,
    write(w, m) {
      w.varint(m.index);
      w.varint(m.offset);
      w.flag(m.installed);
    },
    read: (r) => ({ index: r.varint(), offset: r.varint(), installed: r.flag() }),
  },
  timeoutNow: { tag: 9, write() {}, read: () => ({}) },
  forwardProposals: {
    tag: 10,
    write(w, m) {
      w.varint(m.incarnation);
      w.varint(m.sequence);
      writeProposals(w, m.proposals);
    },
    read: (r) => ({ incarnation: r.varint(), sequence: r.varint(), proposals: readProposals(r) }),
  },
  proposalsRefused: {
    tag: 11,
    write: writeRefusal,
    read: (r) => ({ reason: readReason(r), ids: readIds(r) }),
  },
  forwardReads: { tag: 12, write: (w, m) => writeIds(w, m.ids), read: (r) => ({ ids: readIds(r) }) },
  readsConfirmed: {
    tag: 13,
    write(w, m) {
      w.varint(m.index);
      writeIds(w, m.ids);
    },
    read: (r) => ({ index: r.varint(), ids: readIds(r) }),
  },
  readsRefused: {
    tag: 14,
    write: writeRefusal,
    read: (r) => ({ reason: readReason(r), ids: readIds(r) }),
  },
};

const TYPE_OF_TAG = new Map<number, MessageType>(
  (Object.keys(FORMATS) as MessageType[]).map((type) => [FORMATS[type].tag, type]),
);

export const MESSAGE_TYPES = Object.keys(FORMATS) as readonly MessageType[];

export function writeMessage(writer: BinaryWriter, message: Message): void {
  const format = FORMATS[message.type] as Format<MessageType>;
  writer.u8(format.tag);
  writer.varint(message.from);
  writer.varint(message.to);
  writer.varint(message.term);
  format.write(writer, message);
}

/** @throws MalformedError */
export function readMessage(reader: BinaryReader): Message {
  const tag = reader.u8();
  const type = TYPE_OF_TAG.get(tag);
  if (type === undefined) throw new MalformedError(`unknown type of message ${tag}`);
  const from = reader.varint();
  const to = reader.varint();
  const term = reader.varint();
  return { type, from, to, term, ...FORMATS[type].read(reader) } as Message;
}

function writeEntries(writer: BinaryWriter, entries: readonly Entry[]): void {
  writer.varint(entries.length);
  for (const entry of entries) {
    writer.varint(entry.term);
    writer.u8(KINDS.indexOf(entry.kind));
    writer.bytes(entry.data);
  }
}

function readEntries(reader: BinaryReader, first: number): Entry[] {
  const entries: Entry[] = [];
  const count = reader.count(3);
  for (let i = 0; i < count; i++) {
    const term = reader.varint();
    const kind = KINDS[reader.u8()];
    if (kind === undefined) throw new MalformedError('unknown kind of entry');
    entries.push({ index: first + i, term, kind, data: reader.view() });
  }
  return entries;
}

function writeProposals(writer: BinaryWriter, proposals: readonly Proposal[]): void {
  writer.varint(proposals.length);
  for (const { id, data } of proposals) {
    writer.text(id);
    writer.bytes(data);
  }
}

function readProposals(reader: BinaryReader): Proposal[] {
  return Array.from({ length: reader.count(2) }, () => ({ id: reader.text(), data: reader.view() }));
}

function writeIds(writer: BinaryWriter, ids: readonly string[]): void {
  writer.varint(ids.length);
  for (const id of ids) writer.text(id);
}

function readIds(reader: BinaryReader): string[] {
  return Array.from({ length: reader.count(1) }, () => reader.text());
}

function writeRefusal(writer: BinaryWriter, message: { reason: RefusalReason; ids: readonly string[] }): void {
  writer.u8(REASONS.indexOf(message.reason));
  writeIds(writer, message.ids);
}

function readReason(reader: BinaryReader): RefusalReason {
  const reason = REASONS[reader.u8()];
  if (reason === undefined) throw new MalformedError('unknown reason of a refusal');
  return reason;
}
