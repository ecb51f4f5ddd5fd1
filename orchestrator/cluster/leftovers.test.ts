import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { identify, isRunning } from './identity.ts';
import { endLeftovers, findLeftovers, removeJudgeCopies } from './leftovers.ts';
import { ProcessRegistry, RUN_DIRECTORY_VARIABLE, RUN_ID_VARIABLE, readRegistry } from './registry.ts';

let base: string;
let children: ChildProcess[];

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-leftovers-')));
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(base, { recursive: true });
});

function sleeper(environment: Record<string, string> = {}): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...environment },
  });
  children.push(child);
  return child.pid!;
}

function registryOf(runId: string): { registry: ProcessRegistry; file: string; runDirectory: string } {
  const runDirectory = join(base, 'runs', runId);
  mkdirSync(runDirectory, { recursive: true });
  const file = join(runDirectory, 'processes.json');
  return { registry: new ProcessRegistry({ file, runId, runDirectory }), file, runDirectory };
}

/** As a SIGKILL leaves it: the registry stands, its orchestrator is gone. */
function killOrchestrator(file: string): void {
  const content = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(
    file,
    JSON.stringify({ ...content, orchestrator: { pid: content.orchestrator.pid, started: 'long ago' } }),
  );
}

describe('an identity', () => {
  test('is of a process, not of a number', () => {
    const self = identify(process.pid)!;
    expect(isRunning(self)).toBe(true);
    expect(isRunning({ ...self, started: `${self.started}0` })).toBe(false);
  });

  test('is nobody once the process has ended', async () => {
    const pid = sleeper();
    const identity = identify(pid)!;
    children[0]!.kill('SIGKILL');
    await new Promise((resolve) => children[0]!.once('exit', resolve));
    expect(isRunning(identity)).toBe(false);
  });
});

describe('what a killed orchestrator left', () => {
  test('is found by the registry and ended, a paused one too', async () => {
    const { registry, file } = registryOf('killed');
    const pids = [sleeper(), sleeper()];
    for (const [index, pid] of pids.entries()) registry.add(`node ${index}`, pid);
    process.kill(pids[1]!, 'SIGSTOP');
    killOrchestrator(file);

    const { leftovers, alive } = findLeftovers(base);
    expect(leftovers.map(({ name, pid, runId }) => [name, pid, runId])).toEqual([
      ['node 0', pids[0], 'killed'],
      ['node 1', pids[1], 'killed'],
    ]);
    expect(alive).toEqual([]);
    expect(await endLeftovers(leftovers, 3000)).toEqual([]);
    expect(findLeftovers(base).leftovers).toEqual([]);
  });

  test('never includes a process that only has the same number', () => {
    const { registry, file } = registryOf('killed');
    const pid = sleeper();
    registry.add('node 0', pid);
    const content = JSON.parse(readFileSync(file, 'utf8'));
    content.processes[0].started = 'another boot';
    writeFileSync(file, JSON.stringify(content));
    killOrchestrator(file);
    expect(findLeftovers(base).leftovers).toEqual([]);
  });

  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('is found by its environment when it was killed before it could register', () => {
    const { file, runDirectory } = registryOf('killed');
    killOrchestrator(file);
    const pid = sleeper({ [RUN_ID_VARIABLE]: 'killed', [RUN_DIRECTORY_VARIABLE]: runDirectory });
    const elsewhere = sleeper({ [RUN_ID_VARIABLE]: 'killed', [RUN_DIRECTORY_VARIABLE]: '/somewhere/else' });
    const found = findLeftovers(base).leftovers.map((leftover) => leftover.pid);
    expect(found).toContain(pid);
    expect(found).not.toContain(elsewhere);
  });

  test('is not what a living one works with', () => {
    const { registry } = registryOf('alive');
    const pid = sleeper(registry.environment());
    registry.add('node 0', pid);
    const { leftovers, alive } = findLeftovers(base);
    expect(leftovers).toEqual([]);
    expect(alive).toEqual([{ runId: 'alive', orchestrator: identify(process.pid) }]);
  });

  test("is a judge's copy of the stored series, which goes unless somebody works in that run", () => {
    const [killed, used] = ['killed', 'used'].map((run) => join(base, 'runs', run, '.judge-x7'));
    for (const copy of [killed!, used!]) mkdirSync(join(copy, 'tsdb'), { recursive: true });
    mkdirSync(join(base, 'runs', 'killed', 'tsdb'));
    expect(removeJudgeCopies(base, (run) => run === join(base, 'runs', 'used'))).toBe(1);
    expect([existsSync(killed!), existsSync(used!), existsSync(join(base, 'runs', 'killed', 'tsdb'))]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test('a registry that is no registry is passed over', () => {
    const { file } = registryOf('broken');
    writeFileSync(file, '{"version":');
    expect(readRegistry(file)).toBeUndefined();
    expect(findLeftovers(base)).toEqual({ leftovers: [], alive: [] });
  });
});
