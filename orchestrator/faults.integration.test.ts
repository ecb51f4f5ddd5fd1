/** Every fault that this machine can do, on a real cluster under a little load: in force, healed, recovered from. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { FaultKind } from '../kit/system.ts';
import { obtain } from '../tools/obtain.ts';
import { Cluster } from './cluster/cluster.ts';
import { ProcessRegistry } from './cluster/registry.ts';
import type { FaultRecord } from './run/record.ts';
import { RunFaults } from './run/run_faults.ts';
import { Systems } from './run/systems.ts';
import type { LoadedScenario } from './scenario/load.ts';
import type { FaultPlan } from './scenario/types.ts';

const root = join(import.meta.dirname, '..');

const plan = (name: string, kind: FaultKind, target: string, more: Partial<FaultPlan> = {}): FaultPlan => ({
  ...{ name, kind, target, atMs: 0, healAfterMs: 1200, parameters: {} },
  ...more,
});

/** One step after the other, each on a cluster that has recovered; the last one needs a log with some records. */
const STEPS: readonly (readonly FaultPlan[])[] = [
  [plan('cut-leader', 'partition', 'leader', { healAfterMs: 2000 })],
  [plan('deaf', 'partition', 'follower', { healAfterMs: 1500, parameters: { direction: 'in' } })],
  [
    plan('stalls', 'stall', 'all', { parameters: { probability: 0.2 } }),
    plan('slow-disk', 'slow_fsync', 'node:1', { parameters: { delayMs: 30 } }),
  ],
  [plan('full', 'disk_full', 'follower', { healAfterMs: 800 })],
  [plan('torn', 'torn_write', 'follower', { healAfterMs: 300 })],
  [plan('rotten', 'flipped_bit', 'follower', { healAfterMs: 300 })],
];

let directory: string;
/** What the next step is. */
let scenario: { faults: readonly FaultPlan[]; nodes: number };
let cluster: Cluster;
let faults: RunFaults;
const outcomes = new Map<string, FaultRecord>();
const writes = { acknowledged: 0, failed: 0 };
const end = new AbortController();
let load: Promise<void>;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gameday-faults-'));
  const manifest = await (await Systems.project(root)).manifest('kv');
  const registry = new ProcessRegistry({
    file: join(directory, 'processes.json'),
    runId: 'f',
    runDirectory: directory,
  });
  scenario = { faults: STEPS.flat(), nodes: 3 };
  const loaded = { manifest, scenario } as unknown as LoadedScenario;
  const tools = await obtain(['toxiproxy-server']);
  faults = new RunFaults({
    ...{ loaded, root, registry, tools, seed: 3, runDirectory: directory },
    onChange: (outcome) => outcomes.set(outcome.name, outcome),
  });
  cluster = await Cluster.start({
    ...{ manifest, count: 3, registry, home: root, readyTimeoutMs: 30_000, signal: end.signal },
    dataDirectory: join(directory, 'nodes'),
    logDirectory: join(directory, 'logs'),
    onReady: () => {},
    onUnexpectedExit: (node) => outcomes.set(`node ${node.index} died`, { name: '', kind: 'kill', target: '' }),
    ...faults.clusterOptions(),
  });
  load = Promise.all([write(), watch()]).then(() => {});
}, 120_000);

afterAll(async () => {
  end.abort();
  await load;
  await faults?.heal();
  await cluster?.stop(2000);
  await faults?.stop(2000);
  rmSync(directory, { recursive: true, force: true });
});

/** About forty writes a second, each to the next node. */
async function write(): Promise<void> {
  for (let count = 0; !end.signal.aborted; count += 1) {
    const node = cluster.nodes[count % 3]!;
    void fetch(`${node.url}/api/kv`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ key: `k${count}`, value: 'v' }),
      signal: AbortSignal.timeout(2000),
    }).then(
      ({ ok }) => {
        if (ok) writes.acknowledged += 1;
        else writes.failed += 1;
      },
      () => {
        writes.failed += 1;
      },
    );
    await delay(25);
  }
}

/** What was wrong with the nodes while a fault was in force, as they said themselves. */
const seen = new Map<string, Set<string>>();

async function watch(): Promise<void> {
  while (!end.signal.aborted) {
    const inForce = [...outcomes.values()].filter((fault) => fault.injectedAt && !fault.healedAt);
    for (const node of cluster.nodes) {
      const facts = await activeFaults(node.url);
      if (!(await node.isReady())) facts.push(`node ${node.index} is not ready`);
      for (const { name } of inForce) seen.set(name, new Set([...(seen.get(name) ?? []), ...facts]));
    }
    await delay(50);
  }
}

async function activeFaults(url: string): Promise<string[]> {
  const text = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(1000) }).then(
    (response) => response.text(),
    () => '',
  );
  return [...text.matchAll(/^gameday_node_fault_active\{.*kind="(\w+)".*\} 1$/gm)].map((match) => match[1]!);
}

describe('a cluster under faults', () => {
  test('each is in force for its time, healed, and recovered from', async () => {
    for (const step of STEPS) {
      scenario.faults = step;
      const loadStartedAt = Date.now();
      const [loadEndsAt, giveUpAt] = [loadStartedAt + 10_000, loadStartedAt + 40_000];
      faults.begin(cluster.nodes, { loadStartedAt, loadEndsAt, giveUpAt }, end.signal);
      const broken = await faults.finish();
      expect({ broken, outcomes: step.map(({ name }) => outcomes.get(name)) }).toMatchObject({
        broken: [],
        outcomes: step.map(({ name }) => ({
          ...{ name, healthBefore: '3/3', healthAfter: '3/3' },
          injectedAt: expect.any(Number),
          healedAt: expect.any(Number),
          recoveredAt: expect.any(Number),
        })),
      });
    }
    const of = (name: string) => outcomes.get(name)!.node;
    for (const name of ['cut-leader', 'deaf', 'torn', 'rotten'])
      expect([...seen.get(name)!]).toContain(`node ${of(name)} is not ready`);
    expect([...seen.get('slow-disk')!]).toContain('slow_fsync');
    expect([...seen.get('full')!]).toContain('disk_full');
    // The cluster lived through all of it: most writes need no retry.
    expect(writes.acknowledged).toBeGreaterThan(200);
  }, 120_000);

  test('the node whose log was damaged is another member now, and its old data are kept as evidence', async () => {
    const { node } = outcomes.get('rotten')!;
    const log = readFileSync(cluster.nodes[node!]!.logFile, 'utf8');
    expect(log).toMatch(/damage|CRC|corrupt/i);
    expect(existsSync(join(directory, 'nodes', `node_${node}.damaged-1`))).toBe(true);
    const status = (await (await fetch(`${cluster.nodes[node!]!.url}/status`)).json()) as { node_id: number };
    expect(status.node_id).toBe(node! + 3);
  });
});
