import { join } from 'node:path';
import {
  type ClusterPlan,
  type LinkPlan,
  NODE_FAULTS,
  type NodeCommand,
  type NodeFaultSet,
  type NodeFaults,
  type NodePlace,
  type SystemManifest,
} from '../../kit/system.ts';
import type { RaftHealth } from './api.ts';
import { checkers } from './checked.ts';
import { MISBEHAVIOURS } from './faults/fault-set.ts';

/** The first configuration, the same text for every node: `ID@HOST:PORT/PEERPORT,…`. */
function peersOf({ nodes }: ClusterPlan): string {
  return nodes.map(({ index, host, ports }) => `${index}@${host}:${ports.http}/${ports.peer}`).join(',');
}

function flagsOf(node: NodePlace, plan: ClusterPlan): Readonly<Record<string, string | number>> {
  const links = plan.links?.filter(({ from }) => from === node.index) ?? [];
  return {
    'node-id': node.index,
    port: node.ports.http!,
    'peer-port': node.ports.peer!,
    host: node.host,
    peers: peersOf(plan),
    'data-dir': node.dataDirectory,
    'base-dir': plan.sharedDirectory,
    ...(links.length === 0 ? {} : { dial: links.flatMap((link) => dialsOf(link, plan.nodes.length)).join(',') }),
  };
}

/** How often the node at one place can come back under a new id and still be dialled through the proxies. */
const LIVES_MAX = 8;

/** The node at a place has the place's number as its id at first, and a whole number of cluster sizes more after each `rejoin`. */
function dialsOf({ to, host, port }: LinkPlan, count: number): string[] {
  return Array.from({ length: LIVES_MAX }, (_, life) => `${to + life * count}=${host}:${port}`);
}

function start(node: NodePlace, plan: ClusterPlan): NodeCommand {
  return command(flagsOf(node, plan), plan);
}

/** With a new id in place of the one that lost its data; the members it asks are all others that the plan knows. */
function rejoin(node: NodePlace, plan: ClusterPlan, id: number): NodeCommand {
  const others = plan.nodes.filter(({ index }) => index !== node.index);
  const { peers: _, ...flags } = flagsOf(node, plan);
  const members = others.map(({ index, host, ports }) => `${index}@${host}:${ports.http}/${ports.peer}`);
  return command({ ...flags, 'node-id': id, join: members.join(',') }, plan);
}

/**
 * Node and its allocator are set for a process that holds little and writes much: an eighth of the default room for young objects, one arena
 * for all threads, large blocks given back as soon as they are free, and programs that need not be stripped of their types at each start.
 */
const RUNTIME = {
  arguments: ['--max-semi-space-size=2', '--no-warnings'],
  environment: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '131072',
    NODE_COMPILE_CACHE: join(import.meta.dirname, '../../node_modules/.cache/node'),
  },
};

function command(flags: Readonly<Record<string, string | number>>, plan: ClusterPlan): NodeCommand {
  return {
    command: process.execPath,
    arguments: [
      ...RUNTIME.arguments,
      join(import.meta.dirname, 'main.ts'),
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...(plan.faultToken === undefined ? [] : ['--faults']),
    ],
    environment: {
      ...RUNTIME.environment,
      ...(plan.otlpEndpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: plan.otlpEndpoint }),
      // Not a flag: anybody on the machine can read those.
      ...(plan.faultToken === undefined ? {} : { GAMEDAY_ADMIN_TOKEN: plan.faultToken }),
    },
  };
}

const FAULTS_MS_MAX = 5000;

/** @throws with the node's own words when it refuses */
async function askFaults(nodeUrl: string, token: string, set?: NodeFaultSet): Promise<NodeFaultSet> {
  const response = await fetch(`${nodeUrl}/_gameday/faults`, {
    method: set === undefined ? 'GET' : 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(set === undefined ? {} : { body: JSON.stringify(set) }),
    signal: AbortSignal.timeout(FAULTS_MS_MAX),
  });
  const body = (await response.json()) as NodeFaultSet & { readonly error?: { readonly message: string } };
  if (!response.ok) throw new Error(`${nodeUrl}/_gameday/faults answered ${response.status}: ${body.error?.message}`);
  return body;
}

const nodeFaults: NodeFaults = {
  kinds: NODE_FAULTS,
  misbehaviours: MISBEHAVIOURS,
  apply: async (nodeUrl, token, set) => void (await askFaults(nodeUrl, token, set)),
  read: (nodeUrl, token) => askFaults(nodeUrl, token),
};

async function isLeader(nodeUrl: string): Promise<boolean> {
  const response = await fetch(`${nodeUrl}/_raft/health`, { signal: AbortSignal.timeout(1000) }).catch(() => null);
  if (!response?.ok) return false;
  const health = (await response.json()) as RaftHealth;
  // Without CheckQuorum's word a leader that was cut off would still call itself one.
  return health.role === 'leader' && health.has_quorum;
}

/** As `bombarder cluster resync`: whoever leads sends this node its snapshot. */
async function forceResync(nodeUrl: string, nodeUrls: readonly string[]): Promise<void> {
  const answers = await Promise.all(nodeUrls.map(isLeader));
  const leader = nodeUrls[answers.indexOf(true)];
  if (leader === undefined) throw new Error('nobody leads: there is no snapshot to be sent');
  const response = await fetch(`${leader}/_raft/force-resync?target=${new URL(nodeUrl).host}`, {
    method: 'POST',
    signal: AbortSignal.timeout(FAULTS_MS_MAX),
  });
  if (!response.ok) throw new Error(`${leader} refused: ${response.status} ${await response.text()}`);
  await response.body?.cancel();
}

export default {
  version: 1,
  name: 'kv',
  title: 'Raft-replicated key-value store',
  nodes: { default: 3, min: 1, max: 7 },
  ports: [
    { name: 'http', first: 8080 },
    { name: 'peer', first: 9080 },
  ],
  start,
  paths: { health: '/health', ready: '/ready', probe: '/api/kv?limit=1' },
  metrics: { path: '/metrics' },
  roles: { leader: isLeader },
  faults: ['kill', 'pause', 'restart', 'upgrade'],
  links: { port: 'peer' },
  nodeFaults,
  checkers,
  rejoin,
  operations: { resync: forceResync },
  defaultScenario: 'kv/leader-kill',
  files: {
    rules: ['alerts/kv.rules.yml', 'alerts/kv_slo.rules.yml', 'prometheus/recording/kv.rules.yml'],
    ruleTests: [
      'alerts/tests/kv_consensus.test.yml',
      'alerts/tests/kv_slo_days.test.yml',
      'alerts/tests/kv_slo_hours.test.yml',
      'alerts/tests/kv_storage.test.yml',
    ],
    scenarios: 'scenarios/kv',
    loadtests: 'loadtests/kv',
    dashboards: ['grafana/dashboards/kv.json'],
    readme: 'services/kv/README.md',
  },
} satisfies SystemManifest;
