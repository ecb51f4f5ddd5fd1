import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { until } from '../../../kit/until.ts';
import { isRunning } from '../../cluster/identity.ts';
import { isPortFree } from '../../cluster/ports.ts';
import { readRegistry } from '../../cluster/registry.ts';
import { dataHolder } from './data_holder.ts';

const root = resolve(import.meta.dirname, '../../..');
const base = realpathSync(mkdtempSync(join(tmpdir(), 'bombarder-')));
const environment = {
  ...process.env,
  STRESS_TEST_DATA: join(base, 'data'),
  GAMEDAY_DIRECTORY: join(base, '.gameday'),
  RUST_LOG: 'warn',
};

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(
  program: string,
  words: string,
  data = environment.STRESS_TEST_DATA,
): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const parameters = [join(root, 'bin', `${program}.mjs`), ...words.split(' ')];
  const child = spawn(process.execPath, parameters, { cwd: base, env: { ...environment, STRESS_TEST_DATA: data } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((done) => child.once('close', (code) => done({ code, stdout, stderr })));
  return { child, ended };
}

const bombarder = (words: string) => start('bombarder', words).ended;

/** Of node 0: this one and the next two are free, and those of the peer listeners 1000 above. */
async function freePort(): Promise<number> {
  return until(async () => {
    const port = randomInt(20_000, 28_000);
    const all = [0, 1, 2].flatMap((node) => [port + node, port + node + 1000]);
    return (await Promise.all(all.map(isPortFree))).every(Boolean) ? port : undefined;
  });
}

const holder = (node: number) => dataHolder(join(base, 'data', `node_${node}`));

afterAll(async () => {
  await bombarder('cluster stop');
  rmSync(base, { recursive: true, force: true });
});

test('a cluster from its start to its end, through a death, a restart by hand, a resync and chaos', async () => {
  const port = await freePort();
  const [url, dead] = [`http://127.0.0.1:${port}`, `127.0.0.1:${port + 2}`];
  const started = await bombarder(`cluster start --port ${port}`);
  expect(started).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^0 .* healthy .*\n1 .* healthy .*\n2 .* healthy /m),
  });
  expect((await bombarder('cluster start')).stderr).toContain('it was up already');

  await stopElsewhere(port);

  const flood = JSON.parse((await bombarder('flood --count 60 --concurrency 6 --json')).stdout);
  expect(flood).toMatchObject({ operations: 60, succeeded: 60, failed: 0, consistency: { result: 'equal' } });
  expect(flood.latency_ms.p50).toBeGreaterThan(0);

  // As `pkill -f "stress_node.*--port …"` ends it: by SIGTERM.
  process.kill(holder(2)!.pid, 'SIGTERM');
  await until(() => holder(2) === undefined, { what: 'the end of node 2' });
  expect((await bombarder('flood --count 60')).stdout).toMatch(/60 of 60, 100 % succeeded[\s\S]*did not answer/);
  const lag = await untilSync(
    `cluster sync-status --leader ${url}`,
    new RegExp(`${dead} \\(desynced\\) +- Last replicated: \\d+ +\\| Lag: \\d{2}`),
  );
  expect(lag).toContain(`(healthy)`);

  const byHand = start('stress_node', `--node-id 2 --port ${port + 2} --peers ${port},${port + 1}`);
  await untilSync('cluster sync-status', new RegExp(`${dead} \\(healthy\\) +- .* Lag: 0`));
  const resync = await bombarder(`cluster resync --leader ${url} --target ${dead} --json`);
  expect(JSON.parse(resync.stdout)).toMatchObject({ target: dead, node_id: 2, resynced: true, state: 'equal' });
  expect(JSON.parse((await bombarder('verify --json')).stdout)).toMatchObject({
    result: 'equal',
    nodes: { length: 3 },
  });

  const storm = await bombarder('storm --count 300 --concurrency 20 --chaos --kill-interval 1 --kills 1 --json');
  const kills = storm.stderr.match(/killed node \d/g)?.length;
  expect(storm.stderr.match(/node \d is ready again/g)).toHaveLength(kills ?? 1);
  expect(JSON.parse(storm.stdout)).toMatchObject({
    succeeded: 300,
    chaos: { promised_kills: 1, kills },
    consistency: { result: 'equal' },
  });
  expect(storm.code).toBe(0);

  await interruptChaos();
  const nodes = [0, 1, 2].map((node) => holder(node)!);
  const stopped = await bombarder('cluster stop');
  expect(stopped.stdout.match(/^ended node/gm)).toHaveLength(3);
  expect(nodes.filter(isRunning)).toEqual([]);
  await byHand.ended;
  expect((await bombarder('cluster status')).code).toBe(4);
}, 60_000);

/** Of other data on the same ports: nobody is ended, and who holds the ports is said. */
async function stopElsewhere(port: number): Promise<void> {
  const data = join(base, 'elsewhere');
  mkdirSync(data);
  writeFileSync(join(data, 'cluster.json'), JSON.stringify({ version: 1, firstPort: port }));
  const { stdout, stderr } = await start('bombarder', 'cluster stop', data).ended;
  expect(stdout).toBe(`nothing was running in ${data}\n`);
  expect(stderr).toContain(`let alone, since it is not of ${data}: port ${port} `);
}

/** Leaves nobody dead, and no k6. */
async function interruptChaos(): Promise<void> {
  const { child, ended } = start('bombarder', 'storm --count 5000 --chaos --kill-interval 1');
  await new Promise<void>((seen) => {
    child.stderr!.on('data', (text) => String(text).includes('killed node') && seen());
  });
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain('is ready again');
  expect([0, 1, 2].map(holder)).not.toContain(undefined);
  const registries = globSync('bombarder/*/processes.json', { cwd: environment.GAMEDAY_DIRECTORY });
  const left = registries.flatMap((file) => readRegistry(join(environment.GAMEDAY_DIRECTORY, file))!.processes);
  expect(left.filter(isRunning)).toEqual([]);
}

/** What it says once it says so. */
async function untilSync(words: string, expected: RegExp): Promise<string> {
  return until(
    async () => {
      const { stdout } = await bombarder(words);
      return expected.test(stdout) ? stdout : undefined;
    },
    { what: `${words}: ${expected}`, everyMs: 100 },
  );
}

test('a port that is taken: who holds it, and what to do; nothing is started', async () => {
  const port = await freePort();
  const server = createServer().listen(port + 1, '127.0.0.1');
  await until(() => server.listening);
  const { code, stderr } = await start('bombarder', `cluster start --port ${port}`, join(base, 'other')).ended;
  server.close();
  expect(code).toBe(4);
  expect(stderr).toContain(`port ${port + 1} (http of node 1) is held by process ${process.pid}`);
  expect(stderr).toMatch(/npx bombarder cluster start --port \d+/);
  expect(await isPortFree(port)).toBe(true);
}, 20_000);
