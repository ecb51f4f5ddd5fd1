/** How each side is written to over HTTP by the benchmark itself, where k6 is too slow. */
import type { NodesName } from './sides.ts';

/** 256 bytes, those of `loadtests/bench.ts`. */
export const VALUE = 'abcdefghijklmnopqrstuvwxyz012345'.repeat(8);

export interface HttpRequest {
  readonly method: 'POST' | 'PUT';
  readonly path: string;
  readonly body: string;
}

export interface Api {
  /** Of the adapter in `loadtests/bench.ts`. */
  readonly name: string;
  /** The counter of the nodes' metrics that counts fsyncs of the log; null for what has none. */
  readonly fsyncs: string | null;
  create(key: string): HttpRequest;
  /** What an entry is read and changed by. @param answer to `create` */
  handle(key: string, answer: string): string;
  /** Gives an entry another value of 256 bytes. */
  change(handle: string, number: number): HttpRequest;
}

const kv: Api = {
  name: 'kv',
  fsyncs: 'kv_wal_fsync_duration_seconds_count',
  create: (key) => ({ method: 'POST', path: '/api/kv', body: `{"key":"${key}","value":"${VALUE}"}` }),
  handle: (_, answer) => (JSON.parse(answer) as { id: string }).id,
  change: (id, number) => ({ method: 'PUT', path: `/api/kv/${id}`, body: `{"value":"${numbered(number)}"}` }),
};

const etcd: Api = {
  name: 'etcd',
  fsyncs: 'etcd_disk_wal_fsync_duration_seconds_count',
  create: (key) => put(base64(key), VALUE),
  handle: (key) => base64(key),
  change: (key, number) => put(key, numbered(number)),
};

/** A bare server is spoken to as the store is. */
export const apis: Readonly<Record<NodesName, Api>> = { kv, etcd, bare: { ...kv, fsyncs: null } };

function put(keyBase64: string, value: string): HttpRequest {
  return { method: 'POST', path: '/v3/kv/put', body: `{"key":"${keyBase64}","value":"${base64(value)}"}` };
}

function numbered(number: number): string {
  const digits = String(number);
  return digits + VALUE.slice(digits.length);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
