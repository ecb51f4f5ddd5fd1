import { setTimeout as delay } from 'node:timers/promises';

/** Injected, so that a test can play an hour in a millisecond. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves at that time, or at once when it has passed; rejects with the signal's reason when aborted. */
  until(epochMs: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  async until(epochMs, signal) {
    signal?.throwIfAborted();
    const wait = epochMs - Date.now();
    if (wait <= 0) return;
    await delay(wait, undefined, signal ? { signal } : {}).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw error;
    });
  },
};
