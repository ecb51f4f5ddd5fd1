import { type FileHandle, open } from 'node:fs/promises';
import { tryLock } from 'fs-native-extensions';
import { DataDirectoryError } from './errors.ts';

/**
 * Exclusive use of a data directory by an open-file-description lock: the kernel releases it when the process ends, SIGKILL included,
 * so a leftover file never blocks a restart.
 */
export class DirectoryLock {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** @throws DataDirectoryError LOCKED, naming the process that holds it */
  static async acquire(directory: string): Promise<DirectoryLock> {
    const path = `${directory}/LOCK`;
    const handle = await open(path, 'a+', 0o600);
    if (!tryLock(handle.fd)) {
      const holder = (await handle.readFile('utf8')).trim();
      await handle.close();
      throw new DataDirectoryError(
        'LOCKED',
        `${directory} is in use by ${/^\d+$/.test(holder) ? `process ${holder}` : 'another process'}: ` +
          'stop that node first, or give this one a directory of its own with --data-dir',
      );
    }
    await handle.truncate(0);
    await handle.write(`${process.pid}\n`);
    return new DirectoryLock(handle);
  }

  release(): Promise<void> {
    return this.#handle.close();
  }
}
