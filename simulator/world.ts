import { Prng } from '../kit/prng.ts';
import { NodeClock } from './clock.ts';
import { NodeDisk } from './disk.ts';
import { Sampler } from './distribution.ts';
import { type Event, EventQueue } from './event-queue.ts';
import { Network, NODES_MAX } from './network.ts';
import type { Micros, NodeNumber, Weather } from './types.ts';

/** What the queue holds; `event.node` is the node it is about, `a` the node's epoch when it was added. */
export const EventKind = {
  deliver: 1,
  timer: 2,
  written: 3,
  noSpace: 4,
  operation: 5,
  faultBegins: 6,
  faultEnds: 7,
  flap: 8,
  heal: 9,
  look: 10,
} as const;

/** A write to a full disk fails after this long. */
const NO_SPACE_US = 50;

/** What belongs to one node whatever runs on it. */
export interface Machine {
  readonly clock: NodeClock;
  readonly disk: NodeDisk;
  isUp: boolean;
  /** How often it was started or crashed: timers, writes and connections of an earlier life are void. */
  epoch: number;
  /** Faults that hold the process. */
  pauses: number;
  /** What came for it meanwhile. */
  held: Event[];
}

/** All that a driver may do to the world around its nodes. Time is virtual, chance is the plan's. */
export class World<Message> {
  readonly network: Network;
  readonly queue = new EventQueue();
  readonly #random: Prng;
  readonly #weather: Weather;
  readonly #sync: Sampler;
  readonly #bytesOf: (message: Message) => number;
  readonly #onSignal: (signal: string, node: NodeNumber) => void;
  readonly #machines: (Machine | undefined)[] = new Array(NODES_MAX);
  #isHealed = false;

  constructor(
    seed: number,
    weather: Weather,
    bytesOf: (message: Message) => number,
    onSignal: (signal: string, node: NodeNumber) => void,
  ) {
    this.#random = new Prng(seed).fork('world');
    this.#weather = weather;
    this.#sync = new Sampler(weather.disk.sync);
    this.#bytesOf = bytesOf;
    this.#onSignal = onSignal;
    this.network = new Network(weather.network, this.#random.fork('network'));
  }

  get now(): Micros {
    return this.queue.now;
  }

  /** A generator of the driver's own. */
  fork(label: string): Prng {
    return this.#random.fork(label);
  }

  machine(node: NodeNumber): Machine {
    return this.#machines[node] ?? this.#build(node);
  }

  /** The machines there are, by node number. */
  get machines(): readonly (Machine | undefined)[] {
    return this.#machines;
  }

  /** From now on the node receives messages. */
  started(node: NodeNumber): void {
    const machine = this.machine(node);
    machine.isUp = true;
    machine.epoch += 1;
  }

  /** Nothing that was under way for the node comes any more, but messages; its writes: see `remains`. */
  stopped(node: NodeNumber): void {
    const machine = this.machine(node);
    machine.isUp = false;
    machine.epoch += 1;
  }

  send(from: NodeNumber, to: NodeNumber, message: Message): void {
    const { network, queue } = this;
    const bytes = this.#weather.network.bytesPerSecond === null ? 0 : this.#bytesOf(message);
    const at = network.arrival(from, to, queue.now, bytes);
    if (at < 0) return;
    const { epoch } = this.machine(to);
    queue.add(at, EventKind.deliver, to, epoch, from, message);
    const again = network.copyArrival(from, to, at);
    if (again >= 0) queue.add(again, EventKind.deliver, to, epoch, from, message);
  }

  /** @param localUs by the node's own clock; by virtual time for `NO_NODE` */
  timer(node: NodeNumber, localUs: Micros, what: number, data: unknown = null): void {
    const machine = this.machine(node);
    this.queue.add(this.now + machine.clock.virtual(localUs), EventKind.timer, node, machine.epoch, what, data);
  }

  /** Begins a write to one of the node's files; `Driver.written` or `Driver.noSpace` follows. One at a time for each file. */
  write(node: NodeNumber, file: number): void {
    const { disk, epoch } = this.machine(node);
    if (disk.full > 0) this.queue.add(this.now + NO_SPACE_US, EventKind.noSpace, node, epoch, file, null);
    else this.queue.add(this.now + disk.begin(file), EventKind.written, node, epoch, file, null);
  }

  /** After a crash: see `NodeDisk.remains`. */
  remains(node: NodeNumber, file: number): number | null {
    return this.machine(node).disk.remains(file);
  }

  /** Something rare has come about, at which a fault may begin; see `Fault.on`. */
  signal(signal: string, node: NodeNumber): void {
    this.#onSignal(signal, node);
  }

  /** Keeps what comes for a process that stands still. */
  hold(machine: Machine, event: Event): void {
    machine.held.push({ ...event });
  }

  /** A process goes on: first with what was sent to it, then with its timers, as an event loop does. */
  release(machine: Machine): void {
    const { held } = machine;
    machine.held = [];
    for (const isTimer of [false, true]) {
      for (const { kind, node, a, b, payload } of held)
        if ((kind === EventKind.timer) === isTimer) this.queue.add(this.now, kind, node, a, b, payload);
    }
  }

  calm(): void {
    this.#isHealed = true;
    this.network.calm();
    for (const machine of this.#machines) {
      machine?.disk.calm();
      machine?.clock.change(this.now, 1);
    }
  }

  #build(node: NodeNumber): Machine {
    const clock = new NodeClock(this.#isHealed || node === 0 ? undefined : this.#weather.clocks[node - 1]);
    const disk = new NodeDisk(this.#sync, this.#random.fork(`disk ${node}`));
    if (this.#isHealed) disk.calm();
    const machine: Machine = { clock, disk, isUp: false, epoch: 0, pauses: 0, held: [] };
    this.#machines[node] = machine;
    return machine;
  }
}
