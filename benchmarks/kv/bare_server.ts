/**
 * What the machine does at most, without a store: a bare HTTP server that answers each POST as the store would answer a write, and
 * a TLS server that sends back what it gets. Arguments: HTTP port, TLS port, files with key and certificate (PEM).
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:tls';

const [httpPort, tlsPort, key, certificate] = process.argv.slice(2);
const HOST = '127.0.0.1';
const answer = JSON.stringify({
  id: '00000000-0000-0000-0000-000000000000',
  ...{ key: 'key', value: 'abcdefghijklmnopqrstuvwxyz012345'.repeat(8) },
  ...{ seq: 1, source_node: 0, created_at: '2000-01-01T00:00:00.000Z' },
});

createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on('data', (piece: Buffer) => pieces.push(piece));
  request.once('end', () => {
    if (request.method === 'POST') JSON.parse(Buffer.concat(pieces).toString());
    response.writeHead(request.method === 'POST' ? 201 : 200, { 'Content-Type': 'application/json' });
    response.end(answer);
  });
}).listen(Number(httpPort), HOST);

createTlsServer({ key: readFileSync(key!), cert: readFileSync(certificate!) }, (socket) => {
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(Number(tlsPort), HOST);
