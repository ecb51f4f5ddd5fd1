/**
 * A node that does nothing but answer: `node stub_node.ts <port> <index> <mode>`. The mode `dies` ends with a message before it is
 * ready, `taken-once` says once (a file in the data directory remembers) that its port is taken, `deaf` does not end on SIGTERM.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, index, mode, marker] = process.argv.slice(2);
if (mode === 'dies') {
  console.error('cannot read the moon phase');
  process.exit(7);
}
if (mode === 'taken-once' && marker !== undefined && !existsSync(marker)) {
  writeFileSync(marker, '');
  console.error('Error: listen EADDRINUSE: address already in use');
  process.exit(1);
}
if (mode === 'deaf') process.on('SIGTERM', () => undefined);
createServer((request, response) => {
  if (request.url === '/role') response.end(index === '0' ? 'leader' : 'follower');
  else response.end('ok');
}).listen(Number(port), '127.0.0.1');
