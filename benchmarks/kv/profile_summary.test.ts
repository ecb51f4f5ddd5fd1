import { expect, test } from '@jest/globals';
import { type CpuProfile, summaryOf, tableOf } from './profile_summary.ts';

const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url, lineNumber: 1 } });

/** Ten samples of 1 ms each, from 1,000 µs on. */
const profile: CpuProfile = {
  nodes: [
    node(1, '(idle)'),
    node(2, '(garbage collector)'),
    node(3, 'writev'),
    node(4, 'onread', 'node:internal/stream_base_commons'),
    node(5, 'step', 'file:///p/services/kv/core/raft/raft.ts'),
    node(6, 'take', 'file:///p/services/kv/core/raft/log.ts'),
    node(7, 'request', '/p/node_modules/@a/b/lib/x.js'),
  ],
  startTime: 1000,
  samples: [5, 1, 1, 2, 3, 4, 5, 5, 6, 7],
  timeDeltas: Array.from({ length: 10 }, () => 1000),
};

test('self time by room and file, of the time in which the thread was busy; only inside the window', () => {
  // The first sample ends at 2,000.
  const summary = summaryOf(profile, { fromUs: 2500, untilUs: 11_000 }, '/p/');
  expect(summary.seconds).toBeCloseTo(0.009);
  expect(summary.idle).toBeCloseTo(2 / 9);
  const rooms = Object.fromEntries(summary.rooms.map(({ name, share }) => [name, share * 7]));
  for (const [name, samples] of [
    ...(['(garbage collector)', 'native', 'node:stream', 'npm @a/b'].map((room) => [room, 1]) as [string, number][]),
    ['services/kv/core/raft', 3] as const,
  ])
    expect([name, rooms[name]]).toEqual([name, expect.closeTo(samples)]);
  expect(summary.files[0]).toEqual({ name: 'services/kv/core/raft/raft.ts', share: expect.closeTo(2 / 7) });
  expect(summary.functions.map(({ name }) => name)).toContain('writev · native');
  expect(tableOf('leader', summary)).toContain('| `services/kv/core/raft` | 42.9 % |');
});

test('a window without samples is a mistake, not a table of zeros', () => {
  expect(() => summaryOf(profile, { fromUs: 1e9, untilUs: 2e9 }, '/p/')).toThrow('no sample');
});
