import { crc32c } from '@node-rs/crc32';
import { assert } from '../../../kit/assert.ts';
import { BinaryReader, BinaryWriter, MalformedError } from '../binary.ts';
import type { SnapshotMeta } from '../core/raft/types.ts';
import { readSnapshotMeta, writeSnapshotMeta } from '../membership.ts';
import type { Disk, DiskFile } from './disk.ts';
import { DataDirectoryError, DiskFullError, isDiskFull, StorageCorruptError } from './errors.ts';

/** A snapshot file: a header, then blocks of `CRC32C u32 | data`; every block but the last one is full. */
const HEADER_BYTES = 64 * 1024;
const BLOCK_BYTES = 64 * 1024;
const BLOCK_DATA_BYTES = BLOCK_BYTES - 4;
/** Read in one go when a whole snapshot is read. */
const BLOCKS_READ = 16;
const MAGIC = 0x4744534e; // "GDSN"
const VERSION = 1;

function encodeHeader(clusterId: string, meta: SnapshotMeta): Buffer {
  const payload = new BinaryWriter();
  payload.text(clusterId);
  writeSnapshotMeta(payload, meta);
  assert(payload.length <= HEADER_BYTES - 16, `a snapshot header of ${payload.length} bytes does not fit`);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  header.writeUInt32BE(crc32c(payload.view()), 8);
  header.writeUInt32BE(payload.length, 12);
  header.set(payload.view(), 16);
  return header;
}

function decodeHeader(path: string, header: Buffer, clusterId: string): SnapshotMeta {
  if (header.length < HEADER_BYTES || header.readUInt32BE(0) !== MAGIC) {
    throw new StorageCorruptError(path, 0, 'this is no snapshot');
  }
  const version = header.readUInt32BE(4);
  if (version !== VERSION) {
    throw new DataDirectoryError(
      'VERSION',
      `${path}: format version ${version} is not ${VERSION}: start the version of stress_node that wrote it`,
    );
  }
  const length = header.readUInt32BE(12);
  const payload = header.subarray(16, 16 + Math.min(length, HEADER_BYTES));
  if (length > HEADER_BYTES - 16 || crc32c(payload) !== header.readUInt32BE(8)) {
    throw new StorageCorruptError(path, 8, 'the checksum of the snapshot header does not match');
  }
  try {
    const reader = new BinaryReader(payload);
    const owner = reader.text();
    if (owner !== clusterId) {
      throw new DataDirectoryError(
        'FOREIGN',
        `${path} belongs to cluster ${owner}, this is ${clusterId}: give another --data-dir`,
      );
    }
    return readSnapshotMeta(reader);
  } catch (error) {
    if (error instanceof MalformedError) throw new StorageCorruptError(path, 16, error.message);
    throw error;
  }
}

/** Writes a snapshot in order into a temporary file; `finish` makes it durable under its final name. */
export class SnapshotWriter {
  readonly #disk: Disk;
  readonly #file: DiskFile;
  readonly #temporary: string;
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #filled = 4;
  #position = HEADER_BYTES;
  #received = 0;

  private constructor(disk: Disk, file: DiskFile, temporary: string) {
    this.#disk = disk;
    this.#file = file;
    this.#temporary = temporary;
  }

  /** @throws DiskFullError */
  static async create(disk: Disk, temporary: string): Promise<SnapshotWriter> {
    try {
      return new SnapshotWriter(disk, await disk.open(temporary, 'create'), temporary);
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(temporary, error) : error;
    }
  }

  /** Bytes of data taken so far. */
  get received(): number {
    return this.#received;
  }

