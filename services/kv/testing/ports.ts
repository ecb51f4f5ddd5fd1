import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ranges of Linux (from 32768) and macOS (from 49152), and below those of the orchestrator (from 20000). */
const FIRST = 10_000;
const LAST = 18_999;

/**
 * Ports that nobody uses now, ascending, each with its peer port (+ 1000) free as well. No outgoing connection is given one of them
 * while a node that is to come back is down.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    const taken = ports.has(port) || ports.has(port - 1000) || ports.has(port + 1000);
    if (!taken && (await isFree(port)) && (await isFree(port + 1000))) ports.add(port);
  }
  return [...ports].sort((a, b) => a - b);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.listen(port, '127.0.0.1');
  if (!(await listening)) return false;
  server.close();
  await once(server, 'close');
  return true;
}
