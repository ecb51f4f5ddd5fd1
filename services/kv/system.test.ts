import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { ClusterPlan, NodePlace } from '../../kit/system.ts';
import { parseKvConfig } from './config.ts';
import manifest from './system.ts';

const place = (index: number): NodePlace => ({
  index,
  host: '127.0.0.1',
  ports: { http: 40_000 + index, peer: 50_000 - index },
  dataDirectory: `/runs/1/data/${index}`,
});
const plan: ClusterPlan = {
  nodes: [0, 1, 2].map(place),
  sharedDirectory: '/runs/1/shared',
  otlpEndpoint: 'http://127.0.0.1:4318',
};

describe('the manifest', () => {
  test('every node it starts accepts its flags, and all agree on the members', () => {
    const configs = plan.nodes.map((node) => {
      const { arguments: argv, environment } = manifest.start(node, plan);
      const parsed = parseKvConfig(argv.slice(2), environment);
      if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
      return parsed.config;
    });
    expect(configs.map((config) => [config.nodeId, config.port, config.peerPort, config.dataDirectory])).toEqual([
      [0, 40_000, 50_000, '/runs/1/data/0'],
      [1, 40_001, 49_999, '/runs/1/data/1'],
      [2, 40_002, 49_998, '/runs/1/data/2'],
    ]);
    for (const config of configs) {
      expect(config.members).toEqual(configs[0]!.members);
      expect(config).toMatchObject({
        certificateDirectory: '/runs/1/shared/ca',
        otlpEndpoint: 'http://127.0.0.1:4318',
      });
    }
  });

  test.each([
    ['leader', true, true],
    ['leader', false, false],
    ['follower', true, false],
  ])('a %s with quorum %s has the role leader: %s', async (role, hasQuorum, expected) => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ role, has_quorum: hasQuorum })));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    expect(await manifest.roles.leader(`http://127.0.0.1:${port}`)).toBe(expected);
    server.close();
    server.closeAllConnections();
  });

  test('a node that cannot be reached leads nothing', async () => {
    expect(await manifest.roles.leader('http://127.0.0.1:1')).toBe(false);
  });
});
