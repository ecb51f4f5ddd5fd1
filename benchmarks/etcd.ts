/** etcd as the peer: members with default settings, as children of the benchmark. fsync is on, which is etcd's default. */
import type { ClusterPlan, NodePlace, SystemManifest } from '../kit/system.ts';

/** @param binary etcd's path */
export function etcdManifest(binary: string): SystemManifest {
  return {
    version: 1,
    name: 'etcd',
    title: 'etcd',
    nodes: { default: 3, min: 1, max: 7 },
    ports: [
      { name: 'client', first: 2379 },
      { name: 'peer', first: 2479 },
    ],
    start: (node, plan) => ({ command: binary, arguments: flagsOf(node, plan), environment: {} }),
    paths: { health: '/livez', ready: '/readyz', probe: '/health' },
    metrics: { path: '/metrics' },
    roles: {},
    faults: ['kill', 'restart'],
    defaultScenario: 'none',
    files: { rules: [] },
  };
}

function flagsOf(node: NodePlace, plan: ClusterPlan): string[] {
  const cluster = plan.nodes.map((each) => `${nameOf(each)}=${urlOf(each, 'peer')}`).join(',');
  const flags = {
    name: nameOf(node),
    'data-dir': node.dataDirectory,
    'listen-client-urls': urlOf(node, 'client'),
    'advertise-client-urls': urlOf(node, 'client'),
    'listen-peer-urls': urlOf(node, 'peer'),
    'initial-advertise-peer-urls': urlOf(node, 'peer'),
    'initial-cluster': cluster,
    'initial-cluster-state': 'new',
    'log-level': 'warn',
  };
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
}

function nameOf({ index }: NodePlace): string {
  return `member_${index}`;
}

function urlOf({ host, ports }: NodePlace, port: 'client' | 'peer'): string {
  return `http://${host}:${ports[port]}`;
}
