import { assert } from '../../../../kit/assert.ts';
import { type Hash64, hash64 } from '../../../../kit/hash.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';
import { HAS_IDEMPOTENCY_KEY, HAS_KEY, HAS_VALUE, TYPES, VERSION } from './command.ts';

/** A stretch of bytes; none when it begins at 0. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

const ABSENT: Span = { from: 0, to: 0 };

/** An encoded command, taken apart without copying: what the store keeps of its texts are these bytes, never made into strings. */
export class CommandView {
  readonly bytes: Uint8Array;
  readonly type: (typeof TYPES)[number];
  readonly requestId: Span;
  readonly timestampMs: number;
  readonly sourceNode: number;
  readonly idempotencyKey: Span;
  /** 16 bytes. */
  readonly id: Span;
  /** With their lengths in front. */
  readonly key: Span;
  readonly value: Span;

  /** @param bytes from `encodeCommand` */
  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    const version = reader.u8();
    if (version !== VERSION)
      assert(false, `command of format ${version}; this program knows ${VERSION}: upgrade this node`);
    const type = TYPES[reader.u8()];
    assert(type !== undefined, 'command of unknown type');
    const present = reader.u8();
    this.bytes = bytes;
    this.type = type;
    this.requestId = skipText(reader);
    this.timestampMs = reader.integer();
    this.sourceNode = reader.integer();
    this.idempotencyKey = (present & HAS_IDEMPOTENCY_KEY) === 0 ? ABSENT : skipText(reader);
    const from = reader.at;
    reader.skip(16);
    this.id = { from, to: reader.at };
    this.key = (present & HAS_KEY) === 0 ? ABSENT : skipText(reader);
    this.value = (present & HAS_VALUE) === 0 ? ABSENT : skipText(reader);
    reader.end();
    const whole = this.key !== ABSENT && this.value !== ABSENT;
    assert(type !== 'create' || whole, 'create command without key or value');
  }

  has(field: 'idempotencyKey' | 'key' | 'value'): boolean {
    return this[field] !== ABSENT;
  }

  text(field: 'requestId'): string {
    return new ByteReader(this.bytes, this[field].from).text();
  }

  /** Appends the bytes of these fields, which stand behind one another. */
  copy(writer: ByteWriter, first: 'id' | 'key' | 'value', last: 'id' | 'key' | 'value' = first): void {
    writer.raw(this.bytes.subarray(this[first].from, this[last].to));
  }

  /**
   * What a client asked for, without what differs between its attempts: request id, time, node, and the id that a create is given.
   * @param writer is emptied and used
   */
  fingerprint(writer: ByteWriter): Hash64 {
    writer.clear();
    writer.u8(TYPES.indexOf(this.type));
    if (this.type !== 'create') this.copy(writer, 'id');
    if (this.type !== 'delete') {
      for (const field of ['key', 'value'] as const) {
        writer.u8(this.has(field) ? 1 : 0);
        if (this.has(field)) this.copy(writer, field);
      }
    }
    return hash64(writer.view());
  }
}

function skipText(reader: ByteReader): Span {
  const from = reader.at;
  reader.skipText();
  return { from, to: reader.at };
}
