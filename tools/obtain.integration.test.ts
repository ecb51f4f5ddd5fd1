import 'reflect-metadata';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from '@peculiar/x509';
import { catalogue, toolNames } from './catalogue.ts';
import { obtain } from './obtain.ts';
import { survey } from './survey.ts';

const everyTool = catalogue.flatMap(toolNames);

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'gameday-obtain-'));
});
afterAll(() => rm(home, { recursive: true }));

test('the real tools are found or obtained, and the survey agrees', async () => {
  const tools = await obtain(everyTool);
  const rows = await survey();
  expect([...tools.keys()].sort()).toEqual([...everyTool].sort());
  for (const { name, found } of rows) expect(found).toMatchObject({ path: tools.get(name)?.path, inRange: true });
  const { stdout } = await promisify(execFile)(tools.get('prometheus')?.path ?? '', ['--version']);
  expect(stdout).toContain(`version ${tools.get('prometheus')?.version}`);
}, 600_000);

/** A certificate for localhost, signed by itself, and its key; both as PEM. */
async function selfSigned(): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
    ],
  });
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
}

test("a mirror's certificate is trusted through NODE_EXTRA_CA_CERTS and through the system's store, and else refused", async () => {
  const { cert, key } = await selfSigned();
  const file = join(home, 'ca.pem');
  await writeFile(file, cert);
  const server = createServer({ cert, key }, (_, response) => response.writeHead(404).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const script = `
    const { obtain } = await import(${JSON.stringify(join(import.meta.dirname, 'obtain.ts'))});
    await obtain(['k6']).catch((error) => console.log(error.message));`;
  const reasonWith = async (certificates: Record<string, string>) => {
    const environment = { HOME: home, PATH: '/usr/bin:/bin', SSL_CERT_DIR: '/nowhere', ...certificates };
    const { port } = server.address() as AddressInfo;
    const env = { ...environment, GAMEDAY_MIRROR: `https://localhost:${port}` };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env });
    return / release +(.*)/.exec(stdout)?.[1];
  };
  try {
    expect(await reasonWith({ SSL_CERT_FILE: '/dev/null' })).toMatch(/certificate/);
    expect(await reasonWith({ NODE_EXTRA_CA_CERTS: file })).toMatch(/HTTP 404/);
    expect(await reasonWith({ SSL_CERT_FILE: file })).toMatch(/HTTP 404/);
  } finally {
    server.close();
  }
}, 30_000);
