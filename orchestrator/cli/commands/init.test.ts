import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { commandLine } from '../testing/command_line.ts';

let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'init-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

const gameday = (...words: string[]) =>
  commandLine(words, { workingDirectory: directory, base: join(directory, '.gameday') });

describe('what it refuses is exit code 2, and nothing is written', () => {
  test('files that are there, all of which it names', async () => {
    mkdirSync(join(directory, 'home/scenarios'), { recursive: true });
    for (const file of ['system.ts', 'scenarios/smoke.yaml']) writeFileSync(join(directory, 'home', file), 'mine');
    const { code, stderr } = await gameday('init', 'home');
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        'init never overwrites, and nothing was written. In the way in home:\n  system.ts\n  scenarios/smoke.yaml\n' +
        'Move them, or choose another directory',
    });
    expect(readdirSync(join(directory, 'home')).sort()).toEqual(['scenarios', 'system.ts']);
  });

  test('the same again', async () => {
    expect((await gameday('init', 'home')).code).toBe(0);
    const { code, stderr } = await gameday('init', 'home');
    expect(code).toBe(2);
    expect(stderr).toContain('  runbooks/HomeNodeDown.md\n');
  });

  test.each<[string, string[], string]>([
    ['a name', ['home', '--name', 'My Store'], '--name my-store'],
    ['a name from the directory', ['My_Store'], 'the directory is called "My_Store"'],
    ["a system of Gameday's own", ['kv'], "one of Gameday's own systems: --name my-kv"],
    ['no directory', [], "missing required argument 'directory'"],
    ['both ways at once', ['home', '--command', 'x', '--targets', 'http://h:1'], 'cannot be used with'],
    ['an address', ['home', '--targets', 'localhost:8080'], 'expected base URLs without a path'],
    ['an address with a path', ['home', '--targets', 'http://h:1/api'], '--targets http://h:1/api: expected'],
    ['an address twice', ['home', '--targets', 'http://h:1,http://h:1'], 'each node once'],
    ['what only a shell does', ['home', '--command', 'cd x && node y'], 'put it into a script'],
    ['no command', ['home', '--command', ' '], "such as 'node server.mjs'"],
    ['another flag', ['home', '--comand', 'x'], 'Did you mean --command?'],
    ['a file in place of the directory', ['file'], 'is a file, and not a directory'],
    ['a file above it', ['file/home'], 'is a file, and not a directory'],
    ['a link to nowhere', ['link'], 'is a file, and not a directory'],
  ])('%s', async (_, words, message) => {
    writeFileSync(join(directory, 'file'), '');
    symlinkSync(join(directory, 'nowhere'), join(directory, 'link'));
    const { code, stdout, stderr } = await gameday('init', ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(readdirSync(directory).sort()).toEqual(['file', 'link']);
  });
});

test('a file that the command names is found from the home', async () => {
  writeFileSync(join(directory, 'server.mjs'), '');
  expect((await gameday('init', 'tests/store', '--command', 'node server.mjs')).code).toBe(0);
  expect(readFileSync(join(directory, 'tests/store/system.ts'), 'utf8')).toContain("arguments: ['../../server.mjs']");
  expect(existsSync(join(directory, 'tests/store/../../server.mjs'))).toBe(true);
});
