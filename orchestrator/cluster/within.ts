/** Functions of somebody's manifest: they may throw before they return a promise, answer at once, or never. */

/** Its answer. Rejects when there is none in time, or when the signal says that nobody waits any longer. */
export async function within<T>(
  timeoutMs: number,
  what: string,
  work: () => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let end = (): void => undefined;
  const given = new Promise<never>((_, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${what} has not come back after ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    const onAbort = (): void => reject(signal!.reason as Error);
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  try {
    return await Promise.race([given, (async () => work())()]);
  } finally {
    end();
  }
}
