import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { errorBody, ServiceError } from '../../../kit/errors.ts';
import { MalformedError } from '../binary.ts';
import type { NodeId } from '../core/raft/types.ts';
import { CALL_BYTES_MAX } from './call.ts';
import { type NodeCertificates, type PeerIdentity, peerIdentity } from './certificates.ts';
import { type Frame, FrameSplitter } from './frame.ts';
import { refuseOtherProtocol } from './protocol.ts';

/** What the node does with what its peers send. */
export interface PeerRequests {
  /** A stream from a peer begins. Throws a ServiceError to refuse it. */
  connected(from: NodeId, headers: IncomingMessage['headers']): void;
  frame(frame: Frame, bytes: number): void;
  /** `POST /_raft/call/<name>`; a ServiceError becomes the answer. */
  call(name: string, body: unknown, from: NodeId): Promise<unknown>;
  /** `GET /_raft/snapshot`: the newest stored snapshot, or null. */
  snapshot(): {
    readonly index: number;
    readonly term: number;
    readonly size: number;
    readonly data: AsyncIterable<Uint8Array>;
  } | null;
  /** Somebody was refused; for the log. */
  refused(address: string, reason: string): void;
}

/** Enough for every member's streams and calls many times over. */
const CONNECTIONS_MAX = 256;
/** Connections that have shown no certificate yet. Anybody can open them, so beyond this the oldest gives way to the newest. */
const STRANGERS_MAX = 64;

/**
 * The listener for peers: HTTP/1.1 over TLS 1.3 with certificates on both sides. Only holders of a certificate of this cluster's
 * authority get as far as a request.
 */
