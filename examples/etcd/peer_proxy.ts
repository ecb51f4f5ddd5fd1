/**
 * An HTTP forward proxy on loopback that knows a few host names and nothing else. etcd asks it for `http://<name>/…` (RFC 9112,
 * absolute-form); each request gets a connection of its own to the address of that name. What is a stream stays one, and when either side of a
 * connection breaks, so does the other: what a link does to a connection is done to the member.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PeerAddress {
  readonly host: string;
  readonly port: number;
}

const BAD_GATEWAY = 502;

export class PeerProxy {
  /** For `http_proxy`. */
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param routes address by host name */
  static async start(routes: ReadonlyMap<string, PeerAddress>): Promise<PeerProxy> {
    const server = createServer((incoming, outgoing) => forward(routes, incoming, outgoing));
    // A snapshot takes as long as the link lets it take.
    server.requestTimeout = 0;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new PeerProxy(server);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function forward(routes: ReadonlyMap<string, PeerAddress>, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const target = URL.parse(incoming.url ?? '');
  const address = routes.get(target?.hostname ?? '');
  if (target === null || address === undefined) {
    outgoing.writeHead(BAD_GATEWAY).end(`no route to ${incoming.url}\n`);
    return;
  }
  const { method, headers } = incoming;
  // No agent: a connection that is kept would carry the disturbance of one request into the next one.
  const upstream = request({ ...address, method, headers, path: target.pathname + target.search, agent: false });
  upstream.once('response', (answer) => {
    outgoing.writeHead(answer.statusCode ?? BAD_GATEWAY, answer.headers);
    // The head of a stream must not wait for its first message.
    outgoing.flushHeaders();
    answer.pipe(outgoing);
    answer.once('close', () => answer.complete || outgoing.destroy());
    answer.once('error', () => outgoing.destroy());
  });
  upstream.once('error', () => outgoing.destroy());
  outgoing.once('close', () => upstream.destroy());
  incoming.once('error', () => upstream.destroy());
  incoming.pipe(upstream);
}
