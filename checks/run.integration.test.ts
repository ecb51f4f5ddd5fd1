import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { Processes, withDescendants } from './processes.ts';

const root = join(import.meta.dirname, '..');

/** Runs `npm test -- …` without npm. */
async function check(...parameters: string[]): Promise<{ code: number | null; output: string }> {
  return new Processes(root).run(process.execPath, [join(root, 'bin/checks.mjs'), 'test', ...parameters]);
}

test('an unknown system is refused with the nearest name', async () => {
  const { code, output } = await check('kb');
  expect(output).toContain('unknown system "kb": did you mean "kv"?');
  expect(output).toContain('usage: npm test');
  expect(code).toBe(2);
});

test('an unknown stage is refused with the nearest name', async () => {
  const { code, output } = await check('--only', 'lnt');
  expect(output).toContain('unknown stage "lnt": did you mean "lint"? There are: types, lint, unit, tools, rules,');
  expect(code).toBe(2);
});

test('one stage alone ends with its line, the table and the totals', async () => {
  const { code, output } = await check('--only', 'tools');
  expect(output).toMatch(/✓ passed {2}tools +\d+\.\d s {2}k6 \d.*prometheus \d.*promtool \d/);
  expect(output.split('\n')).toContain('0 passed, 0 failed');
  expect(code).toBe(0);
});

test('SIGINT ends with 130 and leaves no process behind', async () => {
  const child = spawn(process.execPath, [join(root, 'bin/checks.mjs'), 'test', '--only', 'unit'], { stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let family: number[] = [];
  for (const deadline = Date.now() + 10_000; family.length < 2; family = await withDescendants([child.pid ?? 0])) {
    if (Date.now() > deadline) throw new Error('no stage was started');
    await delay(20);
  }
  child.kill('SIGINT');
  expect(await ended).toBe(130);
  const descendants = family.slice(1);
  const alive = async () => (await withDescendants(descendants)).filter((pid) => isRunning(pid));
  for (const deadline = Date.now() + 5000; (await alive()).length > 0; await delay(20)) {
    if (Date.now() > deadline) throw new Error(`still running: ${await alive()}`);
  }
}, 30_000);

test('ending ends what was started in a process group of its own, and what ignores SIGTERM', async () => {
  const processes = new Processes(root);
  const script = `
    const { spawn } = require('node:child_process');
    process.on('SIGTERM', () => {});
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  let detached = 0;
  const running = processes.run(process.execPath, ['-e', script], (line) => {
    detached = Number(line);
    void processes.endAll();
  });
  expect((await running).code).toBe(null);
  expect(isRunning(detached)).toBe(false);
}, 15_000);

/** False also for a process that has ended and whose parent has not asked for its result. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return zombies().every((zombie) => zombie !== pid);
}

function zombies(): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,stat='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .filter((line) => / Z/.test(line))
    .map((line) => Number.parseInt(line, 10));
}
