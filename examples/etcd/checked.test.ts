import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { checkers } from './checked.ts';

test('all pages are of the revision of the first one, although writes go on', async () => {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    const { revision } = JSON.parse(body) as { revision: string };
    asked.push(revision);
    const key = Buffer.from(`entries/${asked.length}`).toString('base64');
    // As etcd 3.6.8 does: the header tells what the store has come to meanwhile.
    const header = { member_id: '1', revision: String(40 + asked.length) };
    response.end(JSON.stringify({ header, kvs: [{ key, value: 'dg==' }], more: asked.length < 3 }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const entries = await Array.fromAsync(checkers.readAll(url, AbortSignal.timeout(5000)));
  server.closeAllConnections();
  server.close();
  expect(entries).toEqual(['1', '2', '3'].map((key) => ({ key, value: 'v' })));
  expect(asked).toEqual(['0', '41', '41']);
});
