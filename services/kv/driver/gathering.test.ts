import { expect, test } from '@jest/globals';
import type { Input, Output, Proposal } from '../core/raft/types.ts';
import { type Forwarded, Gathering } from './gathering.ts';

const MEBIBYTE = 1024 * 1024;

function proposal(id: string, bytes = 1): Proposal {
  return { id, data: new Uint8Array(bytes) };
}

function forwarded(sequence: number, ...proposals: Proposal[]): Forwarded {
  const addressed = { from: 1, to: 0, term: 1 };
  return { type: 'message', message: { type: 'forwardProposals', ...addressed, incarnation: 1, sequence, proposals } };
}

/** What a leader puts out when its log now ends at `index`. */
function appended(index: number): Output {
  const entries = [{ index, term: 1, kind: 'command' as const, data: new Uint8Array(1) }];
  return { persist: { entries } } as unknown as Output;
}

const PASSED_ON = { persist: null } as Output;

function idsOf(steps: readonly (readonly Input[])[]): string[][] {
  return steps.map((inputs) =>
    inputs.flatMap((input) => {
      if (input.type === 'propose') return input.proposals.map(({ id }) => id);
      const isMessage = input.type === 'message' && input.message.type === 'forwardProposals';
      return isMessage ? input.message.proposals.map(({ id }) => id) : [];
    }),
  );
}

test('what comes together is one step; what comes while it is not committed is the next one', () => {
  const gathering = new Gathering();
  gathering.propose(proposal('a'));
  gathering.forwarded(forwarded(1, proposal('f')));
  gathering.propose(proposal('b'));
  expect(idsOf(gathering.take())).toEqual([['f', 'a', 'b']]);
  gathering.taken(appended(7));
  gathering.propose(proposal('c'));
  gathering.committed(6);
  expect(gathering.take()).toEqual([]);
  gathering.committed(7);
  expect(idsOf(gathering.take())).toEqual([['c']]);
  expect(gathering.take()).toEqual([]);
});

test('a batch that is not committed within a tick is not waited for', () => {
  const gathering = new Gathering();
  gathering.taken(appended(7));
  gathering.propose(proposal('a'));
  expect(gathering.take()).toEqual([]);
  gathering.ticked();
  expect(idsOf(gathering.take())).toEqual([['a']]);
});

test('a node that does not lead passes on at once', () => {
  const gathering = new Gathering();
  gathering.propose(proposal('a'));
  gathering.take();
  gathering.taken(PASSED_ON);
  gathering.propose(proposal('b'));
  expect(idsOf(gathering.take())).toEqual([['b']]);
});

test('what Raft has not seen can be taken back', () => {
  const gathering = new Gathering();
  gathering.taken(appended(7));
  gathering.propose(proposal('a'));
  gathering.propose(proposal('b'));
  expect([gathering.withdraw('a'), gathering.withdraw('a')]).toEqual([true, false]);
  gathering.ticked();
  expect(idsOf(gathering.take())).toEqual([['b']]);
});

test('a large batch is taken in several steps, in order', () => {
  const gathering = new Gathering();
  gathering.forwarded(forwarded(1, proposal('f', MEBIBYTE / 2)));
  gathering.forwarded(forwarded(2, proposal('g', MEBIBYTE / 2)));
  for (const id of ['a', 'b', 'c']) gathering.propose(proposal(id, MEBIBYTE / 2));
  gathering.propose(proposal('huge', 3 * MEBIBYTE));
  expect(idsOf(gathering.take())).toEqual([['f', 'g'], ['a', 'b'], ['c'], ['huge']]);
});
