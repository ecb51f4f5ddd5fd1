import type { Entry, SnapshotMeta } from '../core/raft/types.ts';
import type { StateMachine } from '../driver/applier.ts';
import type { LogWriter } from '../driver/decorators.ts';
import type { WriteEvents } from '../driver/writes.ts';
import type { LogWrite } from '../storage/wal-record.ts';
import type { TransportEvents } from '../transport/transport.ts';

/** Whether the misbehaviour in question is in force. */
type Active = () => boolean;

/** `acknowledge-early`: a log that calls writes durable before they are. They are made all the same, in order. */
export class EarlyLog implements LogWriter {
  readonly #log: LogWriter;
  readonly #active: Active;
  #behind: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  constructor(log: LogWriter, active: Active) {
    this.#log = log;
    this.#active = active;
  }

  async append(writes: readonly LogWrite[]): Promise<void> {
    if (!this.#active()) {
      await this.#behind;
      if (this.#failure !== null) throw this.#failure;
      return this.#log.append(writes);
    }
    if (this.#failure !== null) throw this.#failure;
    this.#behind = this.#behind
      .then(() => this.#log.append(writes))
      .catch((error: unknown) => {
        this.#failure = new Error('a write that was called durable was never made', { cause: error });
      });
  }
}

/** `skip-apply`: each time it begins, the next command has no effect on the state; its place in the log is passed as usual. */
export class ForgetfulState implements StateMachine {
  readonly #state: StateMachine;
  readonly #active: Active;
  #skipped = false;

  constructor(state: StateMachine, active: Active) {
    this.#state = state;
    this.#active = active;
  }

  apply(entry: Entry): void {
    if (!this.#active()) this.#skipped = false;
    const skips = this.#active() && !this.#skipped && entry.kind === 'command';
    if (skips) this.#skipped = true;
    this.#state.apply(skips ? { ...entry, kind: 'noop', data: new Uint8Array(0) } : entry);
  }

  restore(snapshot: SnapshotMeta): Promise<void> {
    return this.#state.restore(snapshot);
  }
}

/** `unaudited`: writes are answered, and nobody counts or checks them. */
export function uncounted(events: WriteEvents, active: Active): WriteEvents {
  return {
    ...events,
    acknowledged: (index, seconds) => {
      if (!active()) events.acknowledged(index, seconds);
    },
  };
}

/** `mute-checkpoints`: no hash of a state leaves this node, and none that comes in is looked at. */
export function withoutCheckpoints(events: TransportEvents, active: Active): TransportEvents {
  return {
    connected: (from, headers) => events.connected(from, headers),
    call: (name, body, from) => events.call(name, body, from),
    snapshot: () => events.snapshot(),
    refused: (address, reason) => events.refused(address, reason),
    sent: (to, messages, bytes) => events.sent(to, messages, bytes),
    peer: (node, open, reason) => events.peer(node, open, reason),
    senderState: (to) => {
      const state = events.senderState(to);
      return active() ? { ...state, checkpoint: null } : state;
    },
    frame: (frame, bytes) =>
      events.frame(active() ? { ...frame, sender: { ...frame.sender, checkpoint: null } } : frame, bytes),
  };
}
