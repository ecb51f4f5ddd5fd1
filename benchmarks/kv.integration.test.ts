import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { until } from '../kit/until.ts';
import { readRegistry } from '../orchestrator/cluster/registry.ts';
import type { BenchContext } from './bench.ts';
import { usageIsKnown } from './kv/process_usage.ts';
import { kv } from './kv.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gameday-bench-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function context(signal: AbortSignal, settings: BenchContext['settings']): BenchContext {
  const root = resolve(import.meta.dirname, '..');
  return { root, directory, runId: 'bench-test', signal, onProgress: () => {}, settings };
}

/** Names of the processes that the benchmark has started and not ended. */
function running(): string[] {
  return readRegistry(join(directory, 'processes.json'))?.processes.map(({ name }) => name) ?? [];
}

test('one short pair: plausible figures of both sides, every node asked equally often, nothing left running', async () => {
  const only = ['writes_per_second', 'fsync_seconds'];
  const { signal } = new AbortController();
  const { metrics, notes } = await kv.run(context(signal, { only, pairs: 1, seconds: 1 }));
  const found = Object.fromEntries(metrics.map((metric) => [metric.name, metric]));
  const { value, peer, peer_value, ratio } = found.writes_per_second!;
  expect(peer).toBe('etcd');
  // No machine that runs the tests is slower than one write in 50 ms by 50 clients, or faster than a bare loopback.
  for (const rate of [value, peer_value!]) {
    expect(rate).toBeGreaterThan(20);
    expect(rate).toBeLessThan(200_000);
  }
  expect(ratio).toBeCloseTo(value / peer_value!);
  expect(found.write_p50_seconds_50_clients!.value).toBeLessThan(found.write_p99_seconds_50_clients!.value);
  expect(found.fsync_seconds!.value).toBeGreaterThan(1e-6);
  for (const fsyncs of [found.fsyncs_per_1000_writes!.value, found.fsyncs_per_1000_writes!.peer_value!])
    expect(fsyncs).toBeGreaterThan(1);
  if (usageIsKnown) expect(found.cpu_seconds_per_1000_writes!.value).toBeGreaterThan(0.01);
  const requests = notes.find((note) => note.startsWith('writes, requests to node 0/1/2'));
  const counts = [...requests!.matchAll(/(\d+)\/(\d+)\/(\d+)/g)].slice(1).map((match) => match.slice(1).map(Number));
  expect(counts).toHaveLength(2);
  for (const byNode of counts) expect(Math.min(...byNode)).toBeGreaterThan(0.8 * Math.max(...byNode));
  expect(notes).toContainEqual(expect.stringMatching(/^target (met|MISSED): writes_per_second, ratio at least 2: /));
  expect(running()).toEqual([]);
}, 120_000);

test('an end in the middle of a load ends k6 and the nodes', async () => {
  const aborter = new AbortController();
  // The one part that begins with its measurement, which would last longer than this test may.
  const settings = { only: ['limit_http_requests_per_second'], seconds: 120 };
  const ended = expect(kv.run(context(aborter.signal, settings))).rejects.toThrow('enough');
  await until(() => running().includes('k6'), { withinMs: 30_000, what: 'k6 under way' });
  expect(running()).toHaveLength(4);
  aborter.abort(new Error('enough'));
  await ended;
  expect(running()).toEqual([]);
}, 60_000);
