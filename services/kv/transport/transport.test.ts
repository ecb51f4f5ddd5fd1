import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { ServiceError } from '../../../kit/errors.ts';
import type { Message } from '../core/raft/types.ts';
import { Relay } from '../driver/testing/relay.ts';
import { freePorts } from '../testing/ports.ts';
import { type NodeCertificates, obtainCertificates } from './certificates.ts';
import type { Frame } from './frame.ts';
import { type DialPlace, TlsTransport, type TransportEvents } from './transport.ts';

let base: string;
let certificates: NodeCertificates[];
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  base = await mkdtemp(`${tmpdir()}/gameday-transport-`);
  certificates = await Promise.all([0, 1, 2].map((node) => obtainCertificates(`${base}/ca`, node)));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});
afterAll(() => rm(base, { recursive: true }));

const heartbeat = (from: number, to: number): Message => ({
  type: 'heartbeat',
  from,
  to,
  term: 1,
  leaderCommit: 0,
  readRound: 0,
});

interface Node {
  readonly transport: TlsTransport;
  readonly frames: Frame[];
  readonly refused: string[];
  readonly states: string[];
}

async function start(
  node: number,
  peerPort: number,
  own: NodeCertificates,
  changes: Partial<TransportEvents> = {},
  dial: ReadonlyMap<number, DialPlace> = new Map(),
): Promise<Node> {
  const frames: Frame[] = [];
  const refused: string[] = [];
  const states: string[] = [];
  const transport = await TlsTransport.listen(
    {
      nodeId: node,
      instanceId: `instance-${node}`,
      certificates: own,
      host: '127.0.0.1',
      peerPort,
      dial,
      now: () => performance.now(),
    },
    {
      connected: () => {},
      frame: (frame) => frames.push(frame),
      call: async (name, body, from) => ({ name, body, from }),
      snapshot: () => null,
      refused: (_, reason) => refused.push(reason),
      senderState: () => ({ durableIndex: 5, quorumDurableIndex: 4, storageFull: false, checkpoint: null }),
      sent: () => {},
      peer: (peer, up, reason) => states.push(`${peer} ${up ? 'up' : `down: ${reason}`}`),
      ...changes,
    },
  );
  open.push(transport);
  return { transport, frames, refused, states };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function pair(changes: Partial<TransportEvents> = {}) {
  const [a, b] = (await freePorts(2)) as [number, number];
  const from = await start(0, a, certificates[0]!);
  const to = await start(1, b, certificates[1]!, changes);
  from.transport.setPeers([{ node: 1, host: '127.0.0.1', peerPort: b }]);
  return { from, to, port: b };
}

test('three nodes that start at once agree on one authority; its key is private', async () => {
  expect(new Set(certificates.map((it) => it.authority)).size).toBe(1);
  expect(new Set(certificates.map((it) => it.clusterId)).size).toBe(1);
  expect(await readdir(base)).toEqual(['ca']);
  expect((await stat(`${base}/ca/ca.key`)).mode & 0o777).toBe(0o600);
  const again = await obtainCertificates(`${base}/ca`, 0);
  expect(again.authority).toBe(certificates[0]!.authority);
});

test('messages arrive, with what the sender says of itself', async () => {
  const { from, to } = await pair();
  await until(() => from.transport.connected(1), 'a connection');
  expect(from.transport.send(1, [heartbeat(0, 1), heartbeat(0, 1)])).toEqual([]);
  await until(() => to.frames.length === 1, 'a frame');
  expect(to.frames[0]).toEqual({
    from: 0,
    sender: { durableIndex: 5, quorumDurableIndex: 4, storageFull: false, checkpoint: null },
    messages: [heartbeat(0, 1), heartbeat(0, 1)],
  });
});

test('a peer that comes back is connected to again', async () => {
  const { from, to, port } = await pair();
  await until(() => from.transport.connected(1), 'a connection');
  await to.transport.close();
  await until(() => !from.transport.connected(1), 'the loss');
  expect(from.transport.send(1, [heartbeat(0, 1)])).toEqual([heartbeat(0, 1)]);
  const again = await start(1, port, certificates[1]!);
  await until(() => from.transport.connected(1), 'a new connection');
  from.transport.send(1, [heartbeat(0, 1)]);
  await until(() => again.frames.length === 1, 'a frame');
});

test('strangers that only open connections do not keep a member out', async () => {
  const { from, to, port } = await pair();
  const { connect } = await import('node:net');
  const strangers = Array.from({ length: 400 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  try {
    await Promise.all(
      strangers.map((it) => new Promise((resolve) => it.once('connect', resolve).once('close', resolve))),
    );
    const target = { node: 1, host: '127.0.0.1', peerPort: port };
    expect(await from.transport.call(target, 'hello', {}, 2000)).toMatchObject({ name: 'hello', from: 0 });
    expect(to.refused).toContain('it showed no certificate while many others came');
  } finally {
    for (const stranger of strangers) stranger.destroy();
  }
});

test('nobody speaks for another node', async () => {
  const { from, to } = await pair();
  await until(() => from.transport.connected(1), 'a connection');
  from.transport.send(1, [heartbeat(2, 1)]);
  await until(() => to.refused.length > 0, 'a refusal');
  expect(to.refused[0]).toBe('node 0, by its certificate, sent node 1 a message from 2 to 1');
  expect(to.frames).toEqual([]);
  await until(() => from.states.some((it) => it.includes('403')), 'the reason at the sender');
});

test('a node of another cluster is refused by either side', async () => {
  const foreign = await obtainCertificates(`${base}/other/ca`, 0).catch(async () => {
    const { mkdir } = await import('node:fs/promises');
    await mkdir(`${base}/other`, { recursive: true });
    return obtainCertificates(`${base}/other/ca`, 0);
  });
  const { to, port } = await pair();
  const stranger = await start(0, (await freePorts(1))[0]!, foreign);
  stranger.transport.setPeers([{ node: 1, host: '127.0.0.1', peerPort: port }]);
  await until(() => stranger.states.length > 0 && to.refused.length > 0, 'both refusals');
  expect(stranger.states[0]).toMatch(/down: .*(self.signed|unable to)/);
  expect(stranger.transport.connected(1)).toBe(false);
});

test('a node that is not the expected one is refused', async () => {
  const { from, port } = await pair();
  from.transport.setPeers([{ node: 2, host: '127.0.0.1', peerPort: port }]);
  await until(() => from.states.includes('2 down: it is node 1, not node 2'), 'the reason');
});

test('a refused stream tells its reason', async () => {
  const { from } = await pair({
    connected: () => {
      throw new ServiceError('CONFLICT', 'node 0 lost its data');
    },
  });
  await until(() => from.states.some((it) => it.includes('node 0 lost its data')), 'the reason');
});

test('calls are answered; errors keep their code', async () => {
  const { from, port } = await pair({
    call: async (name) => {
      if (name === 'bad') throw new ServiceError('CONFLICT', 'no', { details: { leader: 2 } });
      return { name };
    },
  });
  const target = { node: 1, host: '127.0.0.1', peerPort: port };
  expect(await from.transport.call(target, 'good', {}, 2000)).toEqual({ name: 'good' });
  await expect(from.transport.call(target, 'bad', {}, 2000)).rejects.toMatchObject({
    status: 409,
    body: { code: 'CONFLICT', details: { leader: 2 } },
  });
  await expect(
    from.transport.call({ ...target, peerPort: (await freePorts(1))[0]! }, 'good', {}, 2000),
  ).rejects.toThrow('ECONNREFUSED');
});

test('a member is dialled where --dial says, streams and calls alike; cutting that way cuts that direction only', async () => {
  const [a, b] = (await freePorts(2)) as [number, number];
  const relay = await Relay.listen(b);
  open.push(relay);
  const from = await start(0, a, certificates[0]!, {}, new Map([[1, { host: '127.0.0.1', peerPort: relay.port }]]));
  const to = await start(1, b, certificates[1]!);
  from.transport.setPeers([{ node: 1, host: '127.0.0.1', peerPort: b }]);
  to.transport.setPeers([{ node: 0, host: '127.0.0.1', peerPort: a }]);
  await until(() => from.transport.connected(1) && to.transport.connected(0), 'both ways');
  relay.cut();
  await until(() => !from.transport.connected(1), 'one way down');
  const target = { node: 1, host: '127.0.0.1', peerPort: b };
  await expect(from.transport.call(target, 'hello', {}, 1000)).rejects.toThrow(`127.0.0.1:${relay.port}`);
  expect(to.transport.connected(0)).toBe(true);
  to.transport.send(0, [heartbeat(1, 0)]);
  await until(() => from.frames.length === 1, 'a message the other way');
  relay.mend();
  await until(() => from.transport.connected(1), 'up again');
  expect(await from.transport.call(target, 'hello', {}, 1000)).toMatchObject({ name: 'hello', from: 0 });
});

test('a peer that speaks another major version of the protocol is refused, and told which node to upgrade', async () => {
  const { to, port } = await pair();
  const ask = (version: string | undefined) =>
    new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = version === undefined ? {} : { 'x-gameday-protocol': version };
      const { authority: ca, certificate: cert, key } = certificates[2]!;
      const outgoing = request(
        {
          ca,
          cert,
          key,
          port,
          method: 'POST',
          path: '/_raft/call/hello',
          agent: false,
          headers,
          checkServerIdentity: () => undefined,
        },
        (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text;
          });
          response.on('end', () => resolve({ status: response.statusCode!, body }));
        },
      );
      outgoing.on('error', reject);
      outgoing.end('{}');
    });
  for (const version of [undefined, '1.0', '1.7']) expect((await ask(version)).status).toBe(200);
  const newer = await ask('2.0');
  expect([newer.status, newer.body]).toEqual([409, expect.stringContaining('node 2 speaks version 2.0')]);
  expect(newer.body).toContain('upgrade this node');
  expect((await ask('nonsense')).body).toContain('upgrade node 2');
  expect(to.refused.join()).toContain('speaks version 2.0 of the peer protocol, this node 1.0');
});
