import { mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tryLock } from 'fs-native-extensions';
import type { Distribution } from './catalogue.ts';
import { cacheDirectory, type Surroundings } from './surroundings.ts';

export interface CacheLock extends AsyncDisposable {
  /** An empty directory beside the final place; gone when the lock is released, unless it was placed. */
  readonly workDirectory: string;
  /** Empties the work directory. */
  clear(): Promise<void>;
  /** Puts the work directory's content where `cachedPath` looks for it, at once. */
  place(): Promise<void>;
}

const TEMPORARY = '.tmp-';

/**
 * Takes the lock that two runs share when they want the same distribution, and waits for it as long as `signal` allows. The
 * operating system releases it when its holder dies; what that one left half done is removed here.
 */
export async function lockCache(
  distribution: Distribution,
  surroundings: Surroundings,
  signal: AbortSignal,
  onWait: () => void,
): Promise<CacheLock> {
  const home = join(cacheDirectory(surroundings), distribution.name);
  await mkdir(home, { recursive: true });
  const file = await open(join(home, '.lock'), 'a+');
  try {
    for (let waited = false; !tryLock(file.fd); waited = true) {
      if (!waited) onWait();
      await delay(200, undefined, { signal });
    }
    for (const entry of await readdir(home)) {
      if (entry.startsWith(TEMPORARY)) await rm(join(home, entry), { recursive: true, force: true });
    }
    const workDirectory = await mkdtemp(join(home, TEMPORARY));
    return {
      workDirectory,
      clear: async () => {
        await rm(workDirectory, { recursive: true });
        await mkdir(workDirectory);
      },
      place: () => replace(workDirectory, join(home, distribution.version)),
      [Symbol.asyncDispose]: async () => {
        await rm(workDirectory, { recursive: true, force: true });
        await file.close();
      },
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function replace(source: string, target: string): Promise<void> {
  const old = `${source}-old`;
  await rename(target, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(source, target);
  await rm(old, { recursive: true, force: true });
}
