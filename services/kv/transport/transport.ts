import { BinaryWriter } from '../binary.ts';
import type { Message, NodeId } from '../core/raft/types.ts';
import { type CallTarget, callPeer } from './call.ts';
import type { NodeCertificates } from './certificates.ts';
import { type SenderState, writeFrame } from './frame.ts';
import { PeerListener, type PeerRequests } from './listener.ts';
import { type PeerPlace, PeerStream } from './peer-stream.ts';
import { PROTOCOL_HEADERS } from './protocol.ts';

/** The wire between members, as the driver sees it. Messages may be lost, never changed; those of one stream arrive in order. */
export interface Transport {
  /** Whom to be connected to: all members but this node. Called again whenever they change. */
  setPeers(peers: readonly PeerPlace[]): void;
  /**
   * Sends a frame; with no messages it tells the peer this node's state.
   * @returns the messages that certainly did not leave, because there is no connection or it takes no more
   */
  send(to: NodeId, messages: readonly Message[]): readonly Message[];
  /** A question to a member or an address. @throws CallError */
  call(target: CallTarget, name: string, body: unknown, timeoutMs: number): Promise<unknown>;
  connected(to: NodeId): boolean;
  close(): Promise<void>;
}

export interface TransportEvents extends PeerRequests {
  /** What each frame says of this node. */
  senderState(to: NodeId): SenderState;
  sent(to: NodeId, messages: readonly Message[], bytes: number): void;
  /** A connection was made or lost. */
  peer(node: NodeId, open: boolean, reason: string | null): void;
}

export interface TransportOptions {
  readonly nodeId: NodeId;
  /** Which life of this node speaks: a peer that knows another one refuses. */
  readonly instanceId: string;
  readonly certificates: NodeCertificates;
  readonly host: string;
  readonly peerPort: number;
  /** Where some members are dialled instead of at their own addresses: proxies between the nodes. */
  readonly dial: ReadonlyMap<NodeId, DialPlace>;
  readonly now: () => number;
}

export type DialPlace = Pick<PeerPlace, 'host' | 'peerPort'>;

interface Peer {
  readonly place: PeerPlace;
  readonly append: PeerStream;
  /** Chunks of snapshots have a stream of their own, so that heartbeats need not queue behind them; made when first needed. */
  snapshot: PeerStream | null;
}

export const INSTANCE_HEADER = 'x-gameday-instance';

/** Mutual TLS 1.3 between real processes. */
export class TlsTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #events: TransportEvents;
  readonly #listener: PeerListener;
  readonly #peers = new Map<NodeId, Peer>();
  readonly #writer = new BinaryWriter(64 * 1024);

  private constructor(options: TransportOptions, events: TransportEvents) {
    this.#options = options;
    this.#events = events;
    this.#listener = new PeerListener(options.nodeId, options.certificates, {
      connected: (from, headers) => {
        events.connected(from, headers);
        this.#peers.get(from)?.append.dialNow();
      },
      frame: (frame, bytes) => events.frame(frame, bytes),
      call: (name, body, from) => events.call(name, body, from),
      snapshot: () => events.snapshot(),
      refused: (address, reason) => events.refused(address, reason),
    });
  }

  /** @throws when the port is taken */
  static async listen(options: TransportOptions, events: TransportEvents): Promise<TlsTransport> {
    const transport = new TlsTransport(options, events);
    await transport.#listener.listen(options.host, options.peerPort);
    return transport;
  }

  setPeers(places: readonly PeerPlace[]): void {
    for (const [node, { place, append, snapshot }] of this.#peers) {
      const wanted = places.find((it) => it.node === node);
      if (wanted !== undefined && wanted.host === place.host && wanted.peerPort === place.peerPort) continue;
      append.close();
      snapshot?.close();
      this.#peers.delete(node);
    }
    for (const place of places) {
      if (this.#peers.has(place.node)) continue;
      this.#peers.set(place.node, { place, append: this.#stream(place, '/_raft/append'), snapshot: null });
    }
  }

  send(to: NodeId, messages: readonly Message[]): readonly Message[] {
    const peer = this.#peers.get(to);
    if (peer === undefined) return messages;
    const chunks = messages.filter((it) => it.type === 'installSnapshot');
    if (chunks.length === 0) return this.#write(peer.append, to, messages) ? [] : messages;
    peer.snapshot ??= this.#stream(peer.place, '/_raft/snapshot');
    const others = messages.filter((it) => it.type !== 'installSnapshot');
    const othersSent = others.length === 0 || this.#write(peer.append, to, others);
    // Until its own stream stands, chunks take the common one.
    const chunksSent = this.#write(peer.snapshot.open ? peer.snapshot : peer.append, to, chunks);
    return [...(othersSent ? [] : others), ...(chunksSent ? [] : chunks)];
  }

  call(target: CallTarget, name: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const { certificates, dial } = this.#options;
    const place = target.node === null ? undefined : dial.get(target.node);
    return callPeer(certificates, { ...target, ...place }, name, body, timeoutMs);
  }

  connected(to: NodeId): boolean {
    return this.#peers.get(to)?.append.open ?? false;
  }

  async close(): Promise<void> {
    for (const { append, snapshot } of this.#peers.values()) {
      append.close();
      snapshot?.close();
    }
    this.#peers.clear();
    await this.#listener.close();
  }

  /** In frames of bounded size. Once the first has gone, what the connection does not take counts as lost, not as never sent. */
  #write(stream: PeerStream, to: NodeId, messages: readonly Message[]): boolean {
    if (!stream.open) return false;
    const frames = messages.length === 0 ? [messages] : groupsBySize(messages);
    for (const [position, frame] of frames.entries()) {
      this.#writer.clear();
      writeFrame(this.#writer, { from: this.#options.nodeId, sender: this.#events.senderState(to), messages: frame });
      if (!stream.send(this.#writer.view())) return position > 0;
      this.#events.sent(to, frame, this.#writer.length);
    }
    return true;
  }

  #stream(place: PeerPlace, path: '/_raft/append' | '/_raft/snapshot'): PeerStream {
    const { certificates, instanceId, dial, now } = this.#options;
    const onState = (open: boolean, reason: string | null) => {
      if (path === '/_raft/append') this.#events.peer(place.node, open, reason);
    };
    return new PeerStream(
      { ...place, ...dial.get(place.node) },
      { certificates, path, headers: { ...PROTOCOL_HEADERS, [INSTANCE_HEADER]: instanceId }, onState, now },
    );
  }
}

/** A group is closed when it has reached this; one message is far smaller than the greatest frame. */
const GROUP_BYTES = 4 * 1024 * 1024;

function groupsBySize(messages: readonly Message[]): Message[][] {
  const groups: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    if (bytes >= GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(message);
    bytes += dataBytes(message);
  }
  return groups;
}

function dataBytes(message: Message): number {
  const pieces =
    message.type === 'append' ? message.entries : message.type === 'forwardProposals' ? message.proposals : [];
  return pieces.reduce(
    (sum, { data }) => sum + data.length,
    message.type === 'installSnapshot' ? message.data.length : 0,
  );
}
