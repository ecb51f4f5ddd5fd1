import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { homeFiles, inTheWay, nearestName, titleOf, writeHome } from './home.ts';

const root = resolve(import.meta.dirname, '../..');
let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'home-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

const fileOf = (options: Parameters<typeof homeFiles>[0], path: string) =>
  homeFiles(options).find((file) => file.path === path)!.text;

test('the name is everywhere, in files and in their names, and the name of the templates nowhere', () => {
  const files = homeFiles({ directory, name: 'my-store' });
  expect(files.map(({ path }) => path)).toEqual([
    ...['README.md', 'system.ts', 'loadtests/client.ts', 'loadtests/steady.ts', 'scenarios/drills/healthy.yaml'],
    ...['scenarios/drills/node-down.yaml', 'scenarios/node-kill.yaml', 'scenarios/smoke.yaml'],
    ...['rules/my-store.rules.yml', 'rules/my-store.test.yml', 'runbooks/MyStoreNodeDown.md', 'tsconfig.json'],
  ]);
  expect(files.filter(({ text }) => /mysystem/i.test(text))).toEqual([]);
  expect(fileOf({ directory, name: 'my-store' }, 'rules/my-store.rules.yml')).toContain('alert: MyStoreNodeDown');
});

test('every path that leaves the home is there, however deep the home is', () => {
  for (const home of [join(directory, 'a'), join(directory, 'a/b/c'), join(root, '.gameday/nowhere/home')]) {
    for (const { path, text } of homeFiles({ directory: home, name: 'store' })) {
      const upwards = [...text.matchAll(/(?:\.\.\/)+[\w./@-]+/g)].map(([found]) => resolve(home, dirname(path), found));
      for (const found of upwards) expect(found.startsWith(`${root}/`) && !found.includes('templates')).toBe(true);
    }
  }
});

test('a home behind a symbolic link is reckoned from where it really is', () => {
  symlinkSync(directory, join(directory, 'link'));
  const real = fileOf({ directory: join(directory, 'home'), name: 'store' }, 'system.ts');
  expect(fileOf({ directory: join(directory, 'link/home'), name: 'store' }, 'system.ts')).toBe(real);
});

describe('how nodes are started, or where they run', () => {
  test('a command, whatever is in it', () => {
    const text = fileOf({ directory, name: 'store', command: ['./run', "it's", '$&', 'C:\\x', 'a\nb'] }, 'system.ts');
    expect(text).toContain("command: './run',\n    arguments: ['it\\'s', '$&', 'C:\\\\x', 'a\\nb'],");
    expect(text).not.toMatch(/elsewhere|region|docker/);
  });

  test('addresses', () => {
    const targets = ['http://10.0.0.1:1', 'http://10.0.0.2:1'];
    const text = fileOf({ directory, name: 'store', targets }, 'system.ts');
    expect(text).toContain("targets: ['http://10.0.0.1:1', 'http://10.0.0.2:1'],");
    expect(text).toContain('nodes: { default: 2, min: 1, max: 9 }');
    expect(text).not.toMatch(/^ {2}start,|region|server\.mjs/m);
  });
});

test('never overwrites, and leaves what is there', () => {
  const files = homeFiles({ directory, name: 'store' });
  writeFileSync(join(directory, 'system.ts'), 'mine');
  expect(inTheWay(directory, files)).toEqual(['system.ts']);
  expect(() => writeHome(directory, files)).toThrow(/EEXIST/);
  expect(readFileSync(join(directory, 'system.ts'), 'utf8')).toBe('mine');
  expect(readdirSync(directory)).toContain('README.md');
});

test.each([
  ['store', 'store'],
  ['My Store', 'my-store'],
  ['MyStore', 'my-store'],
  ['3-nodes', 'nodes'],
  ['register_v2', 'register-v2'],
  ['-', 'mysystem'],
  ['Ärger', 'rger'],
  ['a'.repeat(60), 'a'.repeat(40)],
])('the name nearest to "%s" is "%s"', (name, nearest) => {
  expect(nearestName(name)).toBe(nearest);
  expect(nearestName(nearest)).toBe(nearest);
});

test('alerts begin with the name, as names of alerts are written', () => {
  expect(titleOf('my-store-2')).toBe('MyStore2');
});
