import type { Context } from '../context.ts';

/** What a command of `bombarder` works with: the CLI's context, and where the nodes' data are. */
export interface BombarderContext extends Context {
  /** Absolute: `$STRESS_TEST_DATA`, or `data` in the working directory. */
  readonly dataDirectory: string;
}
