import type { Disk, DiskFile } from './disk.ts';

/** What is stored of one file: `durable` survives a crash, `current` is what a reader sees before it. */
interface Content {
  current: Buffer;
  durable: Buffer;
}

/** Runs before each operation that changes something; throws to inject a failure or to stop the world at this point. */
export type BeforeOperation = (operation: string, path: string) => void | Promise<void>;

/** Given what was durable and what was written since, returns what a power cut leaves. */
export type Survival = (durable: Buffer, current: Buffer) => Buffer;

/** The least that a disk may keep: exactly what was synced. */
export const onlySynced: Survival = (durable) => durable;

/**
 * A disk in memory that loses what was not synced, names as well as contents. For tests of crash safety: `crash()` gives the disk that
 * the next incarnation finds.
 */
export class MemoryDisk implements Disk {
  readonly #names = new Map<string, Content>();
  readonly #durableNames = new Map<string, Content>();
  readonly #before: BeforeOperation;
  /** Bytes that still fit; ENOSPC beyond. */
  capacityBytes = Number.POSITIVE_INFINITY;

  constructor(before: BeforeOperation = () => {}) {
    this.#before = before;
  }

  /**
   * The disk after a power cut.
   * @param comesBack whether a file whose removal was not synced is there again
   */
  crash(
    before: BeforeOperation = () => {},
    survival: Survival = onlySynced,
    comesBack: (path: string) => boolean = () => true,
  ): MemoryDisk {
    const disk = new MemoryDisk(before);
    for (const [path, content] of this.#durableNames) {
      if (!this.#names.has(path) && !comesBack(path)) continue;
      const left = Buffer.from(survival(content.durable, content.current));
      disk.#put(path, { current: left, durable: Buffer.from(left) });
    }
    return disk;
  }

  /** Changes a file behind everybody's back, durably: bit rot. */
  damage(path: string, change: (data: Buffer) => Buffer): void {
    const content = this.#names.get(path);
    if (content === undefined) throw enoent(path);
    content.current = Buffer.from(change(Buffer.from(content.current)));
    content.durable = Buffer.from(content.current);
  }

  async open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile> {
    if (mode === 'create') {
      await this.#before('create', path);
      const existing = this.#names.get(path);
      if (existing === undefined) this.#names.set(path, { current: Buffer.alloc(0), durable: Buffer.alloc(0) });
      else existing.current = Buffer.alloc(0);
    }
    const content = this.#names.get(path);
    if (content === undefined) throw enoent(path);
    return new MemoryFile(path, content, this, this.#before);
  }

  async readFile(path: string): Promise<Uint8Array> {
    const content = this.#names.get(path);
    if (content === undefined) throw enoent(path);
    return Buffer.from(content.current);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#before('rename', to);
    const content = this.#names.get(from);
    if (content === undefined) throw enoent(from);
    this.#names.delete(from);
    this.#names.set(to, content);
  }

  async remove(path: string): Promise<void> {
    await this.#before('remove', path);
    this.#names.delete(path);
  }

  async list(directory: string): Promise<string[]> {
    const prefix = `${directory}/`;
    const names = [...this.#names.keys()].filter(
      (path) => path.startsWith(prefix) && !path.slice(prefix.length).includes('/'),
    );
    return names.map((path) => path.slice(prefix.length)).sort();
  }

  async makeDirectory(): Promise<void> {}

  async syncDirectory(path: string): Promise<void> {
    await this.#before('syncDirectory', path);
    const inside = (name: string) => name.startsWith(`${path}/`);
    for (const name of this.#durableNames.keys()) {
      if (inside(name) && !this.#names.has(name)) this.#durableNames.delete(name);
    }
    for (const [name, content] of this.#names) if (inside(name)) this.#durableNames.set(name, content);
  }

  async freeBytes(): Promise<number> {
    return this.capacityBytes === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : this.capacityBytes;
  }

  #put(path: string, content: Content): void {
    this.#names.set(path, content);
    this.#durableNames.set(path, content);
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #content: Content;
  readonly #disk: MemoryDisk;
  readonly #before: BeforeOperation;
  #syncedSize = 0;

  constructor(path: string, content: Content, disk: MemoryDisk, before: BeforeOperation) {
    this.path = path;
    this.#content = content;
    this.#disk = disk;
    this.#before = before;
  }

  get size(): number {
    return this.#content.current.length;
  }

  get syncedSize(): number {
    return this.#syncedSize;
  }

  append(data: Uint8Array): Promise<void> {
    return this.writeAt(this.size, data);
  }

  async writeAt(position: number, data: Uint8Array): Promise<void> {
    await this.#before('write', this.path);
    const growth = Math.max(0, position + data.length - this.size);
    const missing = Math.max(0, growth - this.#disk.capacityBytes);
    this.#put(position, data.subarray(0, data.length - missing));
    // Like a real disk, which is full only when it has written what fits.
    if (missing > 0) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
  }

  #put(position: number, data: Uint8Array): void {
    this.#disk.capacityBytes -= Math.max(0, position + data.length - this.size);
    const larger = Buffer.alloc(Math.max(this.size, position + data.length));
    this.#content.current.copy(larger);
    larger.set(data, position);
    this.#content.current = larger;
  }

  async readAt(position: number, length: number): Promise<Uint8Array> {
    return Buffer.from(this.#content.current.subarray(position, position + length));
  }

  async truncate(size: number): Promise<void> {
    await this.#before('truncate', this.path);
    this.#disk.capacityBytes += Math.max(0, this.size - size);
    this.#content.current = Buffer.from(this.#content.current.subarray(0, size));
    this.#syncedSize = Math.min(this.#syncedSize, size);
  }

  async datasync(): Promise<void> {
    const covered = Buffer.from(this.#content.current);
    await this.#before('datasync', this.path);
    this.#content.durable = covered;
    this.#syncedSize = Math.min(covered.length, this.size);
  }

  async close(): Promise<void> {}
}

function enoent(path: string): Error {
  return Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
}
