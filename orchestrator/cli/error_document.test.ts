import { expect, test } from '@jest/globals';
import { CommanderError } from 'commander';
import { ScenarioError } from '../scenario/problems.ts';
import { errorDocument } from './error_document.ts';
import { UsageError } from './exit_code.ts';

const problem = { severity: 'error', file: 'x.yaml', line: 7, column: 1, message: 'unknown field "node"' } as const;

test.each([
  [
    'a flag that nobody knows',
    new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'"),
    'USAGE',
  ],
  ['a mistake on the command line', new UsageError('say which system'), 'USAGE'],
  ['a port in use', Object.assign(new Error('port 8080 is held'), { code: 'PORT_IN_USE' }), 'PORT_IN_USE'],
  ['a mistake in the program', new TypeError('x is undefined'), 'INTERNAL'],
])('%s has a code', (_, error, code) => {
  const document = errorDocument(error, 2);
  expect(document).toEqual({ exitCode: 2, error: { code, message: error.message.replace('error: ', '') } });
});

test('mistakes in a scenario keep their places', () => {
  expect(errorDocument(new ScenarioError([problem]), 2).error).toMatchObject({
    code: 'SCENARIO_INVALID',
    problems: [problem],
  });
});
