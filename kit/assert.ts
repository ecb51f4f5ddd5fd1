/** Thrown when an invariant of the program is broken: a bug, never bad input. */
export class AssertionError extends Error {
  override name = 'AssertionError';
}

/** Checks an invariant, an argument or a postcondition; stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
