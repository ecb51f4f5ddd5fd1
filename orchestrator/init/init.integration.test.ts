/** What `gameday init` writes is valid as it is. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { obtain } from '../../tools/obtain.ts';

const root = resolve(import.meta.dirname, '../..');
let directory: string;
beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'init-')));
});
afterEach(() => rmSync(directory, { recursive: true }));

function gameday(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/gameday.mjs'), ...words], {
    cwd: directory,
    encoding: 'utf8',
    env: { ...process.env, GAMEDAY_DIRECTORY: join(directory, '.gameday') },
  });
  return { code: status, stdout, stderr };
}

/** Rejects with what the program said when it fails. */
const run = (command: string, ...words: string[]) => promisify(execFile)(command, words, { cwd: root });

describe('what it writes is valid as it is', () => {
  test.each<[string, string[]]>([
    ['with nothing said', []],
    ['with a command', ['--command', 'node "my server.mjs" --fast']],
    ['with addresses', ['--targets', 'http://127.0.0.1:9,http://127.0.0.1:10']],
  ])(
    '%s',
    async (_, words) => {
      const { code, stdout, stderr } = gameday('init', 'my-store', ...words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      // No terminal, no colours.
      expect(stdout).toMatch(/^✔ my-store: a home in my-store\n {2}README\.md\n/);
      expect(stdout).toMatch(/ {2}gameday run --system my-store\/system\.ts\n/);

      const checked = gameday('check', '--system', 'my-store/system.ts');
      expect(checked).toMatchObject({ code: 0, stderr: '4 scenarios checked: 0 errors, 0 warnings\n' });

      const home = join(directory, 'my-store');
      const promtool = (await obtain(['promtool'])).get('promtool')!.path;
      await Promise.all([
        run(join(root, 'node_modules/.bin/tsc'), '-p', home),
        run(promtool, 'check', 'rules', '--lint=all', '--lint-fatal', join(home, 'rules/my-store.rules.yml')),
        run(promtool, 'test', 'rules', join(home, 'rules/my-store.test.yml')),
      ]);
    },
    60_000,
  );
});
