import { describe, expect, test } from '@jest/globals';
import { Random } from './random.ts';
import type { Step } from './workload.ts';
import { Workload } from './workload.ts';

/** Plays the steps of one user against a store that always works. */
function play(workload: Workload, steps: number): Step[] {
  return Array.from({ length: steps }, (_, index) => {
    const step = workload.next();
    if (step.kind === 'create') workload.acknowledged({ id: `id-${index}`, key: step.key, value: step.value, node: 0 });
    if (step.kind === 'update') workload.acknowledged({ ...step.entry, value: step.value });
    if (step.kind === 'delete') workload.forget(step.entry);
    return step;
  });
}

describe('Workload', () => {
  test('begins with a create, since nothing else is its own', () => {
    expect(new Workload('u', new Random(1, 1)).next().kind).toBe('create');
  });

  test('half of the operations are reads, and all kinds occur', () => {
    const kinds = play(new Workload('u', new Random(1, 1)), 10_000).map(({ kind }) => kind);
    const share = (kind: Step['kind']) => kinds.filter((each) => each === kind).length / kinds.length;
    expect(share('read')).toBeCloseTo(0.5, 1);
    expect(share('update')).toBeCloseTo(0.2, 1);
    // In the long run as many entries go as come.
    expect(share('create')).toBeCloseTo(share('delete'), 2);
  });

  test('a mix that leaves nothing for deletes has none, and goes on with 16 entries', () => {
    const workload = new Workload('u', new Random(1, 1), { read: 0.5, update: 0.25, create: 1 });
    const kinds = play(workload, 10_000).map(({ kind }) => kind);
    expect(kinds).not.toContain('delete');
    expect(kinds.filter((kind) => kind === 'create')).toHaveLength(16);
    expect(kinds.filter((kind) => kind === 'read').length / kinds.length).toBeCloseTo(0.5, 1);
  });

  test('remembers no more than 16 entries, however long it runs', () => {
    const workload = new Workload('u', new Random(1, 1));
    play(workload, 10_000);
    expect(workload.size).toBeLessThanOrEqual(16);
    expect(workload.size).toBeGreaterThan(8);
  });

  test('reads expect the value that was acknowledged last', () => {
    const workload = new Workload('u', new Random(3, 1));
    const stored = new Map<string, string>();
    for (let index = 0; index < 5000; index += 1) {
      const step = workload.next();
      if (step.kind === 'read') expect(step.entry.value).toBe(stored.get(step.entry.id));
      if (step.kind === 'create' || step.kind === 'update') {
        const entry =
          step.kind === 'create' ? { id: `id-${index}`, key: step.key, node: 0 } : { ...step.entry, node: index % 3 };
        stored.set(entry.id, step.value);
        workload.acknowledged({ ...entry, value: step.value });
      }
      if (step.kind === 'delete') workload.forget(step.entry);
    }
  });

  test('no key and no value is written twice, and another user writes none of them', () => {
    const written = [new Workload('u1', new Random(1, 1)), new Workload('u2', new Random(1, 1))].flatMap((workload) =>
      play(workload, 3000).flatMap((step) => {
        if (step.kind === 'create') return [step.key, step.value];
        return step.kind === 'update' ? [step.value] : [];
      }),
    );
    expect(new Set(written).size).toBe(written.length);
  });

  test('an entry in doubt is never read again', () => {
    const workload = new Workload('u', new Random(1, 1));
    const entry = { id: 'a', key: 'k', value: 'v', node: 0 };
    workload.acknowledged(entry);
    workload.forget(entry);
    for (let index = 0; index < 50; index += 1) expect(workload.next().kind).toBe('create');
  });
});
