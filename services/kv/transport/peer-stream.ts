import type { ClientRequest } from 'node:http';
import { request } from 'node:https';
import type { NodeId } from '../core/raft/types.ts';
import { type NodeCertificates, peerIdentity } from './certificates.ts';

export interface PeerPlace {
  readonly node: NodeId;
  readonly host: string;
  readonly peerPort: number;
}

/** The TLS settings of a connection to a peer: version 1.3, both sides with a certificate, the other side being exactly `expected`. */
export function peerTls(certificates: NodeCertificates, expected: NodeId | null) {
  return {
    ca: certificates.authority,
    cert: certificates.certificate,
    key: certificates.key,
    minVersion: 'TLSv1.3' as const,
    // Certificates name nodes, not hosts.
    checkServerIdentity: (_host: string, certificate: { subjectaltname?: string }) => {
      const identity = peerIdentity(certificate.subjectaltname);
      if (identity === null || identity.clusterId !== certificates.clusterId) {
        return new Error('its certificate is of another cluster');
      }
      if (expected !== null && identity.nodeId !== expected) {
        return new Error(`it is node ${identity.nodeId}, not node ${expected}`);
      }
      return undefined;
    },
  };
}

export interface PeerStreamOptions {
  readonly certificates: NodeCertificates;
  readonly path: '/_raft/append' | '/_raft/snapshot';
  readonly headers: Readonly<Record<string, string>>;
  /** Called on every transition; `reason` says why a connection was lost or could not be made. */
  readonly onState: (open: boolean, reason: string | null) => void;
  readonly now: () => number;
}

const BACKOFF_MS_MIN = 50;
const BACKOFF_MS_MAX = 1000;
const CONNECT_MS_MAX = 2000;
/** More unsent bytes than this and messages are dropped: Raft sends again, memory does not come back. */
const BUFFER_BYTES_MAX = 16 * 1024 * 1024;
/** A connection that has taken nothing for so long is dead, whatever TCP hopes for. */
const STALL_MS_MAX = 5000;
const CLOSE_MS_MAX = 500;

/**
 * One direction of the conversation with a peer: a POST request whose body never ends. It dials again by itself, waiting 50 ms to 1 s
 * between attempts. While there is no connection, what is sent is dropped.
 */
export class PeerStream {
  readonly #place: PeerPlace;
  readonly #options: PeerStreamOptions;
  #request: ClientRequest | null = null;
  #open = false;
  #openedAt = 0;
  #closed = false;
  #backoffMs = BACKOFF_MS_MIN;
  #redial: NodeJS.Timeout | null = null;
  #stalledSince: number | null = null;

  constructor(place: PeerPlace, options: PeerStreamOptions) {
    this.#place = place;
    this.#options = options;
    this.#dial();
  }

  get open(): boolean {
    return this.#open;
  }

  /** @param frame is not kept after the call. @returns false when it was dropped */
  send(frame: Uint8Array): boolean {
    const request = this.#request;
    if (request === null || !this.#open || this.#stalled(request)) return false;
    request.write(Buffer.from(frame));
    return true;
  }

  /** The peer has just been heard from: no reason to wait any longer. */
  dialNow(): void {
    if (this.#redial === null || this.#closed) return;
    clearTimeout(this.#redial);
    this.#dial();
  }

  close(): void {
    this.#closed = true;
    if (this.#redial !== null) clearTimeout(this.#redial);
    const request = this.#request;
    this.#request = null;
    this.#open = false;
    if (request === null) return;
    // The end of the body lets the peer take everything that was sent; one that takes nothing is not waited for.
    const patience = setTimeout(() => request.destroy(), CLOSE_MS_MAX);
    request.once('close', () => clearTimeout(patience));
    request.end(() => request.destroy());
  }

  #stalled(request: ClientRequest): boolean {
    const waiting = request.writableLength;
    const now = this.#options.now();
    if (waiting === 0) this.#stalledSince = null;
    else if (this.#stalledSince === null) this.#stalledSince = now;
    else if (now - this.#stalledSince > STALL_MS_MAX)
      request.destroy(new Error(`it took nothing for ${STALL_MS_MAX} ms`));
    return waiting > BUFFER_BYTES_MAX;
  }

  #dial(): void {
    this.#redial = null;
    const { certificates, path, headers } = this.#options;
    const { node, host, peerPort } = this.#place;
    const outgoing = request({
      ...peerTls(certificates, node),
      host,
      port: peerPort,
      path,
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/octet-stream', 'transfer-encoding': 'chunked', ...headers },
    });
    this.#request = outgoing;
    this.#stalledSince = null;
    const connecting = setTimeout(
      () => outgoing.destroy(new Error(`no connection in ${CONNECT_MS_MAX} ms`)),
      CONNECT_MS_MAX,
    );
    outgoing.on('socket', (socket) => {
      socket.setNoDelay(true);
      socket.once('secureConnect', () => {
        clearTimeout(connecting);
        if (this.#request !== outgoing) return;
        this.#open = true;
        this.#openedAt = this.#options.now();
        this.#options.onState(true, null);
      });
    });
    let reason = 'the peer closed the connection';
    outgoing.on('error', (error) => {
      reason = error.message;
    });
    outgoing.on('response', (response) => {
      // An answer before the end of the request is a refusal, with the reason in its body.
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body = (body + text).slice(0, 1000);
      });
      response.on('end', () => {
        reason = `it answered ${response.statusCode}: ${body}`;
        outgoing.destroy();
      });
      response.on('error', () => {});
    });
    outgoing.on('close', () => {
      clearTimeout(connecting);
      this.#lost(outgoing, reason);
    });
    outgoing.flushHeaders();
  }

  #lost(outgoing: ClientRequest, reason: string): void {
    if (this.#closed || this.#request !== outgoing) return;
    const lasted = this.#open ? this.#options.now() - this.#openedAt : 0;
    this.#request = null;
    this.#open = false;
    this.#backoffMs = lasted > BACKOFF_MS_MAX ? BACKOFF_MS_MIN : Math.min(BACKOFF_MS_MAX, this.#backoffMs * 2);
    this.#redial = setTimeout(() => this.#dial(), this.#backoffMs);
    this.#options.onState(false, reason);
  }
}
