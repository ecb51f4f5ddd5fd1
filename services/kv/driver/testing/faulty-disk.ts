import { type DiskFile, FileSystemDisk } from '../../storage/disk.ts';

/** The real disk with faults that a test switches on and off. */
export class FaultyDisk extends FileSystemDisk {
  /** fdatasync of the log waits while this is true; `held` counts those that wait. */
  hold = false;
  held = 0;
  /** fdatasync of the log says that it is done, and does nothing. */
  lie = false;
  /** Writes to the log find no space. */
  full = false;
  /** What `freeBytes` says; the truth when null. */
  free: number | null = null;
  #release: (() => void)[] = [];

  release(): void {
    this.hold = false;
    for (const release of this.#release.splice(0)) release();
  }

  override async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    const file = await super.open(path, mode);
    return path.endsWith('.wal') ? this.#faulty(file) : file;
  }

  override async freeBytes(path: string): Promise<number> {
    return this.free ?? super.freeBytes(path);
  }

  #faulty(file: DiskFile): DiskFile {
    const write = async (position: number, data: Uint8Array) => {
      if (!this.full) return file.writeAt(position, data);
      // As a real disk does it: some of it is written before it is full.
      await file.writeAt(position, data.subarray(0, data.length >> 1));
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    };
    return {
      path: file.path,
      get size() {
        return file.size;
      },
      get syncedSize() {
        return file.syncedSize;
      },
      writeAt: write,
      append: (data) => write(file.size, data),
      readAt: (position, length) => file.readAt(position, length),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      datasync: async () => {
        if (this.lie) return;
        if (this.hold) {
          this.held += 1;
          await new Promise<void>((resolve) => this.#release.push(resolve));
        }
        await file.datasync();
      },
    };
  }
}
