import { once } from 'node:events';
import { createServer, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PeerProxy } from './peer_proxy.ts';

let peer: Server;
let proxy: PeerProxy;
/** What the peer has been asked for and not yet answered. */
let waiting: { readonly url: string; readonly body: string; readonly response: ServerResponse }[];
let arrived: () => void;

beforeEach(async () => {
  waiting = [];
  arrived = () => {};
  peer = createServer(async (incoming, response) => {
    let body = '';
    for await (const part of incoming) body += part;
    waiting.push({ url: `${incoming.headers.host} ${incoming.url}`, body, response });
    arrived();
  });
  peer.listen(0, '127.0.0.1');
  await once(peer, 'listening');
  const { port } = peer.address() as AddressInfo;
  proxy = await PeerProxy.start(new Map([['etcd-1.peer.internal', { host: '127.0.0.1', port }]]));
});

afterEach(async () => {
  await proxy.stop();
  peer.closeAllConnections();
  await new Promise((resolve) => peer.close(resolve));
});

/** As etcd asks: the proxy is the host, and the path a whole URL. */
function ask(url: string, body = '') {
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const sent = request(proxy.url, { path: url, method: 'POST', headers: { host: new URL(url).host }, agent: false });
  sent.end(body);
  return { sent, asked };
}

test('a request goes to the address of the name, with its body, and what is streamed back arrives as it is sent', async () => {
  const { sent, asked } = ask('http://etcd-1.peer.internal:2380/raft/stream/message/1?a=b', 'hello');
  await asked;
  const [{ url, body, response }] = waiting as [(typeof waiting)[0]];
  expect([url, body]).toEqual(['etcd-1.peer.internal:2380 /raft/stream/message/1?a=b', 'hello']);
  response.flushHeaders();
  const [answer] = await once(sent, 'response');
  for (const part of ['one', 'two']) {
    response.write(part);
    expect(String((await once(answer, 'data'))[0])).toBe(part);
  }
  sent.destroy();
});

test('a stream ends for the member when the link breaks it', async () => {
  const { sent, asked } = ask('http://etcd-1.peer.internal:2380/raft/stream/message/1');
  await asked;
  waiting[0]!.response.flushHeaders();
  const [answer] = await once(sent, 'response');
  const broken = once(answer, 'error');
  waiting[0]!.response.destroy();
  expect((await broken)[0]).toMatchObject({ code: 'ECONNRESET' });
});

test('a stream ends for the peer when the member breaks it', async () => {
  const { sent, asked } = ask('http://etcd-1.peer.internal:2380/raft/stream/message/1');
  await asked;
  const { response } = waiting[0]!;
  response.flushHeaders();
  await once(sent, 'response');
  const closed = once(response, 'close');
  sent.on('error', () => {});
  sent.destroy();
  await closed;
});

test('a name that it does not know is refused', async () => {
  const { sent } = ask('http://etcd-9.peer.internal:2380/version');
  const [answer] = await once(sent, 'response');
  expect(answer.statusCode).toBe(502);
  answer.resume();
});
