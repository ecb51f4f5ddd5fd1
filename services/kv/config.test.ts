import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseKvConfig } from './config.ts';

const documented = ['--node-id', '1', '--port', '8081', '--peers', '8080,8082'];

function config(argv: string[], environment: Record<string, string> = {}) {
  const parsed = parseKvConfig(argv, environment);
  if (parsed.kind !== 'config') throw new Error(`expected a configuration, got ${JSON.stringify(parsed)}`);
  return parsed.config;
}

function refused(argv: string[], environment: Record<string, string> = {}) {
  const parsed = parseKvConfig(argv, environment);
  return parsed.kind === 'invalid' ? parsed.message : `not refused: ${parsed.kind}`;
}

describe('parseKvConfig', () => {
  test("the document's command line", () => {
    const { members, ...rest } = config(documented);
    expect(members?.map(({ id, port }) => [id, port])).toEqual([
      [0, 8080],
      [1, 8081],
      [2, 8082],
    ]);
    expect(rest).toMatchObject({
      nodeId: 1,
      host: '127.0.0.1',
      port: 8081,
      peerPort: 9081,
      address: { host: '127.0.0.1', port: 8081, peerPort: 9081 },
      join: null,
      dataDirectory: resolve('data/node_1'),
      certificateDirectory: resolve('data/ca'),
      logLevel: 'info',
      adminToken: null,
      otlpEndpoint: null,
      bodyBytesMax: 1_048_576,
    });
  });

  test("the document's variables", () => {
    const { dataDirectory, certificateDirectory, logLevel } = config(documented, {
      STRESS_TEST_DATA: '/tmp/kv',
      RUST_LOG: 'hyper=warn,DEBUG',
    });
    expect([dataDirectory, certificateDirectory, logLevel]).toEqual(['/tmp/kv/node_1', '/tmp/kv/ca', 'debug']);
    expect(config(documented, { LOG_LEVEL: 'warn', RUST_LOG: 'debug' }).logLevel).toBe('warn');
    expect(config(documented, { RUST_LOG: 'off' }).logLevel).toBe('silent');
    expect(config(documented, { RUST_LOG: 'hyper=warn' }).logLevel).toBe('info');
    expect(config([...documented, '--data-dir', '/d'], { STRESS_TEST_DATA: '/tmp/kv' })).toMatchObject({
      dataDirectory: '/d',
      certificateDirectory: '/tmp/kv/ca',
    });
  });

  test('a node without peers is a cluster of one, a joining node has no members of its own', () => {
    expect(config(['--node-id', '0', '--port', '8080']).members).toHaveLength(1);
    const joining = config(['--node-id', '3', '--port', '8083', '--join', '8080,8081']);
    expect(joining.members).toBeNull();
    expect(joining.join?.map((address) => address.peerPort)).toEqual([9080, 9081]);
  });

  test('an advertised host stands for this node among the members', () => {
    const peers = '0@kv-0:8080,1@kv-1:8080';
    const argv = ['--node-id', '0', '--port', '8080', '--host', '0.0.0.0', '--peers', peers];
    expect(refused(argv)).toContain('give --advertise-host');
    expect(config([...argv, '--advertise-host', 'kv-0'])).toMatchObject({
      host: '0.0.0.0',
      address: { host: 'kv-0', port: 8080 },
      members: [
        { id: 0, host: 'kv-0' },
        { id: 1, host: 'kv-1' },
      ],
    });
  });

  test('the admin token counts only together with --faults', () => {
    const environment = { GAMEDAY_ADMIN_TOKEN: '0123456789abcdef' };
    expect(config(documented, environment).adminToken).toBeNull();
    expect(config([...documented, '--faults'], environment).adminToken).toBe('0123456789abcdef');
    expect(refused([...documented, '--faults'])).toContain('requires --admin-token or $GAMEDAY_ADMIN_TOKEN');
  });

  test.each([
    [['--port', '8080'], '--node-id is required'],
    [['--node-id', '-1', '--port', '8080'], '--node-id = -1: requires a number >= 0'],
    [['--node-id', '2', '--port', '8081', '--peers', '8080,8082'], 'so this is node 1:'],
    [[...documented, '--join', '8080'], '--peers 8080,8082 and --join 8080: a node founds a cluster or joins one'],
    [
      [...documented, '--election-ticks', '3'],
      '--heartbeat-ticks 7, --election-ticks 3: requires heartbeat-ticks < election-ticks',
    ],
    [
      ['--node-id', '0', '--port', '65000'],
      '--port 65000 makes the peer port 66000: requires at most 65535; give --peer-port',
    ],
    [['--node-id', '0', '--port', '80', '--peer-port', '80'], 'requires two different ports'],
    [['--node-id', '0', '--port', '80', '--host', '::1'], '--host ::1: requires a host name or an IPv4 address'],
    [[...documented, '--tick-sm', '5'], 'unknown flag --tick-sm: did you mean --tick-ms?'],
    [[...documented.slice(0, -1), '8080,x'], '"x" is no address'],
  ])('%j is refused: %s', (argv, message) => {
    expect(refused(argv)).toContain(message);
  });

  test('--dial says where members are dialled, and is refused when it cannot be meant', () => {
    const dial = (list: string) => ['--node-id', '0', '--port', '8080', '--peers', '8081,8082', '--dial', list];
    expect([...config(dial('1=127.0.0.1:45001, 2=localhost:45002')).dial]).toEqual([
      [1, { host: '127.0.0.1', peerPort: 45_001 }],
      [2, { host: '127.0.0.1', peerPort: 45_002 }],
    ]);
    expect(config(documented).dial.size).toBe(0);
    for (const [list, message] of [
      ['1=45001', '"1=45001" is none: requires ID=HOST:PORT'],
      ['1=127.0.0.1:45001,', '"" is none'],
      ['1=127.0.0.1:70000', 'uses port 70000: requires 1 to 65535'],
      ['0=127.0.0.1:45001', 'this is node 0, and it does not dial itself'],
      ['1=127.0.0.1:45001,1=127.0.0.1:45002', 'has node 1 twice'],
    ] as const) {
      expect(refused(dial(list))).toContain(message);
    }
  });
});
