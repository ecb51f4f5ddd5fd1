import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Elsewhere, SystemManifest } from '../../kit/system.ts';
import { ElsewhereCluster } from '../cluster/elsewhere.ts';
import { NodeFaultDesk } from '../faults/node_faults.ts';
import { processFaults } from '../faults/process.ts';

let server: Server;
let ready: boolean;
beforeEach(async () => {
  ready = true;
  server = createServer((_, response) => response.writeHead(ready ? 200 : 503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => void server.close());

function never() {
  return { signal: new AbortController().signal, abort: () => {} };
}

async function inject(
  kind: 'kill' | 'pause' | 'restart',
  hooks: Omit<Elsewhere, 'targets'>,
  { signal, abort }: { readonly signal: AbortSignal; readonly abort: () => void } = never(),
) {
  const { port } = server.address() as AddressInfo;
  const manifest = {
    ...{ name: 'x', ports: [{ name: 'http', first: 1 }], paths: { ready: '/ready' } },
    elsewhere: { targets: [`http://127.0.0.1:${port}`], ...hooks },
  } as unknown as SystemManifest;
  const { nodes } = await ElsewhereCluster.connect({ manifest, readyTimeoutMs: 1000, signal, onReady: () => {} });
  let struck = 0;
  const faults = processFaults(new NodeFaultDesk());
  const strike = { name: 'f', nodes, parameters: {}, seed: 1, signal, struck: () => (struck += 1) };
  abort();
  return { heal: await faults[kind].inject(strike), struck };
}

test('a node that answers no more was struck, and is healed by its hook', async () => {
  const kill = async () => {
    ready = false;
  };
  const start = async () => {
    ready = true;
  };
  const { heal, struck } = await inject('kill', { kill, start });
  expect(struck).toBe(1);
  await heal();
  expect(ready).toBe(true);
});

test.each([
  ['kill', ['kill', 'start']],
  ['restart', ['stop', 'start']],
  ['pause', ['pause', 'resume']],
] as const)(
  '%s: hooks that do nothing are no fault, and what they may do yet is undone',
  async (kind, names) => {
    const called: string[] = [];
    const hooks = Object.fromEntries(names.map((name) => [name, async () => void called.push(name)]));
    await expect(inject(kind, hooks)).rejects.toThrow(
      /^node 0 \(http:\/\/127.0.0.1:\d+\) is still ready 5 s after its hook said that it is (stopped|paused)$/,
    );
    expect(called).toEqual(names);
  },
  10_000,
);

test('a hook that hangs is not waited for once the run is interrupted', async () => {
  const run = new AbortController();
  const interruption = { signal: run.signal, abort: () => run.abort(new Error('SIGINT')) };
  await expect(inject('pause', { pause: () => new Promise(() => {}) }, interruption)).rejects.toThrow(
    'elsewhere.pause(0) has not come back 1.5 s after the run was interrupted',
  );
});
