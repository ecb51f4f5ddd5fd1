import { constants, fdatasync, writeSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';

/** An open file. One writer at a time: calls are not made concurrently, except `readAt`. */
export interface DiskFile {
  readonly path: string;
  /** Bytes in the file, written or not yet durable. */
  readonly size: number;
  /** Bytes that were in the file when the last `datasync` that has returned was started: these survive a power cut. */
  readonly syncedSize: number;
  /** Writes all of `data` at the end. On failure an unknown part of it may be in the file; `size` is unchanged. */
  append(data: Uint8Array): Promise<void>;
  writeAt(position: number, data: Uint8Array): Promise<void>;
  /** Fewer bytes than asked for only at the end of the file. */
  readAt(position: number, length: number): Promise<Uint8Array>;
  truncate(size: number): Promise<void>;
  /** fdatasync(2): returns when data and size are on the medium. */
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * All that storage asks of a file system. Names become durable by `syncDirectory`, contents by `datasync`; nothing else promises
 * anything. Failures carry the `code` of errno (ENOENT, ENOSPC …).
 */
export interface Disk {
  /** `create`: a new file, truncated if it exists; `write`: an existing one, to go on at its end; `read`: no writing. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  /** ENOENT when absent. */
  readFile(path: string): Promise<Uint8Array>;
  rename(from: string, to: string): Promise<void>;
  /** Nothing happens when it is absent. */
  remove(path: string): Promise<void>;
  /** Names in a directory, sorted; empty when it is absent. */
  list(directory: string): Promise<string[]>;
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
}

/** Told of what really reached the operating system; the only source of the fsync metrics. */
export interface DiskObserver {
  wrote(path: string, bytes: number): void;
  /** An fdatasync has returned without error. */
  synced(path: string, seconds: number): void;
}

const SILENT: DiskObserver = { wrote: () => {}, synced: () => {} };

/** The real disk, over node:fs. */
export class FileSystemDisk implements Disk {
  readonly #observer: DiskObserver;

  constructor(observer: DiskObserver = SILENT) {
    this.#observer = observer;
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const { O_CREAT, O_TRUNC, O_RDWR, O_RDONLY } = constants;
    const flags = { create: O_CREAT | O_TRUNC | O_RDWR, write: O_RDWR, read: O_RDONLY }[mode];
    const handle = await open(path, flags, 0o600);
    try {
      return new FileSystemFile(path, handle, (await handle.stat()).size, this.#observer);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  readFile(path: string): Promise<Uint8Array> {
    return readFile(path);
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  remove(path: string): Promise<void> {
    return rm(path, { force: true });
  }

  async list(directory: string): Promise<string[]> {
    try {
      return (await readdir(directory)).sort();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  async makeDirectory(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
  }

  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async freeBytes(path: string): Promise<number> {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  }
}

/**
 * So little is written at once on the event loop: into the page cache it takes a few microseconds, much less than handing it to
 * another thread and being woken by it. What takes long, fdatasync, never happens here; only where the kernel has more dirty pages than it
 * wants, or its journal is being committed, a write waits, and the event loop with it.
 */
const SHORT_BYTES_MAX = 128 * 1024;

class FileSystemFile implements DiskFile {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #observer: DiskObserver;
  #size: number;
  #syncedSize = 0;
  /** The last fdatasync that was begun; whoever asked for it hears how it ended. */
  #syncing = Promise.resolve();

  constructor(path: string, handle: FileHandle, size: number, observer: DiskObserver) {
    this.path = path;
    this.#handle = handle;
    this.#size = size;
    this.#observer = observer;
  }

  get size(): number {
    return this.#size;
  }

  get syncedSize(): number {
    return this.#syncedSize;
  }

  async append(data: Uint8Array): Promise<void> {
    await this.writeAt(this.#size, data);
  }

  async writeAt(position: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const left = data.length - done;
      if (left <= SHORT_BYTES_MAX) done += writeSync(this.#handle.fd, data, done, left, position + done);
      else done += (await this.#handle.write(data, done, left, position + done)).bytesWritten;
    }
    this.#size = Math.max(this.#size, position + data.length);
    this.#observer.wrote(this.path, data.length);
  }

  async readAt(position: number, length: number): Promise<Uint8Array> {
    const data = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await this.#handle.read(data, done, length - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return data.subarray(0, done);
  }

  async truncate(size: number): Promise<void> {
    await this.#handle.truncate(size);
    this.#size = size;
    this.#syncedSize = Math.min(this.#syncedSize, size);
  }

  async datasync(): Promise<void> {
    const covered = this.#size;
    const started = performance.now();
    this.#syncing = new Promise<void>((resolve, reject) =>
      fdatasync(this.#handle.fd, (error) => (error === null ? resolve() : reject(error))),
    );
    await this.#syncing;
    this.#syncedSize = Math.max(this.#syncedSize, Math.min(covered, this.#size));
    this.#observer.synced(this.path, (performance.now() - started) / 1000);
  }

  async close(): Promise<void> {
    // The number of the descriptor may be another file's once it is closed.
    await this.#syncing.catch(() => {});
    await this.#handle.close();
  }
}

/** Replaces `path` atomically and durably: temporary file, fdatasync, rename, fsync of the directory. */
export async function replaceFile(disk: Disk, directory: string, name: string, data: Uint8Array): Promise<void> {
  const temporary = `${directory}/${name}.tmp`;
  const file = await disk.open(temporary, 'create');
  try {
    await file.append(data);
    await file.datasync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, `${directory}/${name}`);
  await disk.syncDirectory(directory);
}
