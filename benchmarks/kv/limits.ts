/** How fast this machine is at what a write is made of, when nothing is replicated: no store can be faster. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import * as x509 from '@peculiar/x509';
import type { SystemManifest } from '../../kit/system.ts';
import { alone, median } from '../bench.ts';
import { measureLoad } from './load.ts';
import type { Findings, Plan } from './plan.ts';
import { CLIENTS } from './workloads.ts';

export const LIMIT_METRICS: readonly string[] = [
  ...['limit_http_requests_per_second', 'limit_http_round_trip_seconds', 'limit_tls_round_trip_seconds'],
];

const ROUND_TRIPS = 5_000;
const WARM_UP_ROUND_TRIPS = 1_000;
const MESSAGE_BYTES = 400;

/** Servers that answer at once, in place of the store's nodes. */
export function bareManifest(directory: string): SystemManifest {
  const [key, certificate] = [join(directory, 'bare.key'), join(directory, 'bare.pem')];
  return {
    version: 1,
    name: 'bare',
    title: 'bare servers',
    nodes: { default: 3, min: 1, max: 7 },
    ports: [
      { name: 'http', first: 8080 },
      { name: 'tls', first: 8443 },
    ],
    start: ({ ports }) => ({
      command: process.execPath,
      arguments: [join(import.meta.dirname, 'bare_server.ts'), `${ports.http}`, `${ports.tls}`, key, certificate],
      environment: {},
    }),
    paths: { health: '/', ready: '/', probe: '/' },
    metrics: { path: '/metrics' },
    roles: {},
    faults: [],
    defaultScenario: 'none',
    files: { rules: [] },
  };
}

export async function measureLimits(plan: Plan): Promise<Findings> {
  await writeCertificate(plan.context.directory);
  await using side = await plan.start('bare');
  const keysFile = await side.prefill(1, plan.context.signal);
  const load = { operation: 'write', seconds: plan.seconds, keysFile } as const;
  const many = await measureLoad(side, { ...load, clients: CLIENTS }, plan.programs);
  const one = await measureLoad(side, { ...load, clients: 1 }, plan.programs);
  const tls = await tlsRoundTrip(side.cluster.nodes[0]!.place.ports.tls!, plan.context.signal);
  return {
    metrics: [
      alone('limit_http_requests_per_second', many.perSecond, 'requests/s'),
      alone('limit_http_round_trip_seconds', one.p50Seconds, 'seconds'),
      alone('limit_tls_round_trip_seconds', tls, 'seconds'),
    ],
    notes: [
      'limit_http_*: the same load on three bare node:http servers, which answer at once; ' +
        `CPU for 1,000 requests: servers ${per1000(many.usage.nodes, many.operations)} s, k6 ${per1000(many.usage.client, many.operations)} s`,
      `limit_tls_round_trip_seconds: ${MESSAGE_BYTES} bytes to a bare TLS server in another process and back, median of ${ROUND_TRIPS}`,
    ],
  };
}

function per1000(seconds: number, operations: number): string {
  return ((seconds / operations) * 1000).toFixed(3);
}

/** Seconds, the median. */
async function tlsRoundTrip(port: number, signal: AbortSignal): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect', { signal });
  socket.setNoDelay(true);
  const message = Buffer.alloc(MESSAGE_BYTES, 'x');
  const seconds: number[] = [];
  try {
    for (let trip = 0; trip < WARM_UP_ROUND_TRIPS + ROUND_TRIPS; trip += 1) {
      const begin = performance.now();
      socket.write(message);
      for (let got = 0; got < MESSAGE_BYTES; ) {
        const [piece] = (await once(socket, 'data', { signal })) as [Buffer];
        got += piece.length;
      }
      if (trip >= WARM_UP_ROUND_TRIPS) seconds.push((performance.now() - begin) / 1000);
    }
  } finally {
    socket.destroy();
  }
  return median(seconds);
}

async function writeCertificate(directory: string): Promise<void> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    keys,
    name: 'CN=bench',
    signingAlgorithm: algorithm,
    serialNumber: '01',
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  writeFileSync(join(directory, 'bare.pem'), certificate.toString('pem'));
  writeFileSync(join(directory, 'bare.key'), `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, {
    mode: 0o600,
  });
}
