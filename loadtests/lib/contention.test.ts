import { describe, expect, test } from '@jest/globals';
import { Contention, sharedEntries } from './contention.ts';
import { Random } from './random.ts';
import { equalWrites, Workload } from './workload.ts';

/** What one user does in 10,000 operations, as words. */
function play(shared: number, readShare: number): string[] {
  const done: string[] = [];
  const random = new Random(1, 1);
  const workload = new Workload('u', random, equalWrites(readShare));
  const contention = new Contention(
    {
      ...{ random, workload },
      perform: (step, node) => {
        done.push(`own ${step.kind} ${node}`);
        if (step.kind === 'create') workload.acknowledged({ id: step.key, key: step.key, value: step.value, node });
        if (step.kind === 'delete') workload.forget(step.entry);
      },
      readShared: (id, node) => done.push(`shared read ${node} ${id}`),
      updateShared: (id, value, node) => done.push(`shared update ${node} ${id} ${value}`),
    },
    { shared, readShare, nodes: 3 },
  );
  for (let index = 0; index < 10_000; index += 1) contention.perform(['a', 'b']);
  return done;
}
const share = (done: string[], pattern: RegExp) => done.filter((each) => pattern.test(each)).length / done.length;

describe('Contention', () => {
  test('goes to shared entries as often as told, at every node, and reads the share of them that was told', () => {
    const done = play(0.6, 0.3);
    expect(share(done, /^shared/)).toBeCloseTo(0.6, 1);
    expect(share(done, /^shared read/)).toBeCloseTo(0.6 * 0.3, 1);
    for (const node of [0, 1, 2]) expect(share(done, new RegExp(`^\\w+ \\w+ ${node}`))).toBeCloseTo(1 / 3, 1);
    for (const id of ['a', 'b']) expect(share(done, new RegExp(`^shared \\w+ \\d ${id}`))).toBeCloseTo(0.3, 1);
  });

  test('never writes one value twice', () => {
    const values = play(1, 0).map((each) => each.split(' ').at(-1));
    expect(new Set(values).size).toBe(values.length);
  });

  test('all four kinds of operation occur on own entries', () => {
    const done = play(0, 0.25);
    for (const kind of ['create', 'update', 'read', 'delete'])
      expect(share(done, new RegExp(kind))).toBeGreaterThan(0.15);
  });
});

test.each([
  [undefined, 8],
  [10, 4],
  [50, 13],
  [1000, 32],
])('%p users share %d entries', (concurrency, entries) => {
  const closed = concurrency === undefined ? {} : { closed: { count: 1000, concurrency } };
  expect(sharedEntries(closed)).toBe(entries);
});
