import { describe, expect, test } from '@jest/globals';
import type { FaultRecord, RunRecord } from '../run/record.ts';
import { RunProgress } from './progress.ts';
import { createTerminal } from './terminal.ts';

function setUp(isTTY: boolean, environment: Record<string, string> = {}) {
  const written: string[] = [];
  const stream = { isTTY, columns: 100, write: (text: string) => written.push(text) };
  const time = { now: 0 };
  const progress = new RunProgress(createTerminal(stream, stream, environment), () => time.now);
  progress.show({
    type: 'created',
    directory: '/runs/1',
    record: { scenario: { id: 'kv-x', title: 'A title' } } as unknown as RunRecord,
  });
  return { progress, time, text: () => written.join('') };
}

const outcome: FaultRecord = { name: 'dies', kind: 'kill', target: 'leader', node: 2, injectedAt: 25_000 };

/** What every run goes through. */
function play({ progress, time }: ReturnType<typeof setUp>): void {
  time.now = 2000;
  progress.show({ type: 'nodes', ready: 1, total: 3 });
  progress.show({ type: 'nodes', ready: 3, total: 3 });
  progress.show({ type: 'phase', phase: 'loading', expectedMs: 60_000 });
  for (let elapsedMs = 1000; elapsedMs <= 25_000; elapsedMs += 1000) {
    progress.show({ type: 'load', elapsedMs, totalMs: 60_000, operations: elapsedMs / 10, ratePerSecond: 99.6 });
  }
  time.now = 27_000;
  progress.show({ type: 'fault', step: 'injected', outcome, loadStartedAt: 2000 });
  progress.show({
    type: 'fault',
    step: 'service-recovered',
    outcome: { ...outcome, serviceRecoveredAt: 25_600 },
    loadStartedAt: 2000,
  });
  progress.show({ type: 'phase', phase: 'settling', expectedMs: 8000 });
  progress.end();
}

describe('without a terminal', () => {
  test('plain lines, and few of them while the load runs', () => {
    const run = setUp(false);
    play(run);
    expect(run.text()).toBe(`kv-x  A title
cluster    3 of 3 nodes ready (2.0 s)
load       1m ahead (2.0 s)
load       0:10 of 1:00  1000 operations, 100/s
load       0:20 of 1:00  2000 operations, 100/s
fault      0:25 dies: kill leader (node 2)
fault      0:25 dies: clients are served again after 600ms
settle     8s for the last scrapes and checkers
`);
  });
});

describe('on a terminal', () => {
  test('one live line that the next one replaces', () => {
    const run = setUp(true);
    play(run);
    expect(run.text()).toContain('0:25 of 1:00  2500 operations, 100/s');
    expect(run.text().split('0:24 of 1:00')[1]).toContain('/s\r\u001b[2K');
    expect(run.text().at(-1)).toBe('\n');
  });

  test('in colour, unless NO_COLOR is set', () => {
    const coloured = setUp(true);
    play(coloured);
    expect(coloured.text()).toContain('\u001b[33m');
    const plain = setUp(true, { NO_COLOR: '1' });
    play(plain);
    expect(plain.text().replaceAll('\u001b[2K', '')).not.toContain('\u001b');
  });
});
