import { assert } from '../../kit/assert.ts';

/** Bytes that do not follow the format: too short, a size out of bounds, an unknown tag. Never a bug of the reader. */
export class MalformedError extends Error {
  override name = 'MalformedError';
  readonly code = 'MALFORMED';
}

const textDecoder = new TextDecoder('utf-8', { fatal: true });

/** Writes the compact binary formats of the log and of the peers' messages into one growing buffer. */
export class BinaryWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity = 1024) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the memory, unless it has grown beyond a megabyte. */
  clear(): void {
    this.#length = 0;
    if (this.#buffer.length > 1024 * 1024) this.#buffer = Buffer.allocUnsafe(64 * 1024);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** Big-endian. */
  u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32BE(value, this.#length);
  }

  /** Big-endian, up to 2^53 − 1. */
  u64(value: number): void {
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value >>> 0);
  }

  /** LEB128: seven bits a byte, lowest first; up to 2^53 − 1. */
  varint(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `varint: ${value} is not an integer in 0…2^53 − 1`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A length and the bytes. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  text(value: string): void {
    const length = Buffer.byteLength(value, 'utf8');
    this.varint(length);
    this.#reserve(length);
    this.#length += this.#buffer.write(value, this.#length, length, 'utf8');
  }

  flag(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  /** Overwrites four bytes written before; for lengths and checksums that are known last. */
  patchU32(at: number, value: number): void {
    assert(at + 4 <= this.#length, 'patchU32: beyond the end');
    this.#buffer.writeUInt32BE(value, at);
  }

  /** A view of what was written, valid until the next write. */
  view(from = 0): Buffer {
    return this.#buffer.subarray(from, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

/** Reads what `BinaryWriter` wrote; every size is checked against what is left, so hostile bytes end in `MalformedError`. */
export class BinaryReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = at;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#buffer.length - this.#at;
  }

  u8(): number {
    this.#need(1);
    return this.#buffer[this.#at++]!;
  }

  u32(): number {
    this.#need(4);
    const value = this.#buffer.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  u64(): number {
    const high = this.u32();
    if (high > 0x1f_ffff) throw new MalformedError('a number is greater than 2^53 − 1');
    return high * 0x1_0000_0000 + this.u32();
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
      scale *= 0x80;
    }
    throw new MalformedError('a number is greater than 2^53 − 1');
  }

  /** How many items follow; each takes at least `itemBytesMin`, so a count that cannot be true is refused before memory is taken. */
  count(itemBytesMin: number): number {
    const count = this.varint();
    if (count * itemBytesMin > this.left) throw new MalformedError(`${count} items cannot fit in ${this.left} bytes`);
    return count;
  }

  /** A copy, so that a small value does not keep a large buffer alive. */
  bytes(): Uint8Array {
    return new Uint8Array(this.view());
  }

  /** The bytes where they are: for what makes up most of the buffer, or is not kept. */
  view(): Uint8Array {
    const length = this.varint();
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    return this.#buffer.subarray(start, this.#at);
  }

  text(): string {
    try {
      return textDecoder.decode(this.view());
    } catch {
      throw new MalformedError('a text is not UTF-8');
    }
  }

  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw new MalformedError(`a flag is ${value}, not 0 or 1`);
    return value === 1;
  }

  end(): void {
    if (this.left !== 0) throw new MalformedError(`${this.left} bytes follow the end`);
  }

  #need(bytes: number): void {
    if (bytes > this.left) throw new MalformedError(`${bytes} bytes expected, ${this.left} left`);
  }
}
