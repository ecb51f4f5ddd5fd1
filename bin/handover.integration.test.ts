import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const project = mkdtempSync(join(tmpdir(), 'gameday-handover-'));
/** A Node that plays an older one: the same binary elsewhere, whose version the command misstates. */
const olderNode = join(project, 'older-node');

const MAIN = `
const [, , what, ...rest] = process.argv;
process.on('SIGTERM', () => process.exit(7));
const direct = process.env.NO_PROXY?.split(',').includes('127.0.0.1') ?? false;
console.log(JSON.stringify({ node: process.execPath, version: process.version as string, direct, rest }));
if (what === 'exit') process.exit(3);
if (what === 'die') process.kill(process.pid, 'SIGKILL');
if (what === 'wait') setInterval(() => {}, 1000);
`;

/** bin/stress_node.mjs, but for what it takes this Node for, and for whether it can replace itself. */
const COMMAND = `
import { runUnderCurrentNode } from './handover.mjs';
const isOlder = process.execPath.endsWith('older-node');
if (process.env.NO_EXECVE) process.execve = undefined;
await runUnderCurrentNode('services/kv/main.ts', isOlder ? 'v22.0.0' : process.version);
`;

beforeAll(() => {
  const root = join(import.meta.dirname, '..');
  for (const folder of ['bin', 'services/kv', 'orchestrator/cli'])
    mkdirSync(join(project, folder), { recursive: true });
  cpSync(join(root, 'bin/handover.mjs'), join(project, 'bin/handover.mjs'));
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'bin/stress_node.mjs'), COMMAND);
  writeFileSync(join(project, 'services/kv/main.ts'), MAIN);
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  try {
    linkSync(process.execPath, olderNode);
  } catch {
    cpSync(process.execPath, olderNode);
  }
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

function start(way: string, parameters: string[]): ChildProcess {
  const env = { ...process.env, ...(way === 'as a child' ? { NO_EXECVE: '1' } : {}) };
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  return spawn(olderNode, [join(project, 'bin/stress_node.mjs'), ...parameters], { env, stdio: [...stdio] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; signal: string | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...result) => resolve(result)),
  );
  return { code, signal, output };
}

describe.each(['in place', 'as a child'])('an older Node hands over, %s', (way) => {
  test('to the Node of the dependencies, with arguments and exit code', async () => {
    const { code, output } = await ended(start(way, ['exit', '--port', '8082']));
    expect(JSON.parse(output)).toEqual({
      node: expect.stringMatching(/node_modules\/node-[a-z0-9-]+\/bin\/node$/),
      version: expect.stringMatching(/^v26\./),
      direct: true,
      rest: ['--port', '8082'],
    });
    expect(code).toBe(3);
  });

  test('a signal that ends the child ends the command', async () => {
    expect(await ended(start(way, ['die']))).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('a signal to the command reaches the child', async () => {
    const child = start(way, ['wait']);
    child.stdout?.once('data', () => child.kill('SIGTERM'));
    expect(await ended(child)).toMatchObject({ code: 7, signal: null });
  });

  test('pkill by flags finds the real process and only that, and the command ends with it', async () => {
    const child = start(way, ['wait', '--port', `${process.pid}8082`]);
    const pattern = `stress_node.*--port ${process.pid}8082`;
    const found = new Promise<number[]>((resolve) =>
      child.stdout?.once('data', () => {
        const { stdout } = spawnSync('pgrep', ['-f', pattern], { encoding: 'utf8' });
        spawnSync('pkill', ['-KILL', '-f', pattern]);
        resolve(stdout.trim().split('\n').map(Number));
      }),
    );
    const { signal } = await ended(child);
    expect(signal).toBe('SIGKILL');
    const pids = await found;
    expect(pids).toHaveLength(1);
    expect(pids[0] === child.pid).toBe(way === 'in place');
  });
});

test('a current Node runs the entry itself', () => {
  const { stdout, status } = spawnSync(process.execPath, [join(project, 'bin/stress_node.mjs'), 'exit'], {
    encoding: 'utf8',
  });
  expect(JSON.parse(stdout).node).toBe(process.execPath);
  expect(status).toBe(3);
});

describe('without dependencies', () => {
  const bare = join(project, 'bare');
  beforeAll(() => {
    cpSync(join(project, 'bin'), join(bare, 'bin'), { recursive: true });
    mkdirSync(join(bare, 'services/kv'), { recursive: true });
    writeFileSync(join(bare, 'services/kv/main.ts'), "import 'fastify-that-is-missing';");
    // Node looks for packages in the folders above, too.
    rmSync(join(project, 'node_modules'));
  });

  test.each([
    ['an older Node', olderNode, /^Gameday runs on Node 26\.10 .*run "npm ci --include=optional" in .*bare\.\n$/],
    [
      'a current Node',
      process.execPath,
      /^Cannot find package 'fastify-that-is-missing': .*run "npm ci" in .*bare\.\n$/,
    ],
  ])('%s says in one line what to do', (_, node, message) => {
    const { stderr, status } = spawnSync(node, [join(bare, 'bin/stress_node.mjs')], { encoding: 'utf8' });
    expect(stderr).toMatch(message);
    expect(status).toBe(4);
  });
});
