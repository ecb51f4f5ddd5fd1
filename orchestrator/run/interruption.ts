/** The reason of an abort that a person or a supervisor asked for. */
export class Interruption extends Error {
  readonly code = 'INTERRUPTED';
  readonly signal: 'SIGINT' | 'SIGTERM';
  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`ended by ${signal}`);
    this.name = 'Interruption';
    this.signal = signal;
  }
}
