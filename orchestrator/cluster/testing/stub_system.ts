import { join } from 'node:path';
import type { SystemManifest } from '../../../kit/system.ts';

/** A system of `stub_node.ts`; `modes` by node, see there. `marker` is a path for the mode `taken-once`. */
export function stubSystem(modes: readonly string[] = [], marker = ''): SystemManifest {
  return {
    version: 1,
    name: 'stub',
    title: 'Nodes that only answer',
    nodes: { default: 3, min: 1, max: 5 },
    ports: [{ name: 'http', first: 8080 }],
    start: (node) => ({
      command: process.execPath,
      arguments: [
        join(import.meta.dirname, 'stub_node.ts'),
        ...[node.ports.http, node.index, modes[node.index] ?? 'normal', marker].map(String),
      ],
      environment: {},
    }),
    paths: { health: '/', ready: '/', probe: '/' },
    roles: { leader: async (url) => (await (await fetch(`${url}/role`)).text()) === 'leader' },
    faults: ['kill', 'pause', 'restart'],
    defaultScenario: 'stub/none',
    files: { rules: [], ruleTests: [], scenarios: '', loadtests: '', dashboards: [], readme: '' },
  };
}
