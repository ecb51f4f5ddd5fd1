import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Child } from './child.ts';
import { identify } from './identity.ts';
import { ProcessRegistry } from './registry.ts';

let directory: string;
let registry: ProcessRegistry;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gameday-child-'));
  registry = new ProcessRegistry({ file: join(directory, 'processes.json'), runId: 'r', runDirectory: directory });
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Stands for a full disk: the registry can no longer write its file. */
function fillDisk(): void {
  mkdirSync(join(directory, 'processes.json.tmp'));
}

function start(code: string): Promise<Child> {
  return Child.start(
    {
      name: 'sleeper',
      command: process.execPath,
      arguments: ['-e', code],
      environment: {},
      workingDirectory: directory,
      logFile: join(directory, 'log'),
    },
    registry,
  );
}

test('a child that cannot be registered does not stay', async () => {
  let pid: number | undefined;
  const add = registry.add.bind(registry);
  registry.add = (name, number) => {
    pid = number;
    add(name, number);
  };
  fillDisk();
  await expect(start('setInterval(() => {}, 1000)')).rejects.toThrow('EISDIR');
  const deadline = performance.now() + 5000;
  while (identify(pid!) !== undefined && performance.now() < deadline) {
    await new Promise((resume) => setTimeout(resume, 20));
  }
  expect(identify(pid!)).toBeUndefined();
});

test('the end of a child on a full disk is no mistake', async () => {
  const child = await start('setInterval(() => {}, 1000)');
  fillDisk();
  await child.stop(1000);
  expect(() => registry.remove(child.pid)).not.toThrow();
});
