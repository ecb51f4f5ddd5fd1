import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { RunDirectories } from '../../run/directory.ts';
import { Systems } from '../../run/systems.ts';
import { ScenarioCatalogue } from '../../scenario/catalogue.ts';
import { exitCodeOfError } from '../exit_code.ts';
import type { SignalWatch } from '../signals.ts';
import { createTerminal } from '../terminal.ts';
import type { BombarderContext } from './context.ts';
import { createBombarder } from './program.ts';

const root = resolve(import.meta.dirname, '../../..');
const directory = mkdtempSync(join(tmpdir(), 'bombarder-program-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a command line as `main.ts` does, where no cluster has ever been. */
async function bombarder(...words: string[]) {
  let stdout = '';
  let stderr = '';
  const terminal = createTerminal({ write: (text) => (stdout += text) }, { write: (text) => (stderr += text) }, {});
  const context: BombarderContext = {
    ...{ root, workingDirectory: directory, terminal, dataDirectory: join(directory, 'data') },
    systems: await Systems.project(root),
    catalogue: new ScenarioCatalogue(root),
    directories: new RunDirectories(join(directory, '.gameday')),
    signals: { signal: new AbortController().signal, watch: () => undefined } as unknown as SignalWatch,
  };
  let code = -1;
  const program = createBombarder(context, '1.2.3', (exitCode) => {
    code = exitCode;
  });
  await program.parseAsync(['node', 'bombarder', ...words]).catch((error: unknown) => {
    code = exitCodeOfError(error);
    stderr += (error as Error).message;
  });
  return { code, stdout, stderr };
}

describe('a mistake on the command line is 2, with the nearest name and the rule', () => {
  test.each([
    ['flod', 'Did you mean flood?'],
    ['cluster strt', 'Did you mean start?'],
    ['flood --cuont 3', 'Did you mean --count?'],
    ['flood --count 0', "'0' is invalid. Expected a whole number from 1 to"],
    ['flood --count 1e3', 'Expected a whole number from 1'],
    ['storm --read-pct 120', 'Expected a whole number from 0 to 100.'],
    ['storm --concurrency -1', 'Expected a whole number from 1'],
    ['storm --chaos --kill-interval 0', 'Expected seconds from 1 to 3600.'],
    ['storm --kill-interval 5', 'give --chaos as well'],
    ['storm --chaos --nodes http://192.0.2.1:8080', 'http://192.0.2.1:8080 is none of them'],
    ['burst --pause -5', 'Expected a whole number from 0'],
    ['cluster start --port 70000', 'Expected a whole number from 1 to 64533.'],
    ['cluster start --port 64534', 'Expected a whole number from 1 to 64533.'],
    ['cluster resync', "required option '--target <address>' not specified"],
    ['cluster resync --target nowhere', '"nowhere" is no node\'s URL'],
    ['cluster sync-status --leader https://127.0.0.1:8080', 'expected http://HOST:PORT'],
    ['verify --nodes http://127.0.0.1:8080,http://127.0.0.1:8080', 'is named twice'],
    ['watch --interval 0', 'Expected seconds from 0.2 to 3600.'],
    ['completion tcsh', 'no completion for "tcsh"'],
  ])('%s: %s', async (words, message) => {
    const { code, stdout, stderr } = await bombarder(...words.split(' '));
    expect(stderr).toContain(message);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('where nothing runs', () => {
  // No process listens on port 1.
  const nobody = ['--nodes', 'http://127.0.0.1:1'];

  test.each([
    [['flood', ...nobody], 'no answer from 127.0.0.1:1: npx bombarder cluster start'],
    [['cluster', 'status', ...nobody], 'no node answers: npx bombarder cluster start'],
    [['cluster', 'sync-status', '--leader', '127.0.0.1:1'], 'no answer from 127.0.0.1:1: name a node that runs'],
  ])('%p could not run', async (words, message) => {
    const { code, stderr } = await bombarder(...words);
    expect(stderr).toContain(message);
    expect(code).toBe(4);
  });

  test('there is nothing to stop', async () => {
    const { code, stdout } = await bombarder('cluster', 'stop');
    expect(stdout).toBe(`nothing was running in ${join(directory, 'data')}\n`);
    expect(code).toBe(0);
  });
});

describe('help', () => {
  test('shows the defaults, the environment and the exit codes', async () => {
    const { stdout } = await bombarder('--help');
    for (const text of ['STRESS_TEST_DATA', 'RUST_LOG, LOG_LEVEL', '4 could not run']) expect(stdout).toContain(text);
    const storm = (await bombarder('storm', '--help')).stdout;
    expect(storm).toMatch(/--kill-interval <seconds> .*\(default: 10\)/);
    expect(storm).toMatch(/--count <number> .*\(default: 500\)/);
  });
});

describe('completion', () => {
  test.each([
    [['cluster', ''], ['start', 'sync-status', 'resync'], ['flood']],
    [['cluster', 'resync', '--'], ['--leader', '--target'], ['--count']],
    [['storm', '--'], ['--chaos', '--kill-interval', '--read-pct'], ['--bursts']],
    [['storm', '--chaos', '--kill'], ['--kill-interval', '--kills'], ['--chaos']],
    [['completion', ''], ['bash', 'zsh', 'fish'], []],
  ])('bash completes `bombarder %p`', async (words, some, none) => {
    const { stdout } = await bombarder('completion', 'bash');
    const list = ['bombarder', ...words].map((word) => `"${word}"`).join(' ');
    const ask = `${stdout}\nCOMP_WORDS=(${list}) COMP_CWORD=${words.length}\n_bombarder\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    const answers = spawnSync('bash', ['-c', ask], { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(answers).toEqual(expect.arrayContaining(some));
    for (const other of none) expect(answers).not.toContain(other);
  });

  test('fish: a command of a command comes after it', async () => {
    const { stdout } = await bombarder('completion', 'fish');
    expect(stdout).toContain(`-n '__fish_seen_subcommand_from cluster; and not __fish_seen_subcommand_from start`);
    expect(stdout).toMatch(/__fish_seen_subcommand_from resync' -l target$/m);
  });
});
