import { ServiceError } from '../../../kit/errors.ts';
import type { Logger } from '../../../kit/logger.ts';
import type { Metrics } from '../../../kit/metrics.ts';
import type { Prng } from '../../../kit/prng.ts';
import type { NodeFaultSet } from '../../../kit/system.ts';
import type { Decorators } from '../driver/decorators.ts';
import { flipBit } from '../storage/bit-flip.ts';
import { FileSystemDisk } from '../storage/disk.ts';
import { FaultyDisk } from '../storage/faulty-disk.ts';
import { activeKinds, diskFaults, MISBEHAVIOURS, type Misbehaviour } from './fault-set.ts';
import { FaultyTransport } from './faulty-transport.ts';
import { EarlyLog, ForgetfulState, uncounted, withoutCheckpoints } from './misbehaviours.ts';

export interface FaultSwitchesParts {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly dataDirectory: string;
  /** Decides which messages, fdatasyncs and bits suffer. */
  readonly random: Prng;
  /** Ends the process at once, as a power cut would. */
  readonly die: () => void;
}

/** The faults of this node: what is in force, and the decorators that obey it. Made only for a node with `--faults`. */
export class FaultSwitches {
  readonly decorators: Decorators;
  readonly #parts: FaultSwitchesParts;
  readonly #active: ReturnType<typeof createGauge>;
  #disk: FaultyDisk | null = null;
  #set: NodeFaultSet = {};

  constructor(parts: FaultSwitchesParts) {
    this.#parts = parts;
    this.#active = createGauge(parts.metrics);
    this.decorators = this.#decorators();
    this.#show();
  }

  /** What is in force. */
  get set(): NodeFaultSet {
    return this.#set;
  }

  readonly misbehaves = (how: Misbehaviour): boolean => this.#set.misbehaviour?.includes(how) === true;

  /** Puts this set in force instead of what was. @throws ServiceError CONFLICT when a bit is to be flipped and there is no record yet */
  async apply(set: NodeFaultSet): Promise<void> {
    if (set.disk?.flip_bit === true && this.#set.disk?.flip_bit !== true) await this.#flipBit();
    this.#set = set;
    this.#show();
    if (diskFaults(set).lie === null) await this.#disk?.settle();
    this.#parts.logger.warn(
      { faults: set },
      Object.keys(set).length === 0 ? 'no fault is in force' : 'faults are in force',
    );
  }

  async #flipBit(): Promise<void> {
    const { dataDirectory, random, logger } = this.#parts;
    const flipped = await flipBit(new FileSystemDisk(), `${dataDirectory}/wal`, random);
    if (flipped === null) {
      throw new ServiceError(
        'CONFLICT',
        'disk.flip_bit: the log has no record yet that another one follows; write something first',
      );
    }
    logger.warn(flipped, 'a bit of the log was flipped');
  }

  #show(): void {
    for (const [kind, active] of Object.entries(activeKinds(this.#set))) this.#active.set({ kind }, active ? 1 : 0);
    for (const kind of MISBEHAVIOURS) this.#active.set({ kind }, this.misbehaves(kind) ? 1 : 0);
  }

  #decorators(): Decorators {
    const { random, die } = this.#parts;
    const active = (how: Misbehaviour) => () => this.misbehaves(how);
    return {
      clock: {
        wallMs: () => Date.now() + (this.#set.clock?.skew_ms ?? 0),
        tickRate: () => this.#set.clock?.rate ?? 1,
      },
      disk: (below, observer) => {
        const faults = () => diskFaults(this.#set);
        this.#disk = new FaultyDisk({ faults, below, observer, random: random.fork('disk'), die });
        return this.#disk;
      },
      log: (log) => new EarlyLog(log, active('acknowledge-early')),
      transport: (transport) => new FaultyTransport(transport, () => this.#set.messages ?? {}, random.fork('messages')),
      peerEvents: (events) => withoutCheckpoints(events, active('mute-checkpoints')),
      stateMachine: (state) => new ForgetfulState(state, active('skip-apply')),
      writeEvents: (events) => uncounted(events, active('unaudited')),
    };
  }
}

function createGauge(metrics: Metrics) {
  return metrics.gauge({
    name: 'gameday_node_fault_active',
    help: '1 while a fault of this kind, or this misbehaviour, is in force at this node by order of the game day.',
    labels: ['kind'],
  });
}
