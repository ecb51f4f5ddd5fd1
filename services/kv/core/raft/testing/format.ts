import { decodeMembership } from '../membership.ts';
import type { Entry, Input, Membership, Message, Output, Persist, RaftEvent, RaftStatus } from '../types.ts';

const text = new TextDecoder();

/** `5@2 "x"`: the entry at index 5 with term 2, and what it holds. */
export function formatEntry(entry: Entry): string {
  const place = `${entry.index}@${entry.term}`;
  if (entry.kind === 'noop') return `${place} noop`;
  return entry.kind === 'command'
    ? `${place} "${text.decode(entry.data)}"`
    : `${place} members ${formatMembership(decodeMembership(entry.data))}`;
}

/** `1 2 3`, and while joint `4 2 3 + outgoing 1 2 3`. */
export function formatMembership({ voters, votersOutgoing, learners, retired }: Membership): string {
  const outgoing = votersOutgoing.length > 0 ? ` + outgoing ${votersOutgoing.join(' ')}` : '';
  const others = learners.length > 0 ? `, learners ${learners.join(' ')}` : '';
  return `[${voters.join(' ')}${outgoing}${others}${retired.length > 0 ? `, retired ${retired.join(' ')}` : ''}]`;
}

export function formatMessage(message: Message): string {
  return `${message.from}→${message.to} ${message.type}, term ${message.term}${formatBody(message)}`;
}

function formatBody(message: Message): string {
  switch (message.type) {
    case 'requestVote':
      return `${message.pre ? ', pre' : ''}${message.transfer ? ', transfer' : ''}, log ends ${message.lastLogIndex}@${message.lastLogTerm}`;
    case 'vote':
      return `${message.pre ? ', pre' : ''}, ${message.granted ? 'granted' : 'refused'}`;
    case 'append':
      return `, after ${message.prevLogIndex}@${message.prevLogTerm}: ${formatEntries(message.entries)}, commit ${message.leaderCommit}`;
    case 'appended':
      return message.success
        ? `, match ${message.matchIndex}`
        : `, refused after ${message.rejectedIndex}, try ${message.matchIndex}@${message.hintTerm}`;
    case 'heartbeat':
      return `, commit ${message.leaderCommit}${message.readRound > 0 ? `, read round ${message.readRound}` : ''}`;
    case 'heartbeatAck':
      return message.readRound > 0 ? `, read round ${message.readRound}` : '';
    case 'installSnapshot':
      return `, snapshot ${message.snapshot.index}@${message.snapshot.term}, bytes ${message.offset}…${message.offset + message.data.length} of ${message.snapshot.size}${message.done ? ', done' : ''}`;
    case 'snapshotAck':
      return `, snapshot ${message.index}, ${message.installed ? 'installed' : `has ${message.offset} bytes`}`;
    case 'forwardProposals':
      return `: ${message.proposals.map(({ id }) => id).join(' ')}`;
    case 'proposalsRefused':
    case 'readsRefused':
      return `: ${message.ids.join(' ')} (${message.reason})`;
    case 'forwardReads':
      return `: ${message.ids.join(' ')}`;
    case 'readsConfirmed':
      return `: ${message.ids.join(' ')} at ${message.index}`;
    default:
      return '';
  }
}

function formatEntries(entries: readonly Entry[]): string {
  return entries.length === 0 ? 'nothing' : entries.map(formatEntry).join(', ');
}

export function formatInput(input: Input): string {
  switch (input.type) {
    case 'message':
      return `receives ${formatMessage(input.message)}`;
    case 'tick':
      return 'ticks';
    case 'persisted':
      return `learns that write #${input.number} is durable`;
    case 'propose':
      return `proposes ${input.proposals.map(({ id }) => id).join(' ')}`;
    case 'read':
      return `reads ${input.ids.join(' ')}`;
    case 'snapshotChunk':
      return `has read snapshot ${input.index}, ${input.data.length} bytes at ${input.offset}`;
    case 'snapshotStored':
      return `has stored snapshot ${input.snapshot.index}@${input.snapshot.term}`;
    default:
      return `is told: ${Object.values(input)
        .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
        .join(' ')}`;
  }
}

/** One line for each thing that the step put out. */
export function formatOutput(output: Output): string[] {
  return [
    ...output.events.map((event) => `event   ${formatEvent(event)}`),
    ...output.messages.map((message) => `send    ${formatMessage(message)}`),
    ...(output.persist === null ? [] : formatPersist(output.persist)),
    ...(output.restore === null ? [] : [`restore snapshot ${output.restore.index}@${output.restore.term}`]),
    ...(output.committed.length > 0 ? [`commit  ${formatEntries(output.committed)}`] : []),
    ...output.accepted.map(({ id, index, term }) => `accept  ${id} as ${index}@${term}`),
    ...output.refused.map(
      ({ id, reason, leader }) => `refuse  ${id}: ${reason}${leader === null ? '' : `, leader is ${leader}`}`,
    ),
    ...output.reads.map(({ id, index }) => `read    ${id} at ${index}`),
    ...output.snapshotReads.map(
      ({ index, offset, length }) => `fetch   snapshot ${index}, ${length} bytes at ${offset}`,
    ),
  ];
}

function formatPersist({ number, hardState, entries, snapshotWrite, thenSend }: Persist): string[] {
  const what: string[] = [];
  if (hardState !== null)
    what.push(`term ${hardState.term}, vote ${hardState.vote ?? 'none'}, commit ${hardState.commit}`);
  if (entries.length > 0) what.push(formatEntries(entries));
  if (snapshotWrite !== null) {
    const { snapshot, offset, data, done } = snapshotWrite;
    what.push(`snapshot ${snapshot.index}@${snapshot.term}, ${data.length} bytes at ${offset}${done ? ', done' : ''}`);
  }
  return [
    `write   #${number} ${what.length > 0 ? what.join('; ') : 'nothing, but wait for what is before'}`,
    ...thenSend.map((message) => `  then  ${formatMessage(message)}`),
  ];
}

function formatEvent(event: RaftEvent): string {
  const { type, ...rest } = event;
  const fields = Object.entries(rest).map(([name, value]) =>
    name === 'membership' ? formatMembership(value as unknown as Membership) : `${name} ${value}`,
  );
  return [type, ...fields].join(', ');
}

export function formatStatus(status: RaftStatus): string[] {
  const { id, role, term, leader, commitIndex, appliedIndex, durableIndex, firstIndex, lastIndex, lastTerm } = status;
  return [
    `${id} ${role}, term ${term}, leader ${leader ?? 'none'}, log ${firstIndex}…${lastIndex}@${lastTerm}, durable ${durableIndex}, commit ${commitIndex}, applied ${appliedIndex}, members ${formatMembership(status.membership)}`,
    ...status.progress.map(
      (follower) =>
        `    ${follower.node} ${follower.state}, match ${follower.matchIndex}, next ${follower.nextIndex}, in flight ${follower.inflight}${follower.active ? '' : ', silent'}${follower.learner ? ', learner' : ''}`,
    ),
  ];
}
