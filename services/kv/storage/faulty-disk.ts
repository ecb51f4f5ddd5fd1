import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../../kit/prng.ts';
import type { Disk, DiskFile, DiskObserver } from './disk.ts';

/**
 * How an fdatasync of the log lies. `skip`: it returns and does nothing, and neither size nor observer claim otherwise. `skip-some`: every
 * second one. `skip-and-claim`: it does nothing, and says that it did; only how fast it was gives it away.
 */
export const FSYNC_LIES = ['skip', 'skip-some', 'skip-and-claim'] as const;
export type FsyncLie = (typeof FSYNC_LIES)[number];

/** What is wrong with the disk at present. */
export interface DiskFaults {
  /** Whatever is written, of any file, finds no space. */
  readonly full: boolean;
  readonly slowFsyncMs: number;
  /** Share of the fdatasyncs that are slow. */
  readonly slowFsyncProbability: number;
  /** Of the log only. */
  readonly lie: FsyncLie | null;
  /** The next write to the log is cut short, and the process dies. */
  readonly tornWrite: boolean;
}

export interface FaultyDiskParts {
  readonly faults: () => DiskFaults;
  /** Makes the disk underneath, which reports to the observer that it is given. */
  readonly below: (observer: DiskObserver) => Disk;
  readonly observer: DiskObserver;
  readonly random: Prng;
  /** Ends the process at once, as a power cut would. */
  readonly die: () => void;
}

/** More than this is not held back while fdatasync lies: the operating system would have written it by then, too. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/**
 * A disk that does what a broken one does. The observer is told the truth, except by `skip-and-claim`: a slow fdatasync is as slow as it
 * was, one that was skipped is not reported.
 */
export class FaultyDisk implements Disk {
  readonly #parts: FaultyDiskParts;
  readonly #below: Disk;
  /** Seconds by which the fdatasync under way was delayed, by path. */
  readonly #delays = new Map<string, number>();
  /** Files of which an fdatasync was said to have been made that was not. */
  readonly #owing = new Set<FaultyFile>();

