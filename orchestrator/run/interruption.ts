/** Signals that end a run in order; SIGHUP says that the terminal is gone. */
export const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type InterruptionSignal = (typeof INTERRUPTIONS)[number];

/** The reason of an abort that a person or a supervisor asked for. */
export class Interruption extends Error {
  readonly code = 'INTERRUPTED';
  readonly signal: InterruptionSignal;
  constructor(signal: InterruptionSignal) {
    super(`ended by ${signal}`);
    this.name = 'Interruption';
    this.signal = signal;
  }
}
