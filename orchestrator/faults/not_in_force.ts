/** A fault that was asked for and did not come about, or did not last: the world's doing, not a bug, so it is told without a stack. */
export class NotInForceError extends Error {
  readonly code = 'FAULT_NOT_IN_FORCE';

  constructor(message: string) {
    super(message);
    this.name = 'NotInForceError';
  }
}
