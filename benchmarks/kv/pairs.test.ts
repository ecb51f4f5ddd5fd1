import { expect, test } from '@jest/globals';
import { disturbance } from './closed_loop.ts';
import type { Measured } from './load.ts';
import { inPairs, medianOf } from './pairs.ts';
import { parseCounter } from './sides.ts';
import { isMet, TARGETS, verdictsOf } from './targets.ts';
import { compared, WORKLOADS } from './workloads.ts';

test('sides take turns at going first, and each has one measurement in each pair', async () => {
  const order: string[] = [];
  const series = await inPairs(3, async (side, pair) => {
    order.push(`${side}${pair}`);
    return pair;
  });
  expect(order).toEqual(['kv0', 'etcd0', 'etcd1', 'kv1', 'kv2', 'etcd2']);
  expect(series).toEqual({ kv: [0, 1, 2], etcd: [0, 1, 2] });
});

test('one bad pair does not move a median', () => {
  expect(medianOf([9, 1000, 10, 11, 8], (value) => value)).toBe(10);
});

function measured(perSecond: number, nodes: number): Measured {
  return {
    ...{ operations: 2000, failures: 0, dropped: 0, perSecond, byNode: [667, 667, 666], seconds: 4, fsyncs: 600 },
    ...{ p50Seconds: 0.01, p95Seconds: 0.02, p99Seconds: 0.03, usage: { nodes, client: 1, others: 0 } },
  };
}

test('figures are medians beside medians; CPU is for 1,000 operations', () => {
  const metrics = compared(WORKLOADS.writes.figures, [measured(900, 1), measured(1000, 2), measured(100, 3)], 'etcd', [
    measured(450, 4),
    measured(500, 4),
    measured(400, 4),
  ]);
  expect(metrics[0]).toEqual({
    ...{ name: 'writes_per_second', value: 900, unit: 'writes/s' },
    ...{ peer: 'etcd', peer_value: 450, ratio: 2 },
  });
  expect(metrics.find(({ name }) => name === 'cpu_seconds_per_1000_writes')).toMatchObject({ value: 1, peer_value: 2 });
});

test('while somebody else uses the machine, the result says so', () => {
  const disturbed = (others: number): Measured => ({ ...measured(1, 1), usage: { nodes: 1, client: 1, others } });
  expect(disturbance([0.1, 3, 0.2].map(disturbed))).toEqual([]);
  expect(disturbance([0.1, 3, 2].map(disturbed))).toEqual([expect.stringContaining('others took 0.50 cores')]);
  expect(disturbance([disturbed(Number.NaN)])).toEqual([]);
});

test('what cannot be known on a machine is left out', () => {
  const names = compared(WORKLOADS.writes.figures, [measured(1, Number.NaN)], 'etcd', [measured(1, Number.NaN)]).map(
    ({ name }) => name,
  );
  expect(names).toContain('writes_per_second');
  expect(names).not.toContain('cpu_seconds_per_1000_writes');
});

test("a counter in a node's metrics, with labels or without; a node that has none is a mistake", () => {
  const text =
    '# TYPE wal_fsync_count counter\nwal_fsync_counts 7\nwal_fsync_count{node="0"} 412\nother 5 \nplain_count 9\n';
  expect([parseCounter(text, 'wal_fsync_count'), parseCounter(text, 'plain_count')]).toEqual([412, 9]);
  expect(() => parseCounter(text, 'absent_count')).toThrow('no absent_count');
});

test('each target that was measured has its sentence, met or missed', () => {
  const ratio = { unit: 'x', peer: 'etcd', peer_value: 1 };
  expect(
    verdictsOf([
      { ...ratio, name: 'writes_per_second', value: 9000, ratio: 1.99 },
      { ...ratio, name: 'write_p99_seconds', value: 0.01, ratio: 0.99 },
      { ...ratio, name: 'memory_bytes', value: 150_000_000, peer: null, peer_value: null, ratio: null },
    ]),
  ).toEqual([
    'target MISSED: writes_per_second, ratio at least 2: 1.99',
    'target met: write_p99_seconds, ratio below 1: 0.990',
    'target MISSED: memory_bytes, value below 150,000,000: 150,000,000',
  ]);
  expect(isMet(TARGETS[0]!, 2)).toBe(true);
});
