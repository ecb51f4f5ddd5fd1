import { expect, test } from '@jest/globals';
import type { Message } from '../core/raft/types.ts';
import { Outgoing } from './outgoing.ts';

const addressed = { from: 0, to: 1, term: 1 };

function heartbeat(readRound: number): Message {
  return { type: 'heartbeat', ...addressed, leaderCommit: 5, readRound };
}

function acknowledgement(readRound: number): Message {
  return { type: 'heartbeatAck', ...addressed, readRound };
}

const append: Message = {
  type: 'append',
  ...addressed,
  prevLogIndex: 5,
  prevLogTerm: 1,
  entries: [],
  leaderCommit: 5,
};

function take(outgoing: Outgoing, hurry = true): Message[] {
  return [...(outgoing.take(hurry).get(1) ?? [])];
}

test('an append takes the place of the heartbeat before it, which would only tell the commit index', () => {
  const outgoing = new Outgoing();
  outgoing.add(heartbeat(0));
  outgoing.add(append);
  expect(take(outgoing)).toEqual([append]);
});

test('a heartbeat that asks for a new read round stays, the same round again does not', () => {
  const outgoing = new Outgoing();
  outgoing.add(heartbeat(3));
  outgoing.add(append);
  expect(take(outgoing)).toEqual([heartbeat(3), append]);
  outgoing.add(heartbeat(3));
  outgoing.add(append);
  expect(take(outgoing)).toEqual([append]);
});

test('a round of another term is a new one, whatever its number', () => {
  const outgoing = new Outgoing();
  for (const message of [heartbeat(1), acknowledgement(1)]) {
    outgoing.add(message);
    take(outgoing);
    const later = { ...message, term: 2 };
    outgoing.add(later);
    outgoing.add({ ...append, term: 2 });
    expect(take(outgoing, false)[0]).toEqual(later);
  }
});

test('an answer that confirms no new round goes with the next frame, or when none is to be expected', () => {
  const outgoing = new Outgoing();
  outgoing.add(acknowledgement(0));
  expect(take(outgoing, false)).toEqual([]);
  outgoing.add(append);
  expect(take(outgoing, false)).toEqual([append, acknowledgement(0)]);
  outgoing.add(acknowledgement(0));
  expect(take(outgoing, true)).toEqual([acknowledgement(0)]);
});

test('an answer that confirms a new round leaves at once', () => {
  const outgoing = new Outgoing();
  outgoing.add(acknowledgement(2));
  expect(take(outgoing, false)).toEqual([acknowledgement(2)]);
});
