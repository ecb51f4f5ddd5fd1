import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Milliseconds; 10,000 unless given. */
  readonly withinMs?: number;
  /** Milliseconds between two looks; 10 unless given. */
  readonly everyMs?: number;
  /** Completes the message "… did not happen within …". */
  readonly what?: string;
}

/** Looks again and again until `look` gives something truthy, and returns it; throws at the deadline. For tests and start-up. */
export async function until<T>(look: () => T | Promise<T>, options: UntilOptions = {}): Promise<NonNullable<T>> {
  const { withinMs = 10_000, everyMs = 10, what = String(look) } = options;
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value) return value;
    if (performance.now() > deadlineMs) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await sleep(everyMs);
  }
}
