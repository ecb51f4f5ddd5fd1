/** Entry point of `gameday`. */
import { runCommandLine } from './command_line.ts';
import { createProgram } from './program.ts';

// Connections that are kept alive must not keep the process.
process.exit(await runCommandLine(createProgram));
