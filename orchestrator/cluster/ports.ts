/** Free ports on loopback, held until the moment they are needed. */
import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below the range that Linux (32768) and macOS (49152) take outgoing connections from: between the release of a port and the
 * bind of the node nothing but another listener can take it. A node that finds its port taken all the same is started on others.
 */
const LOWEST = 20_000;
const HIGHEST = 30_000;
const ATTEMPTS = 200;

export class PortReservation {
  readonly ports: readonly number[];
  readonly #servers: readonly Server[];

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
    this.ports = servers.map(portOf);
  }

  async release(): Promise<void> {
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

export async function reservePorts(count: number): Promise<PortReservation> {
  const servers: Server[] = [];
  for (let attempt = 0; servers.length < count; attempt += 1) {
    const server = await tryListen(randomInt(LOWEST, HIGHEST));
    if (server !== undefined) servers.push(server);
    else if (attempt >= ATTEMPTS) {
      await new PortReservation(servers).release();
      throw new Error(`found ${servers.length} of ${count} free ports between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
    }
  }
  return new PortReservation(servers);
}

export async function isPortFree(port: number): Promise<boolean> {
  const server = await tryListen(port);
  if (server === undefined) return false;
  await new PortReservation([server]).release();
  return true;
}

async function tryListen(port: number): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
