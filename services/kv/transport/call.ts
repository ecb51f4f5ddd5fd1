import { request } from 'node:https';
import type { NodeId } from '../core/raft/types.ts';
import type { NodeCertificates } from './certificates.ts';
import { peerTls } from './peer-stream.ts';
import { PROTOCOL_HEADERS } from './protocol.ts';

/** Where a call goes; `node` null when only the address is known, as for a node that joins. */
export interface CallTarget {
  readonly node: NodeId | null;
  readonly host: string;
  readonly peerPort: number;
}

/** The peer answered with an error, or could not be asked. */
export class CallError extends Error {
  override name = 'CallError';
  /** HTTP status of the answer; null when there was none. */
  readonly status: number | null;
  /** The `error` object of the answer. */
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly definite?: boolean;
    readonly details?: unknown;
  } | null;

  constructor(message: string, status: number | null, body: CallError['body']) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** Longest body of a call in either direction. */
export const CALL_BYTES_MAX = 256 * 1024;

/**
 * One question to a member over mutual TLS, JSON both ways: `POST /_raft/call/<name>`.
 * @throws CallError
 */
export function callPeer(
  certificates: NodeCertificates,
  target: CallTarget,
  name: string,
  body: unknown,
  timeoutMs: number,
): Promise<unknown> {
  const { host, peerPort, node } = target;
  const where = `${host}:${peerPort}`;
  const payload = Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...peerTls(certificates, node),
      host,
      port: peerPort,
      path: `/_raft/call/${name}`,
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'content-length': payload.length, ...PROTOCOL_HEADERS },
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${Math.round(timeoutMs)} ms`)), timeoutMs);
    outgoing.on('error', (error) => reject(new CallError(`${where}: ${error.message}`, null, null)));
    outgoing.on('close', () => {
      clearTimeout(timer);
      reject(new CallError(`${where} closed the connection`, null, null));
    });
    outgoing.on('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        size += part.length;
        if (size > CALL_BYTES_MAX) outgoing.destroy(new Error('its answer is too long'));
      });
      response.on('error', (error) => reject(new CallError(`${where}: ${error.message}`, null, null)));
      response.on('end', () => {
        try {
          resolve(parseAnswer(where, response.statusCode ?? 0, Buffer.concat(parts).toString('utf8')));
        } catch (error) {
          reject(error);
        }
      });
    });
    outgoing.end(payload);
  });
}

function parseAnswer(where: string, status: number, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new CallError(`${where} answered ${status} without JSON`, status, null);
  }
  if (status === 200) return value;
  const error = (value as { error?: CallError['body'] } | null)?.error ?? null;
  throw new CallError(error?.message ?? `${where} answered ${status}`, status, error);
}
