import { expect, test } from '@jest/globals';
import { Raft } from './raft.ts';
import { type Rules, raftRules } from './rules.ts';
import type { ClusterOptions, MakeCore } from './testing/cluster.ts';
import { RandomRun } from './testing/random-run.ts';
import type { Output } from './types.ts';

/** A rule of Raft replaced by a wrong one. */
const without = (broken: Partial<Rules>): ClusterOptions => ({ rules: { ...raftRules, ...broken } });

/** A driver that does something else than the core says. */
function driving(change: (output: Output) => Output): ClusterOptions {
  const make: MakeCore = (config, restored, random) => {
    const raft = new Raft(config, restored, random);
    return {
      step: (input) => change(raft.step(input)),
      status: () => raft.status(),
      snapshotMeta: (index, size) => raft.snapshotMeta(index, size),
    };
  };
  return { make };
}

/** How many seeds the random runs may need; a few times what they needed when this was written. */
test.each<[string, number, ClusterOptions]>([
  ['an append that arrives late shortens the log', 20, without({ firstNewEntry: () => 0 })],
  [
    'appends are taken where the logs differ',
    60,
    without({ logMatches: (append, log) => append.prevLogIndex <= log.lastIndex }),
  ],
  [
    'votes go to candidates that lack committed entries',
    20,
    without({ grantsVote: (_request, voter) => voter.vote === null }),
  ],
  [
    'a node votes twice in a term',
    60,
    without({ grantsVote: (request, voter) => request.lastLogIndex >= voter.log.lastIndex }),
  ],
  ['a snapshot replaces newer state', 60, without({ needsInstall: () => true })],
  [
    'the term is not written',
    3,
    driving((o) => (o.persist === null ? o : { ...o, persist: { ...o.persist, hardState: null } })),
  ],
  [
    'acknowledgements leave before their write',
    10,
    driving((o) =>
      o.persist === null
        ? o
        : { ...o, messages: [...o.messages, ...o.persist.thenSend], persist: { ...o.persist, thenSend: [] } },
    ),
  ],
])('the random runs notice when %s', (_, seeds, options) => {
  const found = Array.from({ length: seeds }, (__, i) => i + 1).some((seed) => {
    const run = new RandomRun(seed, options);
    try {
      run.steps(2000);
      return false;
    } catch {
      return true;
    }
  });
  expect(found).toBe(true);
});
