import type { Disk, DiskObserver } from '../storage/disk.ts';
import type { WriteAheadLog } from '../storage/wal.ts';
import type { Transport, TransportEvents } from '../transport/transport.ts';
import type { StateMachine } from './applier.ts';
import type { WriteEvents } from './writes.ts';

/** What a node knows of time beside its own stopwatch. */
export interface NodeClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** How many of Raft's ticks pass in the time of one: 1 is true time. */
  tickRate(): number;
}

/** The log, as far as it is written to. */
export type LogWriter = Pick<WriteAheadLog, 'append'>;

/** What may stand around the parts of a node, so that faults can be made without a word of them in the parts. */
export interface Decorators {
  readonly clock: NodeClock;
  /** @param below makes the real disk, which reports to the observer that it is given */
  disk(below: (observer: DiskObserver) => Disk, observer: DiskObserver): Disk;
  log(log: LogWriter): LogWriter;
  transport(transport: Transport): Transport;
  /** What comes in from peers, and what each frame to them says of this node. */
  peerEvents(events: TransportEvents): TransportEvents;
  stateMachine(state: StateMachine): StateMachine;
  writeEvents(events: WriteEvents): WriteEvents;
}

/** A node as it is. */
export const UNDECORATED: Decorators = {
  clock: { wallMs: () => Date.now(), tickRate: () => 1 },
  disk: (below, observer) => below(observer),
  log: (log) => log,
  transport: (transport) => transport,
  peerEvents: (events) => events,
  stateMachine: (state) => state,
  writeEvents: (events) => events,
};
