import type { Prng } from '../../../kit/prng.ts';
import type { Message, NodeId } from '../core/raft/types.ts';
import type { CallTarget } from '../transport/call.ts';
import type { PeerPlace } from '../transport/peer-stream.ts';
import type { Transport } from '../transport/transport.ts';

/** Shares of the messages in [0, 1]. */
export interface MessageFaults {
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
  /** Whose messages suffer; those to all when absent. */
  readonly to?: readonly NodeId[];
}

/** A message that was overtaken by none is let go after this long. */
const HELD_MS_MAX = 50;

/**
 * A transport that loses, copies and reorders messages. It does nothing that Raft forbids a transport (core/raft/types.ts,
 * `forwardProposals`): a copy leaves with its original, in one call and so on one connection, which never leads to two starts of the
 * receiver; what is held back, to be overtaken by what is sent next, is never copied.
 */
export class FaultyTransport implements Transport {
  readonly #transport: Transport;
  readonly #faults: () => MessageFaults;
  readonly #random: Prng;
  readonly #held = new Map<NodeId, { readonly messages: Message[]; readonly timer: NodeJS.Timeout }>();

  constructor(transport: Transport, faults: () => MessageFaults, random: Prng) {
    this.#transport = transport;
    this.#faults = faults;
    this.#random = random;
  }

  setPeers(peers: readonly PeerPlace[]): void {
    this.#transport.setPeers(peers);
  }

  send(to: NodeId, messages: readonly Message[]): readonly Message[] {
    const faults = this.#faults();
    const spared = faults.to !== undefined && !faults.to.includes(to);
    const late = this.#takeHeld(to);
    const leaving = spared ? [...messages] : this.#disturb(to, messages, faults);
    if (leaving.length === 0 && late.length === 0 && messages.length > 0) return [];
    const dropped = new Set(this.#transport.send(to, [...leaving, ...late]));
    // Of what was held back nothing is known any more: it was called sent when it was not.
    return messages.filter((message) => dropped.has(message));
  }

  call(target: CallTarget, name: string, body: unknown, timeoutMs: number): Promise<unknown> {
    return this.#transport.call(target, name, body, timeoutMs);
  }

  connected(to: NodeId): boolean {
    return this.#transport.connected(to);
  }

  close(): Promise<void> {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
    return this.#transport.close();
  }

  #disturb(to: NodeId, messages: readonly Message[], faults: MessageFaults): Message[] {
    const { loss = 0, duplicate = 0, reorder = 0 } = faults;
    const leaving: Message[] = [];
    for (const message of messages) {
      if (this.#random.float() < loss) continue;
      if (this.#random.float() < duplicate) leaving.push(message, message);
      else if (this.#random.float() < reorder) this.#hold(to, message);
      else leaving.push(message);
    }
    return leaving;
  }

  #hold(to: NodeId, message: Message): void {
    const held = this.#held.get(to);
    if (held !== undefined) {
      held.messages.push(message);
      return;
    }
    const timer = setTimeout(() => this.#transport.send(to, this.#takeHeld(to)), HELD_MS_MAX);
    this.#held.set(to, { messages: [message], timer });
  }

  #takeHeld(to: NodeId): readonly Message[] {
    const held = this.#held.get(to);
    if (held === undefined) return [];
    clearTimeout(held.timer);
    this.#held.delete(to);
    return held.messages;
  }
}
