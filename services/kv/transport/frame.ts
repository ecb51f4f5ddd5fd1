import { BinaryReader, type BinaryWriter, MalformedError } from '../binary.ts';
import type { LogIndex, Message, NodeId } from '../core/raft/types.ts';
import { readMessage, writeMessage } from './codec.ts';

/** The hash of a node's state after applying `index`; equal on all nodes, or one of them has diverged. */
export interface Checkpoint {
  readonly index: LogIndex;
  /** 16 hexadecimal digits. */
  readonly hash: string;
}

/** What every frame says of its sender at the moment it is sent, beside the messages. */
export interface SenderState {
  /** Greatest log index that the sender's disk has reported durable. */
  readonly durableIndex: LogIndex;
  /** Greatest index that the sender knows to be durable on a majority, by the reports of their disks. */
  readonly quorumDurableIndex: LogIndex;
  /** The sender takes no writes, because its disk is full or nearly so. */
  readonly storageFull: boolean;
  /** A checkpoint that the receiver has not been sent yet. */
  readonly checkpoint: Checkpoint | null;
}

/** What travels in one direction between two members: `length u32 | version u8 | sender's state | messages`. */
export interface Frame {
  readonly from: NodeId;
  readonly sender: SenderState;
  readonly messages: readonly Message[];
}

const VERSION = 1;
/** No frame is longer: a message holds at most one append's or one snapshot chunk's bytes, or a batch of proposals. */
export const FRAME_BYTES_MAX = 32 * 1024 * 1024;
const FLAG_STORAGE_FULL = 1;
const FLAG_CHECKPOINT = 2;

/** Appends one frame to the writer. */
export function writeFrame(writer: BinaryWriter, { from, sender, messages }: Frame): void {
  const start = writer.length;
  writer.u32(0);
  writer.u8(VERSION);
  writer.varint(from);
  writer.varint(sender.durableIndex);
  writer.varint(sender.quorumDurableIndex);
  writer.u8((sender.storageFull ? FLAG_STORAGE_FULL : 0) | (sender.checkpoint === null ? 0 : FLAG_CHECKPOINT));
  if (sender.checkpoint !== null) {
    writer.varint(sender.checkpoint.index);
    writer.text(sender.checkpoint.hash);
  }
  writer.varint(messages.length);
  for (const message of messages) writeMessage(writer, message);
  writer.patchU32(start, writer.length - start - 4);
}

/** @param body a frame without its length. @throws MalformedError */
export function readFrame(body: Uint8Array): Frame {
  const reader = new BinaryReader(body);
  const version = reader.u8();
  if (version !== VERSION) throw new MalformedError(`version ${version} of the peer protocol is not ${VERSION}`);
  const from = reader.varint();
  const durableIndex = reader.varint();
  const quorumDurableIndex = reader.varint();
  const flags = reader.u8();
  if ((flags & ~(FLAG_STORAGE_FULL | FLAG_CHECKPOINT)) !== 0) throw new MalformedError(`unknown flags ${flags}`);
  const checkpoint = (flags & FLAG_CHECKPOINT) === 0 ? null : readCheckpoint(reader);
  const messages = Array.from({ length: reader.count(4) }, () => readMessage(reader));
  reader.end();
  const storageFull = (flags & FLAG_STORAGE_FULL) !== 0;
  return { from, sender: { durableIndex, quorumDurableIndex, storageFull, checkpoint }, messages };
}

function readCheckpoint(reader: BinaryReader): Checkpoint {
  const index = reader.varint();
  const hash = reader.text();
  if (!/^[0-9a-f]{16}$/.test(hash)) throw new MalformedError('a hash is not 16 hexadecimal digits');
  return { index, hash };
}

/** Cuts a stream of bytes into frames; memory is bounded by `FRAME_BYTES_MAX`. */
export class FrameSplitter {
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Length of the frame whose body is being collected; null while its length is not known. */
  #expected: number | null = null;

  /** The frames that are complete with this chunk. @throws MalformedError */
  *push(chunk: Buffer): Generator<Frame> {
    this.#parts.push(chunk);
    this.#bytes += chunk.length;
    for (;;) {
      if (this.#expected === null) {
        if (this.#bytes < 4) return;
        this.#expected = this.#take(4).readUInt32BE(0);
        if (this.#expected > FRAME_BYTES_MAX)
          throw new MalformedError(`a frame of ${this.#expected} bytes is too long`);
      }
      if (this.#bytes < this.#expected) return;
      const body = this.#take(this.#expected);
      this.#expected = null;
      yield readFrame(body);
    }
  }

  /** Whether a frame has begun and is not complete. */
  get pending(): boolean {
    return this.#expected !== null || this.#bytes > 0;
  }

  #take(length: number): Buffer {
    const first = this.#parts[0];
    const joined = first !== undefined && first.length >= length ? first : Buffer.concat(this.#parts);
    if (joined !== first) this.#parts = [joined];
    const rest = joined.subarray(length);
    if (rest.length === 0) this.#parts.shift();
    else this.#parts[0] = rest;
    this.#bytes -= length;
    return joined.subarray(0, length);
  }
}
