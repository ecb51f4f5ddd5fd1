/**
 * A node that does next to nothing, for tests of manifests: answers `/ready`, `/role` and `/version`, and says `bare_leading` on a
 * port of its metrics' own. Told by `BARE_*`: the ports (0: any), its index, its version, and what is wrong with it.
 */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

const { BARE_PORT, BARE_METRICS_PORT, BARE_INDEX = '0', BARE_VERSION = '1.2.3', BARE_FAULT } = process.env;
if (BARE_FAULT === 'dies') {
  console.error('cannot read the moon phase');
  process.exit(7);
}
if (BARE_FAULT === 'never-ready') console.log('waiting for the moon');

const leads = BARE_INDEX === '0';
const listen = (port: string | undefined, listener: RequestListener) =>
  new Promise<number>((resolve) => {
    const server = createServer(listener);
    server.listen(Number(port), '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

const port = await listen(BARE_PORT, ({ url }, response) => {
  response.statusCode = url === '/ready' && BARE_FAULT === 'never-ready' ? 503 : 200;
  response.end(url === '/version' ? BARE_VERSION : url === '/role' && leads ? 'leader' : 'ok');
});
const metricsPort = await listen(BARE_METRICS_PORT, (_, response) => {
  response.setHeader('content-type', 'text/plain; version=0.0.4');
  response.end(BARE_FAULT === 'metrics' ? 'bare_leading is one\n' : `bare_leading ${leads ? 1 : 0}\n`);
});
console.log(`${port} ${metricsPort}`);
