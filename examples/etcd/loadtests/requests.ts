/**
 * The bodies of the gateway's requests, as JSON by hand: this is done for every operation, and etcd's shapes do not change. Pure;
 * how base64 is made is given, since k6 and Node do it differently.
 *
 * etcd has no idempotency keys, and a put without an answer must not be sent again blindly: if the first one was executed, and
 * somebody has written the entry since, the second one would undo that. So every write is a transaction with a condition. Beside
 * the entry it writes a marker of its client, the number of the write; and it does nothing where the marker has this number or a
 * later one. Numbers of a client grow, so that a write is executed once, however often it is sent and however late it arrives.
 */
import { ENTRIES, MARKERS } from '../keys.ts';

export type Base64 = (text: string) => string;

/** Wide enough for any number of writes: markers are compared as texts. */
const MARKER_DIGITS = 12;

/** A linearizable range of one entry, unless a member may answer from what it has, without asking the others. */
export function rangeOf(id: string, serializable: boolean, base64: Base64): string {
  return `{"key":"${base64(ENTRIES + id)}"${serializable ? ',"serializable":true' : ''}}`;
}

/** @param idempotencyKey `<client>-<number>`, see loadtests/lib/user.ts */
export function putOf(id: string, value: string, idempotencyKey: string, base64: Base64): string {
  const put = `{"requestPut":{"key":"${base64(ENTRIES + id)}","value":"${base64(value)}"}}`;
  return once(put, idempotencyKey, base64);
}

export function deleteOf(id: string, idempotencyKey: string, base64: Base64): string {
  return once(`{"requestDeleteRange":{"key":"${base64(ENTRIES + id)}"}}`, idempotencyKey, base64);
}

/** "If the marker is greater than the number before this one, nothing; else the request and the marker." No marker is not greater. */
function once(request: string, idempotencyKey: string, base64: Base64): string {
  const dash = idempotencyKey.lastIndexOf('-');
  const number = Number(idempotencyKey.slice(dash + 1));
  const marker = base64(MARKERS + idempotencyKey.slice(0, dash));
  // One more than the number, since the first may be 0 and nothing is before that.
  const [before, own] = [number, number + 1].map((it) => base64(String(it).padStart(MARKER_DIGITS, '0')));
  const compare = `{"key":"${marker}","target":"VALUE","result":"GREATER","value":"${before}"}`;
  return `{"compare":[${compare}],"failure":[${request},{"requestPut":{"key":"${marker}","value":"${own}"}}]}`;
}
