/** Entry point of `bombarder`. */
import { resolve } from 'node:path';
import { runCommandLine } from '../command_line.ts';
import { createBombarder } from './program.ts';

const exitCode = await runCommandLine((context, version, done, environment) => {
  const dataDirectory = resolve(environment.STRESS_TEST_DATA || 'data');
  return createBombarder({ ...context, dataDirectory }, version, done);
});
// Connections that are kept alive must not keep the process.
process.exit(exitCode);
