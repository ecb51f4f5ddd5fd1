import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { RUN_FILES } from '../run/record.ts';
import { findGrafana } from './grafana.ts';
import { type OpenedRun, type OpenOptions, openRun } from './open.ts';
import { START, syntheticRecord } from './testdata/synthetic.ts';

let directory: string;
let abort: AbortController;
let opened: OpenedRun | null = null;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gameday-open-'));
  abort = new AbortController();
  await mkdir(path.join(directory, 'run'));
  await writeFile(path.join(directory, 'secret.txt'), 'outside the run');
  await writeFile(path.join(directory, 'run', RUN_FILES.record), JSON.stringify(syntheticRecord('pass')));
  await writeFile(path.join(directory, 'run', RUN_FILES.reportHtml), '<!doctype html><title>report</title>');
});

afterEach(async () => {
  await opened?.close();
  opened = null;
  await rm(directory, { recursive: true, force: true });
});

async function start(options: Partial<OpenOptions> = {}): Promise<OpenedRun> {
  opened = await openRun(path.join(directory, 'run'), { signal: abort.signal, ...options });
  return opened;
}

/** fetch() would tidy the path before it is sent. */
function get(
  url: string,
  rawPath: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path: rawPath, headers, method, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject).end();
  });
}

describe('the server', () => {
  test('serves the report and the record, and says what the run has not', async () => {
    const { url } = await start();
    expect(await get(url, '/')).toEqual({ status: 200, body: '<!doctype html><title>report</title>' });
    expect(JSON.parse((await get(url, '/run.json')).body).id).toBe(syntheticRecord('pass').id);
    expect(await get(url, '/junit.xml')).toMatchObject({
      status: 404,
      body: expect.stringContaining('this run has no junit.xml'),
    });
  });

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '//secret.txt',
    '/run.json/../../secret.txt',
    '/tsdb/',
    '/logs/k6.log',
    '/\\..\\secret.txt',
  ])('has nothing at %s', async (rawPath) => {
    const { url } = await start();
    const { status, body } = await get(url, rawPath);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).not.toContain('outside');
  });

  test.each(['POST', 'PUT', 'DELETE'])('takes no %s', async (method) => {
    const { url } = await start();
    expect((await get(url, '/run.json', {}, method)).status).toBe(404);
  });

  test('answers only under its own name', async () => {
    const { url } = await start();
    expect((await get(url, '/', { host: 'evil.example' })).status).toBe(421);
    expect((await get(url, '/', { host: `localhost:${new URL(url).port}` })).status).toBe(200);
  });

  test('ends with the signal', async () => {
    const { url } = await start();
    abort.abort();
    await opened?.close();
    await expect(get(url, '/')).rejects.toThrow('ECONNREFUSED');
  });

  test('a directory without a run is refused', async () => {
    await expect(openRun(directory, { signal: abort.signal })).rejects.toThrow('run.json');
  });
});

describe('stored data', () => {
  test('prints the address of the API with a query for the window of the run', async () => {
    let stopped = false;
    const { lines, close } = await start({
      openData: async () => ({
        url: 'http://127.0.0.1:9',
        stop: async () => {
          stopped = true;
        },
      }),
    });
    expect(lines.join('\n')).toContain(
      `curl -s 'http://127.0.0.1:9/api/v1/query_range?query=up&start=${START / 1000}&end=`,
    );
    expect(lines.join('\n')).toContain('GAMEDAY_GRAFANA');
    await close();
    expect(stopped).toBe(true);
  });

  test('that cannot be opened does not take the report away', async () => {
    const { url, lines, prometheusUrl } = await start({
      openData: async () => {
        throw new Error('there are no stored series');
      },
    });
    expect(prometheusUrl).toBeNull();
    expect(lines.join('\n')).toContain('there are no stored series');
    expect((await get(url, '/')).status).toBe(200);
  });
});

describe('Grafana', () => {
  const stored = { openData: async () => ({ url: 'http://127.0.0.1:9', stop: async () => undefined }) };

  async function executable(name: string, script: string): Promise<string> {
    const file = path.join(directory, name);
    await writeFile(file, `#!${process.execPath}\n${script}`);
    await chmod(file, 0o755);
    return file;
  }

  test('is found by GAMEDAY_GRAFANA, else on the PATH', async () => {
    const binary = await executable('grafana', '');
    expect(findGrafana({ GAMEDAY_GRAFANA: binary, PATH: '' })).toBe(binary);
    expect(findGrafana({ PATH: `/nowhere${path.delimiter}${directory}` })).toBe(binary);
    expect(findGrafana({ GAMEDAY_GRAFANA: '/nowhere/grafana', PATH: directory })).toBeNull();
    expect(findGrafana({ PATH: '/nowhere' })).toBeNull();
  });

  test('is started on loopback with our provisioning, and its address is the window of the run', async () => {
    const binary = await executable(
      'grafana',
      `const { createServer } = require('node:http');
      const { GF_SERVER_HTTP_PORT, GF_SERVER_HTTP_ADDR, PROMETHEUS_URL, GAMEDAY_DASHBOARDS, GF_PATHS_PROVISIONING } = process.env;
      const told = { arguments: process.argv.slice(2, 4), PROMETHEUS_URL, GAMEDAY_DASHBOARDS, GF_PATHS_PROVISIONING };
      createServer((_, response) => response.end(JSON.stringify(told))).listen(Number(GF_SERVER_HTTP_PORT), GF_SERVER_HTTP_ADDR);`,
    );
    const { grafanaUrl, lines } = await start({ ...stored, grafana: binary });
    expect(grafanaUrl).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:\\d+/d/gameday-overview\\?from=${START}&to=`));
    expect(lines.at(-1)).toContain(grafanaUrl);
    const told = (await (await fetch(grafanaUrl ?? '')).json()) as Record<string, string>;
    expect(told).toMatchObject({ arguments: ['server', '--homepath'], PROMETHEUS_URL: 'http://127.0.0.1:9' });
    expect(await readdir(told.GAMEDAY_DASHBOARDS ?? '')).toEqual(
      expect.arrayContaining(['overview.json', 'kv.json', 'faults.json']),
    );
    expect(await readdir(told.GF_PATHS_PROVISIONING ?? '')).toEqual(['dashboards', 'datasources']);
    await opened?.close();
    await expect(fetch(grafanaUrl ?? '')).rejects.toThrow();
  });

  test('that ends at once is said with its own last words, and no address is printed', async () => {
    const binary = await executable('grafana', `console.error('cannot open database'); process.exit(1);`);
    const { grafanaUrl, lines, url } = await start({ ...stored, grafana: binary });
    expect(grafanaUrl).toBeNull();
    expect(lines.at(-1)).toMatch(/^Grafana {5}is not there: .*cannot open database$/);
    expect((await get(url, '/')).status).toBe(200);
  });
});
