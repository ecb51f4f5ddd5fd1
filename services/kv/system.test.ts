import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { ClusterPlan, NodeCommand, NodePlace } from '../../kit/system.ts';
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
  tools: {},
};

/** What the program itself is given: what comes before it is Node's. */
function flagsOf(argv: readonly string[]): string[] {
  return argv.slice(argv.findIndex((word) => word.endsWith('main.ts')) + 1);
}

describe('the manifest', () => {
  test('every node it starts accepts its flags, and all agree on the members', () => {
    const configs = plan.nodes.map((node) => {
      const { arguments: argv, environment } = manifest.start(node, plan);
      const parsed = parseKvConfig(flagsOf(argv), environment);
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

  describe('with links and node faults', () => {
    const TOKEN = 'a-token-of-the-game-day';
    const links = [
      { from: 0, to: 1, host: '127.0.0.1', port: 45_001 },
      { from: 0, to: 2, host: '127.0.0.1', port: 45_002 },
      { from: 1, to: 0, host: '127.0.0.1', port: 45_003 },
    ];
    const disturbed: ClusterPlan = { ...plan, links, faultToken: TOKEN };
    const configOf = ({ arguments: argv, environment }: NodeCommand) => {
      const parsed = parseKvConfig(flagsOf(argv), environment);
      if (parsed.kind !== 'config') throw new Error(JSON.stringify(parsed));
      return parsed.config;
    };

    test('each node dials through its own links; its address stays what it is, and the token is no argument', () => {
      const command = manifest.start(place(0), disturbed);
      const { dial, members, adminToken } = configOf(command);
      // Also those that come back at the same place under a later id.
      for (const [id, peerPort] of [
        [1, 45_001],
        [4, 45_001],
        [2, 45_002],
        [23, 45_002],
      ] as const) {
        expect(dial.get(id)).toEqual({ host: '127.0.0.1', peerPort });
      }
      expect(members?.map(({ peerPort }) => peerPort)).toEqual([50_000, 49_999, 49_998]);
      expect([adminToken, command.arguments.join(' ').includes(TOKEN)]).toEqual([TOKEN, false]);
      expect(configOf(manifest.start(place(2), disturbed)).dial.size).toBe(0);
      expect(configOf(manifest.start(place(0), plan)).adminToken).toBeNull();
    });

    test('a node that lost its data comes back at its place under a new id', () => {
      const config = configOf(manifest.rejoin(place(1), disturbed, 7));
      expect(config).toMatchObject({ nodeId: 7, port: 40_001, peerPort: 49_999, members: null });
      expect(config.join?.map(({ port, peerPort }) => [port, peerPort])).toEqual([
        [40_000, 50_000],
        [40_002, 49_998],
      ]);
    });

    test('faults are put in force at a node, and its refusal is passed on in its words', async () => {
      const seen: unknown[] = [];
      const server = createServer(async (request, response) => {
        let body = '';
        for await (const part of request) body += part;
        seen.push([request.method, request.url, request.headers.authorization, body]);
        response.statusCode = request.headers.authorization === `Bearer ${TOKEN}` ? 200 : 401;
        response.end(response.statusCode === 200 ? body || '{"disk":{"full":true}}' : '{"error":{"message":"who?"}}');
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
      await manifest.nodeFaults.apply(url, TOKEN, { disk: { full: true } });
      expect(seen).toEqual([['PUT', '/_gameday/faults', `Bearer ${TOKEN}`, '{"disk":{"full":true}}']]);
      expect(await manifest.nodeFaults.read(url, TOKEN)).toEqual({ disk: { full: true } });
      await expect(manifest.nodeFaults.apply(url, 'wrong', {})).rejects.toThrow('answered 401: who?');
      server.close();
      server.closeAllConnections();
    });
  });
});
