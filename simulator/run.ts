import { AssertionError } from '../kit/assert.ts';
import type { Event } from './event-queue.ts';
import { Faults } from './faults.ts';
import { Trace } from './trace.ts';
import {
  type Driver,
  type Failure,
  InvariantError,
  type Micros,
  NO_NODE,
  type Outcome,
  type Plan,
  type RunOptions,
  type Scheduled,
} from './types.ts';
import { EventKind, World } from './world.ts';

/** How often a healed system is asked whether it is at rest. */
const LOOK_US: Micros = 50_000;

/** Of a driver, what the world must know before there is one. */
export interface MessageFormat<Message> {
  /** For sizes on links with bandwidth. */
  bytesOf(message: Message): number;
  /** A number that tells messages apart, for the trace's hash. */
  digest(message: Message): number;
  describe(message: Message): string;
}

/** Runs a plan to its end, or to the first broken invariant. The same plan always gives the same outcome. */
export function simulate<Message, Operation extends Scheduled, Action>(
  plan: Plan<unknown, Operation, Action>,
  format: MessageFormat<Message>,
  makeDriver: (world: World<Message>) => Driver<Message, Operation, Action>,
  options: RunOptions = {},
): Outcome {
  return new Run(plan, format, makeDriver, options).run();
}

class Run<Message, Operation extends Scheduled, Action> {
  readonly #plan: Plan<unknown, Operation, Action>;
  readonly #format: MessageFormat<Message>;
  readonly #world: World<Message>;
  readonly #driver: Driver<Message, Operation, Action>;
  readonly #faults: Faults<Message, Operation, Action>;
  readonly #trace: Trace;
  #messages = 0;
  #events = 0;

  constructor(
    plan: Plan<unknown, Operation, Action>,
    format: MessageFormat<Message>,
    makeDriver: (world: World<Message>) => Driver<Message, Operation, Action>,
    options: RunOptions,
  ) {
    this.#plan = plan;
    this.#format = format;
    this.#world = new World<Message>(plan.seed, plan.weather, format.bytesOf, (name, node) => {
      if (this.#trace.isReadable) this.#say(`signal "${name}" of node ${node}`);
      this.#faults.signal(name, node);
    });
    this.#driver = makeDriver(this.#world);
    this.#faults = new Faults(this.#world, this.#driver, plan.faults);
    this.#trace = new Trace(options);
  }

  run(): Outcome {
    let failure: Failure | null = null;
    try {
      this.#begin();
      while (!this.#next());
    } catch (error) {
      failure = this.#failure(error);
      if (this.#trace.isReadable) this.#say(`${failure.invariant}: ${failure.message}`);
    }
    const { network } = this.#world;
    const engine = { 'network.lost': network.lost, 'network.duplicated': network.duplicated };
    return {
      failure,
      messages: this.#messages,
      events: this.#events,
      endUs: this.#world.now,
      traceHash: this.#trace.hash,
      trace: this.#trace.lines,
      stats: { ...engine, ...this.#faults.counts, ...this.#driver.stats() },
    };
  }

  #begin(): void {
    const { queue } = this.#world;
    this.#driver.begin();
    this.#faults.schedule();
    for (const operation of this.#plan.operations)
      queue.add(operation.atUs, EventKind.operation, NO_NODE, 0, 0, operation);
    queue.add(this.#plan.healAtUs, EventKind.heal, NO_NODE, 0, 0, null);
  }

  /** Handles one event. @returns whether the run is over */
  #next(): boolean {
    const world = this.#world;
    const event = world.queue.pop()!;
    const { kind, node } = event;
    if (kind <= EventKind.noSpace) {
      const machine = world.machine(node);
      if (machine.pauses > 0) world.hold(machine, event);
      else if (kind === EventKind.deliver) this.#deliver(event, machine.isUp, machine.epoch);
      else if (event.a === machine.epoch) this.#ofNode(event);
      return false;
    }
    this.#events += 1;
    this.#trace.event(world.now, kind, node, event.b);
    return this.#ofPlan(event);
  }

  #deliver({ node, a, b, payload }: Event, isUp: boolean, epoch: number): void {
    if (!isUp || this.#world.network.isCut(b, node)) return;
    const message = payload as Message;
    this.#messages += 1;
    this.#events += 1;
    this.#trace.event(this.#world.now, EventKind.deliver, node, this.#format.digest(message));
    if (this.#trace.isReadable) this.#say(this.#format.describe(message));
    // A start after a crash makes two epochs.
    this.#driver.deliver(node, message, a === epoch);
  }

  #ofNode({ kind, node, b, payload }: Event): void {
    this.#events += 1;
    this.#trace.event(this.#world.now, kind, node, b);
    if (kind === EventKind.timer) this.#driver.timer(node, b, payload);
    else if (kind === EventKind.written) {
      this.#world.machine(node).disk.finish(b);
      this.#driver.written(node, b);
    } else this.#driver.noSpace(node, b);
  }

  #ofPlan({ kind, node, a, b, payload }: Event): boolean {
    switch (kind) {
      case EventKind.operation:
        this.#driver.operation(payload as Operation);
        return false;
      case EventKind.faultBegins: {
        const done = this.#faults.begin(b, node, a === 1);
        if (this.#trace.isReadable) this.#say(`fault begins: ${done}`);
        return false;
      }
      case EventKind.faultEnds: {
        const inForce = this.#faults.end(b);
        if (inForce && this.#trace.isReadable) this.#say(`fault ends: ${this.#faults.kindOf(b)}`);
        return false;
      }
      case EventKind.flap:
        this.#faults.flap(b, node, a);
        return false;
      case EventKind.heal:
        this.#heal();
        return false;
      default:
        return this.#look();
    }
  }

  #heal(): void {
    if (this.#trace.isReadable) this.#say('everything is mended');
    this.#faults.endAll();
    this.#world.calm();
    this.#driver.healed();
    this.#world.queue.add(this.#world.now + LOOK_US, EventKind.look, NO_NODE, 0, 0, null);
  }

  #look(): boolean {
    if (this.#driver.isAtRest()) return true;
    const { now, queue } = this.#world;
    if (now >= this.#plan.healAtUs + this.#plan.recoverWithinUs) {
      const { invariant, message } = this.#driver.whyNotAtRest();
      const waited = `${(now - this.#plan.healAtUs) / 1_000_000} s after healing`;
      throw new InvariantError('liveness', invariant, `${waited}: ${message}`);
    }
    queue.add(now + LOOK_US, EventKind.look, NO_NODE, 0, 0, null);
    return false;
  }

  #say(text: string): void {
    this.#trace.say(this.#world.now, text);
  }

  /** A broken invariant, or an assertion of the system's own; anything else is a mistake in the simulation itself. */
  #failure(error: unknown): Failure {
    const found = { atUs: this.#world.now, step: this.#events };
    if (error instanceof InvariantError)
      return { kind: error.kind, invariant: error.invariant, message: error.message, ...found };
    if (error instanceof AssertionError)
      return { kind: 'safety', invariant: 'assertion', message: error.message, ...found };
    throw error;
  }
}
