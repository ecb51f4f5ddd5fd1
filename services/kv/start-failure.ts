import { portOwner } from '../../kit/port-owner.ts';
import type { KvConfig } from './config.ts';

/** A failed attempt to listen, as node:net reports it. */
interface ListenError extends NodeJS.ErrnoException {
  readonly address?: string;
  readonly port?: number;
}

/** What a person needs to know when a node cannot start: what is wrong, who is in the way, and what to do. */
export async function startFailure(error: Error, config: Pick<KvConfig, 'port' | 'peerPort'>): Promise<string> {
  const { code, syscall, address, port } = error as ListenError;
  if (syscall !== 'listen' || port === undefined) return error.message;
  const flag = port === config.peerPort ? '--peer-port' : '--port';
  switch (code) {
    case 'EADDRINUSE': {
      const owner = await portOwner(port);
      const who = owner === null ? 'another process' : `process ${owner.pid} (${owner.command})`;
      return `port ${port} is in use by ${who}: stop it, or choose another port with ${flag} here and the same one in the other nodes' --peers`;
    }
    case 'EACCES':
      return `port ${port} needs privileges that this process lacks: choose one above 1023 with ${flag}`;
    case 'EADDRNOTAVAIL':
      return `--host ${address} is no address of this machine`;
    default:
      return error.message;
  }
}
