import { assert } from '../../../../kit/assert.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

interface Request {
  /** Correlates the answer with the request at the node that proposed it. */
  readonly requestId: string;
  /** Makes a retry of the same request return the first result. */
  readonly idempotencyKey?: string;
  /** Milliseconds since 1970, by the proposer's clock: applying it reads no clock, so all nodes agree. */
  readonly timestampMs: number;
  /** The node that received the request. */
  readonly sourceNode: number;
}

/** A change to the store. An update leaves what it does not name. */
export type Command = Request &
  (
    | { readonly type: 'create'; readonly id: string; readonly key: string; readonly value: string }
    | { readonly type: 'update'; readonly id: string; readonly key?: string; readonly value?: string }
    | { readonly type: 'delete'; readonly id: string }
  );

export const VERSION = 1;
export const TYPES = ['create', 'update', 'delete'] as const;
export const HAS_IDEMPOTENCY_KEY = 1;
export const HAS_KEY = 2;
export const HAS_VALUE = 4;

/**
 * version u8 | type u8 | fields present u8 | requestId | timestamp | source node | idempotency key? | id (16 bytes) | key? | value?
 * @param writer is emptied and used; the result is a copy
 */
export function encodeCommand(command: Command, writer = new ByteWriter()): Uint8Array {
  const key = command.type === 'delete' ? undefined : command.key;
  const value = command.type === 'delete' ? undefined : command.value;
  const { idempotencyKey } = command;
  writer.clear();
  writer.u8(VERSION);
  writer.u8(TYPES.indexOf(command.type));
  const present =
    (idempotencyKey === undefined ? 0 : HAS_IDEMPOTENCY_KEY) |
    (key === undefined ? 0 : HAS_KEY) |
    (value === undefined ? 0 : HAS_VALUE);
  writer.u8(present);
  writer.text(command.requestId);
  writer.integer(command.timestampMs);
  writer.integer(command.sourceNode);
  if (idempotencyKey !== undefined) writer.text(idempotencyKey);
  writer.uuid(command.id);
  if (key !== undefined) writer.text(key);
  if (value !== undefined) writer.text(value);
  return writer.copy();
}

export function decodeCommand(data: Uint8Array): Command {
  const reader = new ByteReader(data);
  const version = reader.u8();
  assert(version === VERSION, `command of format ${version}; this program knows ${VERSION}: upgrade this node`);
  const type = TYPES[reader.u8()];
  assert(type !== undefined, 'command of unknown type');
  const present = reader.u8();
  const requestId = reader.text();
  const timestampMs = reader.integer();
  const sourceNode = reader.integer();
  const request: Request =
    (present & HAS_IDEMPOTENCY_KEY) === 0
      ? { requestId, timestampMs, sourceNode }
      : { requestId, timestampMs, sourceNode, idempotencyKey: reader.text() };
  const id = reader.uuid();
  const key = (present & HAS_KEY) === 0 ? undefined : reader.text();
  const value = (present & HAS_VALUE) === 0 ? undefined : reader.text();
  reader.end();
  if (type === 'delete') return { ...request, type, id };
  if (type === 'update')
    return { ...request, type, id, ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }) };
  assert(key !== undefined && value !== undefined, 'create command without key or value');
  return { ...request, type, id, key, value };
}
