import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { obtainPreviousVersion } from './previous_version.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gameday-versions-'));
  git('init', '--quiet', '--initial-branch=main');
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(join(root, '.gitignore'), 'node_modules\n.gameday\n');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function git(...words: string[]): string {
  const identity = ['-c', 'user.name=Nobody', '-c', 'user.email=nobody@example.org'];
  return execFileSync('git', ['-C', root, ...identity, ...words], { encoding: 'utf8' }).trim();
}

function commit(version: string, content: string): string {
  write(version);
  writeFileSync(join(root, 'content'), content);
  git('add', '.');
  git('commit', '--quiet', '--message', content);
  return git('rev-parse', 'HEAD');
}

function write(version: string): void {
  writeFileSync(join(root, 'package.json'), JSON.stringify({ version, dependencies: {} }));
}

const obtain = async () => {
  const previous = await obtainPreviousVersion(root, join(root, '.gameday'));
  return { version: previous.version, content: readFileSync(join(previous.root, 'content'), 'utf8') };
};

describe('the previous version', () => {
  test('is the newest earlier tag, and not one of the same version', async () => {
    commit('0.1.0', 'first');
    git('tag', 'v0.1.0');
    commit('0.2.0', 'second');
    git('tag', 'v0.2.0');
    commit('0.3.0', 'third');
    git('tag', 'v0.3.0');
    expect(await obtain()).toEqual({ version: '0.2.0', content: 'second' });
    expect(await obtain()).toEqual({ version: '0.2.0', content: 'second' });
  });

  test('is, without tags, the last commit before the number was raised', async () => {
    commit('0.1.0', 'first');
    writeFileSync(join(root, 'content'), 'last of the first');
    git('commit', '--quiet', '--all', '--message', 'last of the first');
    commit('0.2.0', 'second');
    writeFileSync(join(root, 'content'), 'more');
    git('commit', '--quiet', '--all', '--message', 'more');
    expect(await obtain()).toEqual({ version: '0.1.0', content: 'last of the first' });
  });

  test('is HEAD while the raised number is not committed yet', async () => {
    commit('0.1.0', 'first');
    write('0.2.0');
    expect(await obtain()).toEqual({ version: '0.1.0', content: 'first' });
  });

  test('cannot be had where there is only one', async () => {
    commit('0.1.0', 'first');
    await expect(obtain()).rejects.toThrow('no version other than 0.1.0');
  });
});
