import { describe, expect, test } from '@jest/globals';
import { CommanderError } from 'commander';
import { Interruption } from '../run/interruption.ts';
import type { RunRecord } from '../run/record.ts';
import { ScenarioError } from '../scenario/problems.ts';
import type { Verdict } from '../verdict/types.ts';
import { exitCodeOfError, exitCodeOfRun, exitCodeOfVerdict, UsageError, worstExitCode } from './exit_code.ts';

const record = (change: object): RunRecord => change as unknown as RunRecord;
const verdict = (result: string) => ({ verdict: { result } });

describe('the exit code of a run', () => {
  test.each([
    ['pass', record(verdict('pass')), 0],
    ['fail', record(verdict('fail')), 1],
    ['inconclusive', record(verdict('inconclusive')), 3],
    ['an error', record({ error: { code: 'CLUSTER_START', message: '' } }), 4],
    ['an error after the verdict', record({ ...verdict('pass'), error: { code: 'X', message: '' } }), 4],
    ['no verdict', record({}), 4],
    ['SIGINT', record({ interrupted: { signal: 'SIGINT', at: 0 } }), 130],
    ['SIGHUP', record({ interrupted: { signal: 'SIGHUP', at: 0 } }), 129],
    ['SIGTERM', record({ interrupted: { signal: 'SIGTERM', at: 0 } }), 143],
  ])('%s', (_, run, expected) => expect(exitCodeOfRun(run, false)).toBe(expected));

  test('--inconclusive=warn makes inconclusive 0, and nothing else', () => {
    expect(exitCodeOfRun(record(verdict('inconclusive')), true)).toBe(0);
    expect(exitCodeOfRun(record(verdict('fail')), true)).toBe(1);
    expect(exitCodeOfRun(record({}), true)).toBe(4);
  });

  test('of a judgement alone, however the run has ended', () => {
    expect(exitCodeOfVerdict(verdict('inconclusive').verdict as Verdict, false)).toBe(3);
    expect(exitCodeOfVerdict(verdict('inconclusive').verdict as Verdict, true)).toBe(0);
    expect(exitCodeOfVerdict(verdict('fail').verdict as Verdict, true)).toBe(1);
    expect(exitCodeOfVerdict(verdict('pass').verdict as Verdict, false)).toBe(0);
  });

  test('of several, the worst', () => {
    expect(worstExitCode([])).toBe(0);
    expect(worstExitCode([0, 3, 0])).toBe(3);
    expect(worstExitCode([3, 4, 1])).toBe(1);
    expect(worstExitCode([1, 130])).toBe(130);
  });
});

test.each([
  ['a mistake in a scenario', new ScenarioError([]), 2],
  ['a mistake on the command line', new UsageError(''), 2],
  ['an unknown flag', new CommanderError(1, 'commander.unknownOption', ''), 2],
  ['help', new CommanderError(0, 'commander.helpDisplayed', ''), 0],
  ['a tool that cannot be had', Object.assign(new Error(), { code: 'TOOL_UNAVAILABLE' }), 4],
  ['a port in use', Object.assign(new Error(), { code: 'PORT_IN_USE' }), 4],
  ['a mistake in the program', new TypeError(), 4],
  ['an interruption', new Interruption('SIGTERM'), 143],
])('the exit code of %s', (_, error, expected) => expect(exitCodeOfError(error)).toBe(expected));
