import { formatEntry, formatMessage } from '../../services/kv/core/raft/testing/format.ts';
import type { Entry, Message } from '../../services/kv/core/raft/types.ts';
import { decodeCommand } from '../../services/kv/core/store/command.ts';
import type { MessageFormat } from '../run.ts';

/** What a message takes on the wire beside its data, about. */
const HEAD_BYTES = 48;

const TYPES: Readonly<Record<Message['type'], number>> = {
  requestVote: 1,
  vote: 2,
  append: 3,
  appended: 4,
  heartbeat: 5,
  heartbeatAck: 6,
  installSnapshot: 7,
  snapshotAck: 8,
  timeoutNow: 9,
  forwardProposals: 10,
  proposalsRefused: 11,
  forwardReads: 12,
  readsConfirmed: 13,
  readsRefused: 14,
};

export const raftMessages: MessageFormat<Message> = {
  bytesOf(message) {
    let bytes = HEAD_BYTES;
    if (message.type === 'append') for (const { data } of message.entries) bytes += HEAD_BYTES / 4 + data.length;
    else if (message.type === 'forwardProposals') for (const { data } of message.proposals) bytes += data.length;
    else if (message.type === 'installSnapshot') bytes += message.data.length;
    return bytes;
  },

  digest(message) {
    const head = (TYPES[message.type] << 24) ^ (message.from << 16) ^ message.term;
    return Math.imul(head, 0x85ebca6b) ^ body(message);
  },

  describe(message) {
    if (message.type !== 'append') return formatMessage(message);
    const { from, to, term, prevLogIndex, prevLogTerm, entries, leaderCommit } = message;
    const what = entries.map(describeEntry).join(', ') || 'nothing';
    return `${from}→${to} append, term ${term}, after ${prevLogIndex}@${prevLogTerm}: ${what}, commit ${leaderCommit}`;
  },
};

/** `7@3 update r2 "v9"`: the entry at index 7 of term 3, and its command. */
function describeEntry(entry: Entry): string {
  if (entry.kind !== 'command') return formatEntry(entry);
  const command = decodeCommand(entry.data);
  const value = command.type === 'delete' ? '' : ` "${command.value}"`;
  return `${entry.index}@${entry.term} ${command.type} r${registerOf(command.id)}${value}`;
}

/** The id of the entry that serves as a register: a UUID, as the store wants it. */
export function idOf(register: number): string {
  return `00000000-0000-4000-8000-${register.toString(16).padStart(12, '0')}`;
}

function registerOf(id: string): number {
  return Number.parseInt(id.slice(-12), 16);
}

function body(message: Message): number {
  switch (message.type) {
    case 'append':
      return (message.prevLogIndex << 8) ^ (message.entries.length << 4) ^ message.leaderCommit;
    case 'appended':
      return (message.matchIndex << 1) ^ Number(message.success);
    case 'heartbeat':
      return (message.leaderCommit << 8) ^ message.readRound;
    case 'heartbeatAck':
      return message.readRound;
    case 'requestVote':
      return (message.lastLogIndex << 1) ^ Number(message.pre);
    case 'vote':
      return (Number(message.granted) << 1) ^ Number(message.pre);
    case 'installSnapshot':
      return (message.snapshot.index << 12) ^ message.offset;
    case 'snapshotAck':
      return (message.index << 12) ^ message.offset;
    case 'forwardProposals':
      return message.sequence;
    default:
      return 0;
  }
}