  constructor(parts: FaultyDiskParts) {
    this.#parts = parts;
    this.#below = parts.below({
      wrote: (path, bytes) => parts.observer.wrote(path, bytes),
      synced: (path, seconds) => parts.observer.synced(path, seconds + (this.#delays.get(path) ?? 0)),
    });
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    if (mode === 'create' && this.#parts.faults().full) throw noSpace(path);
    const file = await this.#below.open(path, mode);
    return mode === 'read' ? file : new FaultyFile(file, this.#parts, this.#delays, this.#owing);
  }

  /**
   * Makes durable what lies have called so: a disk that is whole again keeps what it took while it was not. Without it that would have to
   * wait for the next write to the same file, and a file that is written to no more would wait for ever.
   */
  async settle(): Promise<void> {
    for (const file of this.#owing) {
      this.#owing.delete(file);
      await file.settle(this.#below);
    }
  }

  async freeBytes(path: string): Promise<number> {
    return this.#parts.faults().full ? 0 : this.#below.freeBytes(path);
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#below.readFile(path);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#below.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#below.remove(path);
  }

  list(directory: string): Promise<string[]> {
    return this.#below.list(directory);
  }

  makeDirectory(path: string): Promise<void> {
    return this.#below.makeDirectory(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#below.syncDirectory(path);
  }
}

class FaultyFile implements DiskFile {
  readonly #file: DiskFile;
  readonly #parts: FaultyDiskParts;
  readonly #delays: Map<string, number>;
  readonly #owing: Set<FaultyFile>;
  readonly #isLog: boolean;
  /** Appended while fdatasync lied: lost when the process dies, as what is only in the cache is lost at a power cut. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** The file is written to by its owner and by `settle`: what was held goes before both. */
  #writingBack: Promise<void> = Promise.resolve();
  #size: number;
  /** What a lie claims to be durable, and what of a closed file was made so afterwards. */
  #claimed = 0;
  #syncs = 0;
  #closed = false;

  constructor(file: DiskFile, parts: FaultyDiskParts, delays: Map<string, number>, owing: Set<FaultyFile>) {
    this.#file = file;
    this.#parts = parts;
    this.#delays = delays;
    this.#owing = owing;
    this.#isLog = file.path.endsWith('.wal');
    this.#size = file.size;
  }

  get path(): string {
    return this.#file.path;
  }

  get size(): number {
    return this.#size;
  }

  get syncedSize(): number {
    return Math.max(this.#claimed, this.#file.syncedSize);
  }

  async append(data: Uint8Array): Promise<void> {
    const { lie, tornWrite } = this.#parts.faults();
    if (this.#isLog && tornWrite) return this.#tear(data);
    if (this.#isLog && lie !== null && !this.#parts.faults().full) {
      this.#held.push(Buffer.from(data));
      this.#heldBytes += data.length;
      this.#size += data.length;
      if (this.#heldBytes > HELD_BYTES_MAX) await this.#writeBack();
      return;
    }
    await this.writeAt(this.#size, data);
  }

  async writeAt(position: number, data: Uint8Array): Promise<void> {
    await this.#writeBack();
    if (this.#parts.faults().full) {
      // As a real disk does it: some of it is written before there is no more space.
      await this.#file.writeAt(position, data.subarray(0, data.length >> 1));
      throw noSpace(this.path);
    }
    await this.#file.writeAt(position, data);
    this.#size = Math.max(this.#size, position + data.length);
  }

  async readAt(position: number, length: number): Promise<Uint8Array> {
    await this.#writeBack();
    return this.#file.readAt(position, length);
  }

  async truncate(size: number): Promise<void> {
    await this.#writeBack();
    await this.#file.truncate(size);
    this.#size = size;
    this.#claimed = Math.min(this.#claimed, size);
  }

  async datasync(): Promise<void> {
    if (this.#isLog && this.#lies()) return;
    await this.#writeBack();
    const { slowFsyncMs, slowFsyncProbability } = this.#parts.faults();
    const slow = slowFsyncMs > 0 && this.#parts.random.float() < slowFsyncProbability;
    const started = performance.now();
    if (slow) await delay(slowFsyncMs);
    this.#delays.set(this.path, (performance.now() - started) / 1000);
    try {
      await this.#file.datasync();
    } finally {
      this.#delays.delete(this.path);
    }
  }

  async close(): Promise<void> {
    await this.#writeBack();
    this.#closed = true;
    await this.#file.close();
  }

  async settle(disk: Disk): Promise<void> {
    await this.#writeBack();
    // Looked at only now: its owner may have closed it in the meantime.
    if (!this.#closed) return this.#file.datasync();
    try {
      const file = await disk.open(this.path, 'write');
      await file.datasync().finally(() => file.close());
    } catch (error) {
      // Removed in the meantime: nothing needs it.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    this.#claimed = this.#size;
  }

  #lies(): boolean {
    const { lie } = this.#parts.faults();
    this.#syncs += 1;
    if (lie === null || (lie === 'skip-some' && this.#syncs % 2 === 0)) return false;
    this.#owing.add(this);
    if (lie === 'skip-and-claim') {
      const started = performance.now();
      this.#claimed = this.#size;
      this.#parts.observer.synced(this.path, (performance.now() - started) / 1000);
    }
    return true;
  }

  /** Never returns: what comes after it is not in this life. */
  async #tear(data: Uint8Array): Promise<void> {
    await this.#file.append(data.subarray(0, this.#parts.random.integer(1, data.length)));
    this.#parts.die();
    return new Promise(() => {});
  }

  #writeBack(): Promise<void> {
    if (this.#heldBytes === 0) return this.#writingBack;
    const data = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    this.#writingBack = this.#writingBack.then(() => this.#file.append(data));
    return this.#writingBack;
  }
}

function noSpace(path: string): Error {
  return Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' });
}
