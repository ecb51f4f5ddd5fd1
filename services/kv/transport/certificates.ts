// @peculiar/x509 resolves its parts by decorators and needs this before it is loaded.
import 'reflect-metadata';
import { randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import * as x509 from '@peculiar/x509';
import type { NodeId } from '../core/raft/types.ts';

/** What a node needs to speak TLS with its peers. */
export interface NodeCertificates {
  /** From the certificate authority: whoever shares it is of the same cluster. */
  readonly clusterId: string;
  /** PEM. */
  readonly authority: string;
  readonly certificate: string;
  /** PEM, PKCS #8; stays in memory. */
  readonly key: string;
}

/** Who a certificate belongs to: the URI `gameday://<cluster id>/node/<node id>` among its alternative names. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** The certificate is made anew at every start; one that runs longer than this must be restarted. */
const NODE_DAYS = 825;

/** The authority's files cannot be used; the message says what to do. */
export class CertificateError extends Error {
  override name = 'CertificateError';
  readonly code = 'CERTIFICATE';
}

/**
 * A fresh certificate for this node, signed by the authority in `directory`, which is made if there is none. Nodes that start at the
 * same time agree on one authority: it is prepared under a private name and renamed into place, and a rename cannot replace a directory
 * that holds something.
 * @param directory `<base>/ca`; to run nodes on several machines, copy it to each
 * @throws CertificateError
 */
export async function obtainCertificates(directory: string, nodeId: NodeId): Promise<NodeCertificates> {
  const existing = await loadAuthority(directory);
  if (existing === null) await createAuthority(directory);
  const authority = existing ?? (await loadAuthority(directory));
  if (authority === null)
    throw new CertificateError(`${directory} holds no certificate authority: remove it and start again`);
  return issue(authority, nodeId);
}

interface Authority {
  readonly clusterId: string;
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function loadAuthority(directory: string): Promise<Authority | null> {
  let texts: [string, string];
  try {
    texts = [await readFile(`${directory}/ca.crt`, 'utf8'), await readFile(`${directory}/ca.key`, 'utf8')];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const certificate = new x509.X509Certificate(texts[0]);
    const der = x509.PemConverter.decode(texts[1])[0]!;
    const key = await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
    const clusterId = /^gameday:\/\/([0-9a-f-]{36})$/.exec(uris(certificate)[0] ?? '')?.[1];
    if (clusterId === undefined) throw new Error('it names no cluster');
    if (certificate.notAfter.getTime() < Date.now())
      throw new Error(`it expired on ${certificate.notAfter.toISOString()}`);
    return { clusterId, certificate, key };
  } catch (error) {
    throw new CertificateError(
      `the certificate authority in ${directory} cannot be used: ${(error as Error).message}. Copy ca.crt and ca.key from another ` +
        'machine of this cluster; only where there is no data to keep, remove the directory to begin a new cluster',
    );
  }
}

async function createAuthority(directory: string): Promise<void> {
  const clusterId = randomUUID();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(16).toString('hex'),
    name: `CN=gameday cluster ${clusterId}`,
    ...validity(AUTHORITY_DAYS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `gameday://${clusterId}` }]),
    ],
  });
  await placeAuthority(directory, certificate.toString('pem'), await exportKey(keys.privateKey));
}

async function placeAuthority(directory: string, certificate: string, key: string): Promise<void> {
  const temporary = `${directory}.${process.pid}.${randomUUID()}.tmp`;
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  try {
    await writeDurably(`${temporary}/ca.crt`, certificate, 0o644);
    await writeDurably(`${temporary}/ca.key`, key, 0o600);
    await rename(temporary, directory);
    await syncDirectory(dirname(directory));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    const code = (error as NodeJS.ErrnoException).code;
    // Another node was first: its authority is the one.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}

async function issue(authority: Authority, nodeId: NodeId): Promise<NodeCertificates> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(16).toString('hex'),
    subject: `CN=node ${nodeId}`,
    issuer: authority.certificate.subject,
    ...validity(NODE_DAYS),
    publicKey: keys.publicKey,
    signingKey: authority.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: `gameday://${authority.clusterId}/node/${nodeId}` },
      ]),
    ],
  });
  return {
    clusterId: authority.clusterId,
    authority: authority.certificate.toString('pem'),
    certificate: certificate.toString('pem'),
    key: await exportKey(keys.privateKey),
  };
}

/** @param alternativeNames as Node gives them: `URI:gameday://…, DNS:…` */
export function peerIdentity(alternativeNames: string | undefined): PeerIdentity | null {
  const match = /(?:^|, )URI:gameday:\/\/([0-9a-f-]{36})\/node\/(\d{1,9})(?:,|$)/.exec(alternativeNames ?? '');
  return match === null ? null : { clusterId: match[1]!, nodeId: Number(match[2]) };
}

function uris(certificate: x509.X509Certificate): string[] {
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.filter((name) => name.type === 'url').map((name) => name.value);
}

/** From yesterday, because clocks differ. */
function validity(days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + days * DAY_MS) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

async function writeDurably(path: string, text: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
