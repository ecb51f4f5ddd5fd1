import { assert } from '../../../../kit/assert.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Most texts are short and ASCII: up to this length a loop costs half of a call into the encoder. Less than 128. */
const SHORT_TEXT = 40;

/** A UUID in its canonical form: lower case, 36 characters. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** Writes the store's binary formats into one buffer that grows. Integers are LEB128, texts UTF-8 behind their length in bytes. */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Big-endian. */
  u32(value: number): void {
    this.#reserve(4);
    this.#putU32(this.#length, value);
    this.#length += 4;
  }

  /** An integer from 0 to 2^53 − 1. */
  integer(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) assert(false, `${value} is not an integer from 0 to 2^53 − 1`);
    this.#reserve(8);
    let rest = value;
    for (; rest >= 0x8000_0000; rest = Math.floor(rest / 0x80)) this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>= 7) this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
    this.#bytes[this.#length++] = rest;
  }

  text(value: string): void {
    // One UTF-16 unit takes at most three bytes, and the length in front at most eight.
    this.#reserve(value.length * 3 + 8);
    if (value.length <= SHORT_TEXT && this.#shortAscii(value)) return;
    const start = this.#length;
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(start + 1));
    this.integer(written);
    // A length that takes more than the one byte left for it pushes the text on.
    if (this.#length > start + 1) encoder.encodeInto(value, this.#bytes.subarray(this.#length));
    this.#length += written;
  }

  /** @returns false when there is more than ASCII in it, and nothing was written */
  #shortAscii(value: string): boolean {
    const bytes = this.#bytes;
    const start = this.#length + 1;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[start + i] = code;
    }
    bytes[start - 1] = value.length;
    this.#length = start + value.length;
    return true;
  }

  /** 16 bytes. */
  uuid(value: string): void {
    assert(isUuid(value), `"${value}" is no UUID in lower case`);
    this.#reserve(16);
    for (let at = 0; at < 36; at += 2) {
      if (at === 8 || at === 13 || at === 18 || at === 23) at += 1;
      this.#bytes[this.#length++] = (digit(value, at) << 4) | digit(value, at + 1);
    }
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Overwrites four bytes written before. */
  patchU32(at: number, value: number): void {
    this.#putU32(at, value);
  }

  /** What was written, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #putU32(at: number, value: number): void {
    this.#bytes[at] = value >>> 24;
    this.#bytes[at + 1] = value >>> 16;
    this.#bytes[at + 2] = value >>> 8;
    this.#bytes[at + 3] = value;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#length + more, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

function digit(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < 58 ? code - 48 : code - 87;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Reads what `ByteWriter` wrote. Bytes that end too early are a broken invariant: everything read here was checksummed. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  u8(): number {
    if (this.#at >= this.#bytes.length) this.#endsTooEarly();
    return this.#bytes[this.#at++]!;
  }

  u32(): number {
    return this.u8() * 0x1000000 + ((this.u8() << 16) | (this.u8() << 8) | this.u8());
  }

  integer(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    assert(false, 'an integer is greater than 2^53 − 1');
  }

  text(): string {
    return decoder.decode(this.#take(this.integer()));
  }

  uuid(): string {
    const bytes = this.#take(16);
    let text = '';
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
      text += HEX[bytes[i]!]!;
    }
    return text;
  }

  /** Where the next read begins. */
  get at(): number {
    return this.#at;
  }

  skip(length: number): void {
    if (this.#at + length > this.#bytes.length) this.#endsTooEarly();
    this.#at += length;
  }

  /** Passes over a text without making a string of it. */
  skipText(): void {
    this.skip(this.integer());
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) assert(false, `${left} bytes follow the end of the record`);
  }

  #take(length: number): Uint8Array {
    const from = this.#at;
    this.skip(length);
    return this.#bytes.subarray(from, this.#at);
  }

  /** A message is made only when it is needed: this is called for every byte. */
  #endsTooEarly(): never {
    assert(false, `the record of ${this.#bytes.length} bytes ends too early`);
  }
}
