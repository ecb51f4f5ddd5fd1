import type { Disk } from '../storage/disk.ts';

/** How much must stay free before this node refuses writes: enough for Raft's own records and a snapshot of usual size. */
export const DISK_RESERVE_BYTES = 32 * 1024 * 1024;

/** Watches the space that is left, so that writes are refused while the log itself can still be written. */
export class DiskSpace {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #reserveBytes: number;
  #freeBytes: number | null = null;
  #low = false;
  #looking = false;
  /** A write to the log has found no space and is waiting for it. */
  stuck = false;

  constructor(disk: Disk, directory: string, reserveBytes: number) {
    this.#disk = disk;
    this.#directory = directory;
    this.#reserveBytes = reserveBytes;
  }

  /** Null before the first look. */
  get freeBytes(): number | null {
    return this.#freeBytes;
  }

  /** This node takes no writes. */
  get full(): boolean {
    return this.stuck || this.#low;
  }

  /** Asks the file system; the answer shows later. */
  look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#disk
      .freeBytes(this.#directory)
      .then((free) => {
        this.#freeBytes = free;
        // A quarter more before writes are taken again, so that the answer does not flap.
        this.#low = free < this.#reserveBytes * (this.#low ? 1.25 : 1);
      })
      .catch(() => {})
      .finally(() => {
        this.#looking = false;
      });
  }
}
