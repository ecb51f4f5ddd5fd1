/** A system with as little in its manifest as a run can do with, and what tests of manifests change in it. */
import { join } from 'node:path';
import type { SystemManifest } from '../../../kit/system.ts';

const ask = async (url: string) => (await fetch(url, { signal: AbortSignal.timeout(1000) })).text();

export default {
  version: 1,
  name: 'bare',
  title: 'Nodes that only answer',
  nodes: { default: 2, min: 1, max: 3 },
  ports: [
    { name: 'http', first: 28_080 },
    { name: 'metrics', first: 29_080 },
  ],
  start: ({ ports, index }) => ({
    command: process.execPath,
    arguments: ['--no-warnings', join(import.meta.dirname, 'node.ts')],
    environment: {
      ...{ BARE_PORT: String(ports.http), BARE_METRICS_PORT: String(ports.metrics), BARE_INDEX: String(index) },
    },
  }),
  paths: { ready: '/ready' },
  metrics: { path: '/metrics', port: 'metrics', series: { raft_is_leader: 'bare_leading > 0' } },
  roles: { leader: async (url) => (await ask(`${url}/role`)) === 'leader' },
  faults: ['kill', 'pause'],
  release: { of: (url) => ask(`${url}/version`), accepts: '^1.2.0' },
  environment: { BARE_PATH: '/' },
  defaultScenario: 'calm',
  files: { rules: ['rules/bare.rules.yml'], runbooks: 'runbooks' },
} satisfies SystemManifest;
