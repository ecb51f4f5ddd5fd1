/** etcd 3.6 as a system under test: members that the toolchain provides, talked to through their JSON gateway. */
import { join } from 'node:path';
import type { ClusterPlan, NodeCommand, NodePlace, SystemManifest } from '../../kit/system.ts';
import { checkers } from './checked.ts';
import { ask, type EtcdStatus } from './gateway.ts';
import { peerHost } from './peer_names.ts';

/** Small, so that a drill can fill it: https://etcd.io/docs/v3.6/op-guide/maintenance/#space-quota */
const BACKEND_QUOTA_BYTES = 64 * 1024 * 1024;

/** etcd has its defaults except where a flag says otherwise: an election time-out of 1 s, PreVote, CheckQuorum, and fsync. */
function flagsOf(node: NodePlace, plan: ClusterPlan): Readonly<Record<string, string>> {
  const clients = `http://${node.host}:${node.ports.client}`;
  return {
    name: nameOf(node),
    'data-dir': node.dataDirectory,
    'listen-client-urls': clients,
    'advertise-client-urls': clients,
    'listen-peer-urls': `http://${node.host}:${node.ports.peer}`,
    'initial-advertise-peer-urls': peerUrl(node, plan),
    'initial-cluster': plan.nodes.map((member) => `${nameOf(member)}=${peerUrl(member, plan)}`).join(','),
    // A member whose data directory has a log goes on with that, and these say nothing to it.
    'initial-cluster-state': 'new',
    'quota-backend-bytes': String(BACKEND_QUOTA_BYTES),
    // With histograms of how long calls take.
    metrics: 'extensive',
    'log-level': 'warn',
  };
}

function nameOf({ index }: NodePlace): string {
  return `etcd-${index}`;
}

/** What all members call a peer: they share one list. With links it is a name, which each member's forward proxy knows. */
function peerUrl({ index, host, ports }: NodePlace, { links }: ClusterPlan): string {
  return links === undefined ? `http://${host}:${ports.peer}` : `http://${peerHost(index)}:${ports.peer}`;
}

function start(node: NodePlace, plan: ClusterPlan): NodeCommand {
  const { etcd } = plan.tools;
  if (etcd === undefined) throw new Error('etcd was not obtained: the manifest lists it in `tools`');
  const flags = Object.entries(flagsOf(node, plan)).map(([name, value]) => `--${name}=${value}`);
  if (plan.links === undefined) return { command: etcd, arguments: flags, environment: {} };
  const routes = plan.links.filter(({ from }) => from === node.index);
  return {
    command: process.execPath,
    arguments: [
      '--no-warnings',
      join(import.meta.dirname, 'member.ts'),
      ...routes.map(({ to, host, port }) => `--route=${peerHost(to)}=${host}:${port}`),
      '--',
      etcd,
      ...flags,
    ],
    environment: {},
  };
}

/** CheckQuorum: a leader that was cut off says so of itself for an election time-out at most. */
async function isLeader(nodeUrl: string): Promise<boolean> {
  const status = await statusOf(nodeUrl).catch(() => null);
  return status !== null && status.leader === status.header.member_id;
}

function statusOf(nodeUrl: string): Promise<EtcdStatus> {
  return ask<EtcdStatus>(nodeUrl, 'maintenance/status', {}, AbortSignal.timeout(1000));
}

/** As `etcdctl move-leader`: whoever leads hands over to another member. */
async function moveLeader(_: string, nodeUrls: readonly string[]): Promise<void> {
  const members = (await Promise.allSettled(nodeUrls.map(statusOf))).map((answer) =>
    answer.status === 'fulfilled' ? answer.value : null,
  );
  const at = members.findIndex((status) => status !== null && status.leader === status.header.member_id);
  const next = members.find((status, index) => status !== null && index !== at)?.header.member_id;
  if (at < 0 || next === undefined) throw new Error('nobody leads, or there is nobody to hand over to');
  await ask(nodeUrls[at]!, 'maintenance/transfer-leadership', { targetID: next }, AbortSignal.timeout(5000));
}

async function releaseOf(nodeUrl: string): Promise<string> {
  const response = await fetch(`${nodeUrl}/version`, { signal: AbortSignal.timeout(1000) });
  if (!response.ok) throw new Error(`GET ${nodeUrl}/version was answered with ${response.status}`);
  return ((await response.json()) as { readonly etcdserver: string }).etcdserver;
}

export default {
  version: 1,
  name: 'etcd',
  title: 'etcd, a replicated key-value store that is not ours',
  nodes: { default: 3, min: 1, max: 7 },
  ports: [
    { name: 'client', first: 23_790 },
    { name: 'peer', first: 23_800 },
  ],
  start,
  // `/health` and `/readyz` make a linearizable read; `/livez` asks the member for itself.
  paths: { health: '/livez', ready: '/readyz', probe: '/health' },
  metrics: {
    path: '/metrics',
    // What the shared dashboard calls HTTP requests are gRPC calls here, those of the JSON gateway among them.
    series: {
      http_requests_total:
        'label_replace(grpc_server_handled_total{grpc_type="unary"}, "status", "$1", "grpc_code", "(.+)")',
      http_request_duration_seconds_bucket: 'grpc_server_handling_seconds_bucket{grpc_type="unary"}',
    },
  },
  roles: { leader: isLeader },
  faults: ['kill', 'pause', 'restart'],
  links: { port: 'peer' },
  operations: { 'move-leader': moveLeader },
  checkers,
  release: { of: releaseOf, accepts: '~3.6.0' },
  tools: ['etcd'],
  defaultScenario: 'storm',
  files: {
    rules: ['rules/etcd.rules.yml'],
    ruleTests: ['rules/etcd.test.yml'],
    dashboards: ['dashboards/etcd.json'],
    runbooks: 'runbooks',
    readme: 'README.md',
  },
} satisfies SystemManifest;