export class PeerListener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** By remote address and port; oldest first. */
  readonly #strangers = new Map<string, Socket>();
  readonly #nodeId: NodeId;
  readonly #clusterId: string;
  readonly #requests: PeerRequests;

  constructor(nodeId: NodeId, certificates: NodeCertificates, requests: PeerRequests) {
    this.#nodeId = nodeId;
    this.#clusterId = certificates.clusterId;
    this.#requests = requests;
    this.#server = createServer({
      ca: certificates.authority,
      cert: certificates.certificate,
      key: certificates.key,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: 5000,
      headersTimeout: 5000,
      // The body of a stream never ends.
      requestTimeout: 0,
      maxHeaderSize: 8192,
    });
    this.#server.maxConnections = CONNECTIONS_MAX + STRANGERS_MAX;
    this.#server.on('connection', (socket) => this.#greet(socket));
    this.#server.on('secureConnection', (socket) => this.#strangers.delete(placeOf(socket)));
    this.#server.on('tlsClientError', (error, socket) =>
      requests.refused(socket.remoteAddress ?? '?', tlsReason(error)),
    );
    this.#server.on('request', (request, response) => {
      this.#handle(request, response).catch((error: unknown) => this.#fail(request, response, error));
    });
  }

  /** @param port 0 for any. @returns the port in use */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        // From now on it is a connection that could not be accepted (no more file descriptors); the next one may be.
        this.#server.on('error', (error) => this.#requests.refused('?', error.message));
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #greet(socket: Socket): void {
    const place = placeOf(socket);
    this.#sockets.add(socket);
    this.#strangers.set(place, socket);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (this.#strangers.get(place) === socket) this.#strangers.delete(place);
    });
    if (this.#strangers.size <= STRANGERS_MAX) return;
    const [oldest, stranger] = this.#strangers.entries().next().value!;
    this.#strangers.delete(oldest);
    this.#requests.refused(stranger.remoteAddress ?? '?', 'it showed no certificate while many others came');
    stranger.destroy();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const identity = this.#identify(request);
    refuseOtherProtocol(identity.nodeId, request.headers);
    const { pathname } = new URL(request.url ?? '/', 'https://peer');
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /_raft/append' || route === 'POST /_raft/snapshot') {
      await this.#stream(request, response, identity);
    } else if (route === 'GET /_raft/snapshot') {
      await this.#sendSnapshot(response);
    } else if (request.method === 'POST' && pathname.startsWith('/_raft/call/')) {
      const body = await readJson(request);
      answer(response, 200, await this.#requests.call(pathname.slice('/_raft/call/'.length), body, identity.nodeId));
    } else {
      throw new ServiceError('NOT_FOUND', `there is no ${route} here`);
    }
  }

  #identify(request: IncomingMessage): PeerIdentity {
    const socket = request.socket as TLSSocket;
    const identity = peerIdentity(socket.getPeerX509Certificate()?.subjectAltName);
    if (identity === null || identity.clusterId !== this.#clusterId) {
      throw new ServiceError('UNAUTHORIZED', 'the certificate names no node of this cluster', { status: 403 });
    }
    return identity;
  }

  async #stream(request: IncomingMessage, response: ServerResponse, identity: PeerIdentity): Promise<void> {
    this.#requests.connected(identity.nodeId, request.headers);
    const splitter = new FrameSplitter();
    let accepted = 0;
    await eachChunk(request, (chunk) => {
      for (const frame of splitter.push(chunk)) {
        this.#check(frame, identity);
        this.#requests.frame(frame, chunk.length);
        accepted += frame.messages.length;
      }
    });
    if (splitter.pending) throw new MalformedError('the body ends within a frame');
    answer(response, 200, { accepted });
  }

  /** Nobody speaks for another node, and nothing that is meant for another node is taken. */
  #check(frame: Frame, identity: PeerIdentity): void {
    const stranger = frame.messages.find((it) => it.from !== identity.nodeId || it.to !== this.#nodeId);
    if (frame.from !== identity.nodeId || stranger !== undefined) {
      const { from, to } = stranger ?? { from: frame.from, to: this.#nodeId };
      const message = `node ${identity.nodeId}, by its certificate, sent node ${this.#nodeId} a message from ${from} to ${to}`;
      throw new ServiceError('UNAUTHORIZED', message, { status: 403 });
    }
  }

  async #sendSnapshot(response: ServerResponse): Promise<void> {
    const snapshot = this.#requests.snapshot();
    if (snapshot === null) throw new ServiceError('NOT_FOUND', 'this node has stored no snapshot yet');
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': snapshot.size,
      'x-raft-snapshot-index': snapshot.index,
      'x-raft-snapshot-term': snapshot.term,
    });
    for await (const part of snapshot.data) {
      if (response.destroyed) return;
      if (!response.write(part)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    }
    response.end();
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (request.destroyed && !request.complete) return;
    const known =
      error instanceof ServiceError
        ? error
        : error instanceof MalformedError
          ? new ServiceError('VALIDATION', error.message)
          : new ServiceError('INTERNAL', (error as Error).message, { cause: error });
    this.#requests.refused(request.socket.remoteAddress ?? '?', known.message);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    // The rest of a stream's body is not worth reading.
    response.on('finish', () => request.complete || request.destroy());
    answer(response, known.status, errorBody(known));
  }
}

/**
 * Hands over the body as it comes; an iterator would cost a promise for each chunk. After a failure of `take` nothing more is read, and the
 * socket stays open: the answer says why. @throws what `take` throws, or that the request was cut off
 */
function eachChunk(request: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        request.off('data', onData).pause();
        reject(error);
      }
    };
    request.on('data', onData).once('end', resolve).once('error', reject);
    request.once('close', () => reject(new Error('the stream was cut off')));
  });
}

function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body ?? null);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > CALL_BYTES_MAX) throw new ServiceError('BODY_TOO_LARGE', `a call has at most ${CALL_BYTES_MAX} bytes`);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new ServiceError('NOT_JSON', 'the body of a call is not JSON');
  }
}

function tlsReason(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET')
    return 'it gave up during the TLS handshake (a member of another cluster does not trust this one)';
  return `TLS: ${code ?? error.message}`;
}
