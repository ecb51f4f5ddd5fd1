import type { Message, NodeId } from '../core/raft/types.ts';

type Heartbeat = Extract<Message, { type: 'heartbeat' | 'heartbeatAck' }>;

/**
 * Messages of one turn, by peer, less those that say nothing new beside the others. Raft bears the loss of any message, so leaving some out
 * is safe; what is left out here comes back by itself at the next tick.
 */
export class Outgoing {
  #messages = new Map<NodeId, Message[]>();
  /** Answers to heartbeats that only say that this node is there: they go with the next frame, if one is to leave soon. */
  readonly #unhurried = new Map<NodeId, Message>();
  /** By peer: the last heartbeat to it, and the last answer. Each term counts its read rounds anew. */
  readonly #asked = new Map<NodeId, Heartbeat>();
  readonly #answered = new Map<NodeId, Heartbeat>();

  add(message: Message): void {
    const { type, to } = message;
    if (type === 'heartbeatAck' && !isNews(message, this.#answered)) {
      this.#unhurried.set(to, message);
      return;
    }
    const waiting = this.#messages.get(to);
    if (waiting === undefined) {
      this.#messages.set(to, [message]);
      return;
    }
    // An append tells the commit index, too. The heartbeats of a tick come behind it, and stay.
    const last = waiting[waiting.length - 1]!;
    const replaces = type === 'append' && last.type === 'heartbeat' && !isNews(last, this.#asked);
    if (replaces) waiting[waiting.length - 1] = message;
    else waiting.push(message);
  }

  /** @param hurry no other frame is to be expected soon */
  take(hurry: boolean): ReadonlyMap<NodeId, readonly Message[]> {
    for (const [to, message] of this.#unhurried) {
      const waiting = this.#messages.get(to);
      if (waiting === undefined && !hurry) continue;
      if (waiting === undefined) this.#messages.set(to, [message]);
      else waiting.push(message);
      this.#unhurried.delete(to);
    }
    const taken = this.#messages;
    if (taken.size === 0) return taken;
    this.#messages = new Map();
    for (const messages of taken.values()) for (const message of messages) this.#note(message);
    return taken;
  }

  #note(message: Message): void {
    if (message.type === 'heartbeat') this.#asked.set(message.to, message);
    else if (message.type === 'heartbeatAck') this.#answered.set(message.to, message);
  }
}

/** Whether it names a read round that the peer has not been told of. */
function isNews({ to, term, readRound }: Heartbeat, told: ReadonlyMap<NodeId, Heartbeat>): boolean {
  const last = told.get(to);
  return readRound !== 0 && (last?.readRound !== readRound || last.term !== term);
}
