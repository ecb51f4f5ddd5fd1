/** A real Prometheus sends what it has to receivers that take it, and to those that do not. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseDocument } from 'yaml';
import { until } from '../../kit/until.ts';
import { obtain } from '../../tools/obtain.ts';
import { judgeConfiguration, type Prometheus, startPrometheus } from '../verdict/prometheus.ts';
import { parseEndpoint } from './endpoint.ts';
import type { RemoteWriteRecord } from './record.ts';
import { missingSamples, RemoteCopy } from './remote_copy.ts';

jest.setTimeout(60_000);

let directory: string;
let binary: string;
const servers: Server[] = [];
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'copy-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(directory, { recursive: true, force: true });
});

async function serve(answer: (authorization: string | undefined) => { status: number; body: string }): Promise<string> {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.headers.authorization);
    request
      .resume()
      .on('end', () => response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4' }).end(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Outcome {
  readonly record: RemoteWriteRecord;
  readonly stored: number;
  /** Everything that was written to disk in text. */
  readonly texts: string;
  readonly path: string;
}

/** A small run: one target, scraped five times a second until 200 samples are in, whose copy goes to `url`. */
async function run(
  id: string,
  url: string,
  timeoutMs: number,
  look: (own: Prometheus) => Promise<void> = async () => undefined,
): Promise<Outcome> {
  const path = join(directory, id);
  for (const folder of ['logs', 'prometheus']) mkdirSync(join(path, folder), { recursive: true });
  const target = await serve(() => ({ status: 200, body: `${exposition()}\n` }));
  const copy = new RemoteCopy(parseEndpoint(url, '--remote-write', 'GAMEDAY_REMOTE_WRITE', {}), { id, path });
  const document = parseDocument(`
global: { scrape_interval: 200ms, scrape_timeout: 200ms, external_labels: { dashboard_base: 'https://grafana/' } }
scrape_configs: [{ job_name: node, static_configs: [{ targets: ['${new URL(target).host}'] }] }]
`);
  copy.configure(document);
  const configFile = join(path, 'prometheus/prometheus.yml');
  writeFileSync(configFile, document.toString());
  const logFile = join(path, 'logs/prometheus.log');
  const own = await startPrometheus({ binary, configFile, logFile, directory: join(path, 'tsdb'), mode: 'run' });
  try {
    await until(async () => ((await own.api.query('sum(count_over_time(x[1m]))'))[0]?.value ?? 0) >= 200);
    const stored = (await own.api.query('sum(count_over_time(x[1m]))'))[0]!.value;
    const record = await copy.drain(own.url, timeoutMs);
    await look(own);
    expect(await own.stop()).toBe('clean');
    copy.remove();
    return { record, stored, path, texts: readFileSync(configFile, 'utf8') + readFileSync(logFile, 'utf8') };
  } finally {
    await own.stop();
  }
}

function exposition(): string {
  return Array.from({ length: 20 }, (_, i) => `x{i="${i}"} ${Date.now()}`).join('\n');
}

test('a receiver that takes it has every sample, with the run’s id and without the bases of links', async () => {
  const configFile = join(directory, 'receiver.yml');
  writeFileSync(configFile, judgeConfiguration());
  const receiver = await startPrometheus({
    ...{ binary, configFile, mode: 'judge' as const, directory: join(directory, 'receiver') },
    logFile: join(directory, 'receiver.log'),
  });
  try {
    let until = 0;
    const compare = async (own: Prometheus): Promise<void> => {
      // What is in now is out; what came a moment ago may be under way.
      until = Date.now() - 2000;
      const count = 'count by (i, instance, run_id, dashboard_base) (count_over_time(x[1m]))';
      const samples = 'sum by (i) (count_over_time(x[1m]))';
      const [here, there] = [await own.api.query(samples, until), await receiver.api.query(samples, until)];
      expect(there).toEqual(here);
      expect(here.length).toBe(20);
      for (const { labels } of await receiver.api.query(count, until))
        expect(labels).toEqual({ ...labels, run_id: 'run-1' });
      expect((await receiver.api.query('count({dashboard_base!=""})')).length).toBe(0);
    };
    const { record, stored } = await run('run-1', `${receiver.url}/api/v1/write`, 20_000, compare);
    expect(record).toEqual({ url: `${receiver.url}/api/v1/write`, missing: 0, sent: expect.any(Number) });
    expect(record.sent).toBeGreaterThanOrEqual(stored);
    expect(missingSamples(record)).toBeNull();
  } finally {
    await receiver.stop();
  }
});

test('who sends it is said and left nowhere; a receiver that is gone or refuses is a warning: how many samples it lacks, and why', async () => {
  const refusing = (status: number, body: string) => serve(() => ({ status, body }));
  const receivers = [
    ['run-401', await refusing(401, 'who is there'), /401 Unauthorized: who is there/],
    ['run-400', await refusing(400, 'out of bounds'), /400 Bad Request: out of bounds/],
    ['run-429', await refusing(429, 'later'), /429 Too Many Requests: later/],
    ['run-gone', 'http://127.0.0.1:1', /connection refused/],
  ] as const;
  await Promise.all([
    saysWhoItIs(),
    ...receivers.map(async ([id, url, reason]) => {
      const { record, stored } = await run(id, `${url}/write`, 2000);
      expect([id, record]).toEqual([
        id,
        { url: `${url}/write`, sent: 0, missing: expect.any(Number), reason: expect.stringMatching(reason) },
      ]);
      expect(record.missing).toBeGreaterThanOrEqual(stored);
      expect(missingSamples(record)).toMatch(
        new RegExp(`^${record.missing} samples of ${record.missing} are missing at ${url}/write \\(`),
      );
    }),
  ]);
});

async function saysWhoItIs(): Promise<void> {
  const heard = new Set<string | undefined>();
  const url = await serve((authorization) => {
    heard.add(authorization);
    return { status: 200, body: '' };
  });
  const { record, texts, path } = await run(
    'run-2',
    `${url.replace('http://', 'http://me:s3cret@')}/write?key=k3y`,
    20_000,
  );
  expect([...heard]).toEqual([`Basic ${Buffer.from('me:s3cret').toString('base64')}`]);
  expect(record).toMatchObject({ url: `${url}/write`, missing: 0 });
  expect(texts).not.toMatch(/s3cret|k3y/);
  expect(readdirSync(path).filter((name) => name.startsWith('.remote-write'))).toEqual([]);
  expect(existsSync(join(path, 'tsdb'))).toBe(true);
}