  /** @throws DiskFullError `received` says how much was taken; go on from there */
  async append(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; ) {
      if (this.#filled === BLOCK_BYTES) await this.#flush();
      const part = data.subarray(at, at + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      this.#received += part.length;
      at += part.length;
    }
  }

  /**
   * Header, fdatasync, rename, fsync of the directory: after this the snapshot exists, before it there is none.
   * @throws DiskFullError it may be called again
   */
  async finish(clusterId: string, meta: SnapshotMeta, path: string, directory: string): Promise<void> {
    assert(this.#received === meta.size, `snapshot ${meta.index}: ${this.#received} bytes, ${meta.size} announced`);
    if (this.#filled > 4) await this.#flush();
    await this.#write(0, encodeHeader(clusterId, meta));
    await this.#file.datasync();
    await this.#file.close();
    await this.#disk.rename(this.#temporary, path);
    await this.#disk.syncDirectory(directory);
  }

  async abort(): Promise<void> {
    await this.#file.close();
    await this.#disk.remove(this.#temporary);
  }

  async #flush(): Promise<void> {
    const block = this.#block.subarray(0, this.#filled);
    block.writeUInt32BE(crc32c(block.subarray(4)), 0);
    await this.#write(this.#position, block);
    this.#position += block.length;
    this.#filled = 4;
  }

  async #write(position: number, data: Uint8Array): Promise<void> {
    try {
      await this.#file.writeAt(position, data);
    } catch (error) {
      throw isDiskFull(error) ? new DiskFullError(this.#temporary, error) : error;
    }
  }
}

/** Reads a snapshot at any offset; each block is checked. */
export class SnapshotReader {
  readonly meta: SnapshotMeta;
  readonly #file: DiskFile;

  private constructor(meta: SnapshotMeta, file: DiskFile) {
    this.meta = meta;
    this.#file = file;
  }

  /** @throws StorageCorruptError DataDirectoryError; ENOENT when it is gone */
  static async open(disk: Disk, path: string, clusterId: string): Promise<SnapshotReader> {
    const file = await disk.open(path, 'read');
    try {
      const meta = decodeHeader(path, Buffer.from(await file.readAt(0, HEADER_BYTES)), clusterId);
      const size = HEADER_BYTES + meta.size + 4 * Math.ceil(meta.size / BLOCK_DATA_BYTES);
      if (file.size !== size) throw new StorageCorruptError(path, file.size, `${size} bytes were expected`);
      return new SnapshotReader(meta, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** `length` bytes of data from `offset`, fewer at the end. @throws StorageCorruptError */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(this.meta.size, offset + length);
    const first = Math.floor(offset / BLOCK_DATA_BYTES);
    const parts = await this.#blocks(first, Math.ceil(end / BLOCK_DATA_BYTES));
    const from = offset - first * BLOCK_DATA_BYTES;
    return Buffer.concat(parts).subarray(from, from + end - offset);
  }

  /** All data in order, in pieces of at most one block. */
  async *blocks(): AsyncGenerator<Uint8Array> {
    const count = Math.ceil(this.meta.size / BLOCK_DATA_BYTES);
    for (let number = 0; number < count; number += BLOCKS_READ) {
      yield* await this.#blocks(number, Math.min(count, number + BLOCKS_READ));
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The data of the blocks from `first` up to, not including, `end`. */
  async #blocks(first: number, end: number): Promise<Buffer[]> {
    const position = HEADER_BYTES + first * BLOCK_BYTES;
    const data = await this.#file.readAt(position, (end - first) * BLOCK_BYTES);
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    return Array.from({ length: end - first }, (_, at) => this.#checked(first + at, bytes.subarray(at * BLOCK_BYTES)));
  }

  /** @param bytes begins with the block */
  #checked(number: number, bytes: Buffer): Buffer {
    const expected = 4 + Math.min(BLOCK_DATA_BYTES, this.meta.size - number * BLOCK_DATA_BYTES);
    const block = bytes.subarray(0, expected);
    if (block.length !== expected || crc32c(block.subarray(4)) !== block.readUInt32BE(0)) {
      const position = HEADER_BYTES + number * BLOCK_BYTES;
      throw new StorageCorruptError(this.#file.path, position, 'the checksum of a snapshot block does not match');
    }
    return block.subarray(4);
  }
}
