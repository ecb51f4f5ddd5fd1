/** What answers in place of a Prometheus, and what is said of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { PromApi } from './api.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => (server as ReturnType<typeof createServer>).closeAllConnections?.() }, server);
  return (server.address() as AddressInfo).port;
}

async function apiOf(answer: Answer, options: ConstructorParameters<typeof PromApi>[1] = {}): Promise<PromApi> {
  const api = new PromApi(`http://127.0.0.1:${await listening(createServer(answer))}`, options);
  open.push(api);
  return api;
}

const says =
  (status: number, body: string, type = 'text/html'): Answer =>
  (_, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };

test.each([
  [
    'a page',
    says(200, '<!doctype html>\n<title>Login</title>'),
    'PROMETHEUS_FOREIGN',
    /status 200 and `<!doctype html> <title>Login/,
  ],
  [
    'a page that is not there',
    says(404, '404 page not found'),
    'PROMETHEUS_FOREIGN',
    /status 404 and `404 page not found`.*path prefix/,
  ],
  ['a way to somewhere else', says(302, ''), 'PROMETHEUS_FOREIGN', /status 302 and nothing more/],
  ['JSON of something else', says(200, '{"ok":true}', 'application/json'), 'PROMETHEUS_FOREIGN', /is no Prometheus/],
  ['who is there?', says(401, 'Unauthorized'), 'PROMETHEUS_REFUSED', /status 401/],
  ['not you', says(403, '{"status":"error"}'), 'PROMETHEUS_REFUSED', /status 403/],
  [
    'a query it does not take',
    says(400, '{"status":"error","errorType":"bad_data","error":"bad"}'),
    'QUERY_FAILED',
    /bad/,
  ],
])('%s', async (_, answer, code, message) => {
  const api = await apiOf(answer);
  await expect(api.query('up')).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test('nobody there, and nobody who answers in time', async () => {
  const gone = createServer();
  const port = await listening(gone);
  await new Promise((resolve) => gone.close(resolve));
  const nobody = new PromApi(`http://127.0.0.1:${port}`);
  open.push(nobody);
  await expect(nobody.query('up')).rejects.toMatchObject({ code: 'PROMETHEUS_UNREACHABLE' });
  const slow = await apiOf(() => undefined, { timeoutMs: 50 });
  await expect(slow.query('up')).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' });
});

test('TLS with a certificate of nobody, and where there is no TLS', async () => {
  const certificate = await selfSigned();
  const port = await listening(createTlsServer(certificate, says(200, '')));
  const plain = await listening(createServer(says(200, '')));
  for (const [at, code] of [
    [port, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    [plain, 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ] as const) {
    const api = new PromApi(`https://127.0.0.1:${at}`);
    open.push(api);
    await expect(api.query('up')).rejects.toMatchObject({
      code: 'PROMETHEUS_TLS',
      message: expect.stringContaining(code),
    });
  }
});

test('who asks is said with every request, and never shown', async () => {
  const heard: (string | undefined)[] = [];
  const answer: Answer = (request, response) => {
    heard.push(request.headers.authorization);
    says(401, `who is ${request.headers.authorization}?`)(request, response);
  };
  const api = await apiOf(answer, { headers: { authorization: 'Bearer s3cret' } });
  const errors = await Promise.all(
    [api.query('up'), api.rules(), api.labels()].map((asked) => asked.catch((error: Error) => error.message)),
  );
  expect(heard).toEqual(['Bearer s3cret', 'Bearer s3cret', 'Bearer s3cret']);
  for (const message of errors) expect(message).not.toContain('s3cret');
});

async function selfSigned(): Promise<{ readonly key: string; readonly cert: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...{ serialNumber: '01', name: 'CN=127.0.0.1', signingAlgorithm: algorithm, keys: keys as never },
    ...{ notBefore: new Date(Date.now() - 1000), notAfter: new Date(Date.now() + 86_400_000) },
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
}
