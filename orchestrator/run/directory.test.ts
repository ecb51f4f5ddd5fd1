import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { lockDirectory, RunDirectories, readRecord, runId, writeRecord } from './directory.ts';
import type { RunRecord } from './record.ts';

let root: string;
let directories: RunDirectories;
const at = new Date('2026-01-02T03:04:05.678Z');

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-runs-')));
  directories = new RunDirectories(root);
});
afterEach(() => rmSync(root, { recursive: true }));

test('an id says when and what', () => {
  expect(runId('kv-smoke', at, '1f0c')).toBe('20260102T030405Z-kv-smoke-1f0c');
});

test('two runs that start at the same moment have directories of their own', () => {
  const ids = Array.from({ length: 20 }, () => directories.create('x', at, false).id);
  expect(new Set(ids).size).toBe(20);
});

describe('finding a run', () => {
  test('by nothing: the last one', () => {
    directories.create('old', new Date(at.getTime() - 60_000), false);
    const last = directories.create('new', at, false);
    expect(directories.find(undefined, root)).toEqual(last);
  });

  test('by its id, the start of it, or its path', () => {
    const run = directories.create('x', at, false);
    expect(directories.find(run.id, root)).toEqual(run);
    expect(directories.find('20260102T030405Z-x', root)).toEqual(run);
    expect(directories.find(`runs/${run.id}`, root)).toEqual(run);
  });

  test('by a start that several have', () => {
    for (let i = 0; i < 2; i += 1) directories.create('x', at, false);
    expect(() => directories.find('20260102', root)).toThrow('"20260102" is the start of 2 runs');
  });

  test('in vain', () => {
    expect(() => directories.find(undefined, root)).toThrow('there are no runs yet');
    const { id } = directories.create('x', at, false);
    expect(() => directories.find(`${id.slice(0, -1)}z`, root)).toThrow(`did you mean "${id}"?`);
  });
});

describe('a record', () => {
  const scenario = { load: {}, objectives: {}, faults: [], criteria: [] };
  const parts = { startedAt: 1, load: null, phases: [], nodes: [], faults: [], inconclusive: [] };
  const record = { version: 1, id: 'x', scenario, ...parts } as unknown as RunRecord;

  test('is read as it was written', () => {
    const run = directories.create('x', at, false);
    writeRecord(run.path, record);
    expect(readRecord(run)).toEqual(record);
    expect(readdirSync(run.path)).not.toContain('run.json.tmp');
  });

  test.each([
    ['is missing', undefined, 'is no run of Gameday: it has no run.json'],
    ['is half a file', '{"version": 1, "id"', 'is not JSON'],
    ['is of a later Gameday', '{"version": 2}', 'has version 2, this Gameday reads version 1'],
    ['is null', 'null', 'has version none'],
    [
      'lacks parts',
      JSON.stringify({ version: 1, id: 'x', scenario: { criteria: [] } }),
      'it lacks scenario, scenario.',
    ],
    ['is of something else', '{"version": 1, "name": "package"}', 'is not the record of a run'],
  ])('that %s', (_, text, message) => {
    const run = directories.create('x', at, false);
    if (text !== undefined) writeFileSync(join(run.path, 'run.json'), text);
    expect(() => readRecord(run)).toThrow(message);
  });
});

describe('a lock', () => {
  test('is of one process at a time', () => {
    const { path } = directories.create('x', at, false);
    const unlock = lockDirectory(path);
    expect(() => lockDirectory(path)).toThrow(`is in use by process ${process.pid}`);
    unlock();
    lockDirectory(path)();
  });

  test('of a process that is gone holds nothing', () => {
    const { path } = directories.create('x', at, false);
    writeFileSync(join(path, 'lock'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
    lockDirectory(path)();
    writeFileSync(join(path, 'lock'), 'half a fi');
    lockDirectory(path)();
  });
});

test('the oldest runs go, but never one that is kept or in use', () => {
  const minutesAgo = (minutes: number) => new Date(at.getTime() - minutes * 60_000);
  const kept = directories.create('kept', minutesAgo(100), true);
  const used = directories.create('used', minutesAgo(99), false);
  const unlock = lockDirectory(used.path);
  const old = directories.create('old', minutesAgo(98), false);
  for (let i = 0; i < 30; i += 1) directories.create('x', minutesAgo(i), false);
  directories.prune();
  unlock();
  expect([kept, used, old].map(({ path }) => existsSync(path))).toEqual([true, true, false]);
  expect(directories.list()).toHaveLength(32);
});

const withFullDevice = existsSync('/dev/full') ? test : test.skip;
withFullDevice('a full disk is named by what was to be written on it', () => {
  const { path } = directories.create('x', at, false);
  symlinkSync('/dev/full', join(path, 'run.json.tmp'));
  const write = () => writeRecord(path, { version: 1 } as RunRecord);
  expect(write).toThrow(expect.objectContaining({ code: 'RUN_DISK_FULL', message: expect.stringContaining(path) }));
});
