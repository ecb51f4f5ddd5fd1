import { join } from 'node:path';
import type { ClusterPlan, NodeCommand, NodePlace, SystemManifest } from '../../kit/system.ts';
import type { RaftHealth } from './api.ts';

/** The first configuration, the same text for every node: `ID@HOST:PORT/PEERPORT,…`. */
function peersOf({ nodes }: ClusterPlan): string {
  return nodes.map(({ index, host, ports }) => `${index}@${host}:${ports.http}/${ports.peer}`).join(',');
}

function start(node: NodePlace, plan: ClusterPlan): NodeCommand {
  const flags: Record<string, string | number> = {
    'node-id': node.index,
    port: node.ports.http!,
    'peer-port': node.ports.peer!,
    host: node.host,
    peers: peersOf(plan),
    'data-dir': node.dataDirectory,
    'base-dir': plan.sharedDirectory,
  };
  return {
    command: process.execPath,
    arguments: [
      '--no-warnings',
      join(import.meta.dirname, 'main.ts'),
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
    environment: plan.otlpEndpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: plan.otlpEndpoint },
  };
}

async function isLeader(nodeUrl: string): Promise<boolean> {
  const response = await fetch(`${nodeUrl}/_raft/health`, { signal: AbortSignal.timeout(1000) }).catch(() => null);
  if (!response?.ok) return false;
  const health = (await response.json()) as RaftHealth;
  // Without CheckQuorum's word a leader that was cut off would still call itself one.
  return health.role === 'leader' && health.has_quorum;
}

export default {
  name: 'kv',
  title: 'Raft-replicated key-value store',
  nodes: { default: 3, min: 1, max: 7 },
  ports: [
    { name: 'http', first: 8080 },
    { name: 'peer', first: 9080 },
  ],
  start,
  paths: { metrics: '/metrics', health: '/health', ready: '/ready', probe: '/api/kv?limit=1' },
  roles: { leader: isLeader },
  faults: ['kill', 'pause', 'restart'],
  defaultScenario: 'kv/leader-kill',
  files: {
    rules: ['alerts/kv.rules.yml', 'prometheus/recording/kv.rules.yml'],
    ruleTests: [
      'alerts/tests/kv_clients.test.yml',
      'alerts/tests/kv_consensus.test.yml',
      'alerts/tests/kv_storage.test.yml',
    ],
    scenarios: 'scenarios/kv',
    loadtests: 'loadtests/kv',
    dashboards: ['grafana/dashboards/kv.json'],
    readme: 'services/kv/README.md',
  },
} satisfies SystemManifest;
