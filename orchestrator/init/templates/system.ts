/** The manifest: all that Gameday knows of the system. Look through what is marked "Decide"; leave out what the system does not have. */
import type { SystemManifest } from '../../../kit/system.ts';

// #region command
/** Decide: how a node is started, here or on its own command line. Its working directory is this folder. */
const start: SystemManifest['start'] = (node, plan) => {
  const url = ({ host, ports }: typeof node) => `http://${host}:${ports.http}`;
  return {
    command: 'node',
    arguments: ['server.mjs'],
    environment: {
      PORT: String(node.ports.http),
      /** Base URLs of all nodes, this one's too, in the same order everywhere. */
      NODES: plan.nodes.map(url).join(','),
      NODE_INDEX: String(node.index),
      /** The node's own, empty at first; it survives a restart. */
      DATA_DIRECTORY: node.dataDirectory,
    },
  };
};
// #endregion

// #region targets
/** Decide: how a node that runs elsewhere is killed and started. Without these two no fault can be injected. */
async function ask(verb: 'kill' | 'start', index: number): Promise<void> {
  const { promisify } = await import('node:util');
  const { execFile } = await import('node:child_process');
  await promisify(execFile)('docker', [verb, `mysystem-${index}`]);
}
// #endregion

/** Decide: everything that is stored, by linearizable reads at one node. It is compared with what clients were told. */
async function* readAll(nodeUrl: string, signal: AbortSignal): AsyncGenerator<{ key: string; value: string }> {
  const response = await fetch(`${nodeUrl}/registers`, { signal });
  if (!response.ok) throw new Error(`GET ${nodeUrl}/registers was answered with ${response.status}`);
  for (const [key, value] of Object.entries((await response.json()) as Record<string, string>)) yield { key, value };
}

export default {
  version: 1,
  name: 'mysystem',
  title: 'Mysystem',
  nodes: { default: 3, min: 1, max: 9 },
  // The first one is what clients and Prometheus talk to. Decide: name a second one here if the nodes need it among themselves.
  ports: [{ name: 'http', first: 8101 }],
  // #region command
  start,
  // #endregion
  // #region targets
  elsewhere: {
    targets: ['http://127.0.0.1:8101', 'http://127.0.0.1:8102', 'http://127.0.0.1:8103'],
    kill: (index) => ask('kill', index),
    start: (index) => ask('start', index),
  },
  // #endregion
  // Decide: `ready` answers 200 when the node can serve clients, `probe` when the system as a whole does. Without them less is measured.
  paths: { ready: '/ready', probe: '/registers' },
  // Decide: in Prometheus' format. Without it leave `metrics` out, and the rule that reads them.
  metrics: { path: '/metrics' },
  // Decide: whom a fault can target beside `any` and `node:0`; with a `leader` there is also a `follower`.
  roles: {},
  // Decide: what the system is meant to survive.
  faults: ['kill'],
  checkers: { model: 'register', readAll },
  defaultScenario: 'smoke',
  files: {
    rules: ['rules/mysystem.rules.yml'],
    ruleTests: ['rules/mysystem.test.yml'],
    runbooks: 'runbooks',
    readme: 'README.md',
  },
} satisfies SystemManifest;
