import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { commandLine } from './testing/command_line.ts';

const gameday = (...words: string[]) => commandLine(words);

describe('a mistake on the command line is 2, with the nearest name', () => {
  test.each([
    [['rum', 'kv'], "unknown command 'rum'"],
    [['rum', 'kv'], 'Did you mean run?'],
    [['run'], "missing required argument 'scenario'"],
    [['run', 'kv/smoke', '--sead', '1'], 'Did you mean --seed?'],
    [['run', 'kv/smoke', '--nodes', 'three'], 'Expected a whole number of at least 1.'],
    [['run', 'kv/smoke', '--time-scale', '2'], 'Expected a factor above 0, at most 1.'],
    [['run', 'kv/smoke', '--inconclusive', 'maybe'], 'Allowed choices are fail, warn'],
    [['run', 'kv/smok'], 'did you mean "kv/smoke"?'],
    [['run', 'kv/smoke', '--nodes', '99'], 'scenarios/kv/smoke.yaml:6:8: 99 nodes: kv takes 1 to 7'],
    [['start', 'kw'], 'did you mean "kv"?'],
    [['up', 'kw'], 'unknown system "kw"'],
    [['up', 'kv', '--nodes', '9'], '--nodes 9: kv takes 1 to 7'],
    [['up', 'kv', '--port', '65530'], 'ports are 1 to 65535'],
    [['open', '--port', '70000'], 'Expected a whole number from 1 to 65535.'],
    [['down'], 'say which system, or --all'],
    [['watch', 'kv'], 'kv is down: gameday up kv'],
    [['verify'], 'kv is down: gameday up kv'],
    [['recheck', 'no-such-run'], 'there is no run "no-such-run"'],
    [['recheck'], 'there are no runs yet'],
    [['open', 'services'], 'is no run of Gameday: it has no run.json'],
    [['report', 'services'], 'is no run of Gameday: it has no run.json'],
    [['completion', 'tcsh'], 'no completion for "tcsh"'],
    [['bench', 'kw'], 'unknown benchmark "kw"'],
    [['bench', 'kv', '--only', 'writes_per_secnd'], 'did you mean "writes_per_second"?'],
    [['bench', 'kv', '--pairs', '0'], 'Expected a whole number of at least 1.'],
    [['bench', 'check', '--pairs', '3'], 'bench check takes no --pairs'],
  ])('%p: %s', async (words, message) => {
    const { code, stderr } = await gameday(...words);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('commands that only look', () => {
  test('list', async () => {
    const { code, stdout } = await gameday('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^kv\/leader-kill +kv-leader-kill +\S/m);
  });

  test('list --json is one document', async () => {
    const { scenarios } = JSON.parse((await gameday('list', '--json')).stdout);
    const found = scenarios.find(({ name }: { name: string }) => name === 'kv/leader-kill');
    expect(found).toMatchObject({ file: 'scenarios/kv/leader-kill.yaml' });
  });

  test('check: every scenario of the project is right, in full and as ci', async () => {
    const { code, stdout } = await gameday('check');
    expect(stdout).toBe('');
    expect(code).toBe(0);
  });

  test('status of what is not up', async () => {
    expect((await gameday('status', 'kv')).stdout).toBe('kv is down: gameday up kv\n');
  });

  test('help shows examples, and no command that is not there', async () => {
    const { stdout } = await gameday('run', '--help');
    expect(stdout).toContain('gameday run kv --ci --json > result.json');
    expect((await gameday('--help')).stdout).not.toMatch(/^ {2}(gate|script) /m);
  });

  test.each(['bash', 'zsh', 'fish'])('completion %s knows commands and scenarios', async (shell) => {
    const { stdout } = await gameday('completion', shell);
    expect(stdout).toContain('recheck');
    expect(stdout).toContain('kv/leader-kill');
  });

  test.each([
    ['run', '', ['all', 'kv', 'kv/smoke', '--seed'], ['bash']],
    ['run', 'kv/l', ['kv/leader-kill', 'kv/leader-pause'], ['kv/smoke']],
    ['up', '', ['kv', '--port'], ['kv/smoke']],
    ['completion', '', ['bash', 'zsh', 'fish'], ['kv']],
    ['open', '', ['--port'], ['kv']],
    ['run', 'RS-', ['RS-001', 'RS-005'], ['kv/RS-001']],
    ['drill', 'KvDi', ['KvDiskFull', 'KvDiverged'], ['KvNoLeader']],
    ['explain', 'KvDi', ['KvDiskFull'], ['KvNoLeader']],
    ['bench', '', ['check', 'kv'], ['storm']],
  ])('bash completes `gameday %s %s`', async (command, word, some, none) => {
    const { stdout } = await gameday('completion', 'bash');
    const ask = `${stdout}\nCOMP_WORDS=(gameday ${command} "${word}") COMP_CWORD=2\n_gameday\nprintf '%s\\n' "\${COMPREPLY[@]}"`;
    const answers = spawnSync('bash', ['-c', ask], { encoding: 'utf8' }).stdout.trim().split('\n');
    expect(answers).toEqual(expect.arrayContaining(some));
    for (const other of none) expect(answers).not.toContain(other);
  });
});
