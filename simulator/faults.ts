import { Sampler } from './distribution.ts';
import type { Driver, Fault, NodeNumber, Scheduled, Target } from './types.ts';
import { EventKind, type World } from './world.ts';

/** Makes the faults of a plan begin and end. */
export class Faults<Message, Operation extends Scheduled, Action> {
  readonly #world: World<Message>;
  readonly #driver: Driver<Message, Operation, Action>;
  readonly #faults: readonly Fault<Action>[];
  /** Faults that wait for a signal, since their time has come. */
  readonly #armed = new Set<number>();
  /** What ends each fault that is in force. */
  readonly #healers = new Map<number, () => void>();
  readonly counts: Record<string, number> = {};
  #isOver = false;

  constructor(world: World<Message>, driver: Driver<Message, Operation, Action>, faults: readonly Fault<Action>[]) {
    this.#world = world;
    this.#driver = driver;
    this.#faults = faults;
  }

  schedule(): void {
    for (const [i, fault] of this.#faults.entries())
      this.#world.queue.add(fault.atUs, EventKind.faultBegins, 0, 0, i, null);
  }

  signal(name: string, node: NodeNumber): void {
    if (this.#armed.size === 0) return;
    for (const i of this.#armed) {
      const on = this.#faults[i]!.on!;
      if (on.signal !== name) continue;
      this.#armed.delete(i);
      this.#world.queue.add(this.#world.now + on.delayUs, EventKind.faultBegins, node, 1, i, null);
    }
  }

  /** @param signalled the node that gave the signal, when `byNow` says that there was one. @returns what was done, for the trace */
  begin(i: number, signalled: NodeNumber, byNow: boolean): string {
    const fault = this.#faults[i]!;
    if (this.#isOver) return `${fault.kind}: too late`;
    if (fault.on !== undefined && !byNow) {
      this.#armed.add(i);
      return `${fault.kind} waits for "${fault.on.signal}"`;
    }
    const node = 'target' in fault ? this.#find(fault.target, signalled) : 0;
    if (node === null) return `${fault.kind}: nobody fits`;
    const heal = this.#inject(fault, node, i);
    if (heal === null) return `${fault.kind} of ${node}: not now`;
    this.counts[`fault.${fault.kind}`] = (this.counts[`fault.${fault.kind}`] ?? 0) + 1;
    this.#healers.set(i, heal);
    this.#world.queue.add(this.#world.now + fault.forUs, EventKind.faultEnds, node, 0, i, null);
    return node === 0 ? fault.kind : `${fault.kind} of node ${node}`;
  }

  /** @returns whether the fault was still in force */
  end(i: number): boolean {
    const heal = this.#healers.get(i);
    this.#healers.delete(i);
    heal?.();
    return heal !== undefined;
  }

  kindOf(i: number): string {
    return this.#faults[i]!.kind;
  }

  /** Ends all that is in force; nothing begins any more. */
  endAll(): void {
    this.#isOver = true;
    this.#armed.clear();
    for (const i of [...this.#healers.keys()]) this.end(i);
  }

  /** A flapping node changes between cut off and connected. */
  flap(i: number, node: NodeNumber, left: number): void {
    const fault = this.#faults[i]!;
    if (fault.kind !== 'flap' || !this.#healers.has(i) || left <= 0) return;
    const isCut = left % 2 === 0;
    this.end(i);
    this.#healers.set(i, isCut ? this.#cut((from, to) => from === node || to === node) : () => {});
    this.#world.queue.add(this.#world.now + (fault.everyUs >> 1), EventKind.flap, node, left - 1, i, null);
  }

  #find(target: Target, signalled: NodeNumber): NodeNumber | null {
    if ('node' in target) return target.node;
    if (target.role === 'signalled') return signalled;
    const nodes = this.#driver.inRole(target.role);
    return nodes.length === 0 ? null : nodes[target.nth % nodes.length]!;
  }

  /** @returns what ends it, or null when it could not be done */
  #inject(fault: Fault<Action>, node: NodeNumber, i: number): (() => void) | null {
    switch (fault.kind) {
      case 'crash':
        return this.#crash([node]);
      case 'blackout':
        return this.#crash(this.#up());
      case 'wipe':
        return this.#damage(node, () => this.#driver.wipe(node));
      case 'flipBit':
        return this.#damage(node, () => this.#driver.flipBit(node));
      case 'pause':
        return this.#pause(node);
      case 'isolate': {
        const { direction } = fault;
        return this.#cut((from, to) => (direction !== 'in' && from === node) || (direction !== 'out' && to === node));
      }
      case 'split':
        return this.#split(node, fault.share, fault.beside);
      case 'flap':
        this.#world.queue.add(this.#world.now, EventKind.flap, node, 2 * fault.count, i, null);
        return () => {};
      case 'storm':
        this.#world.network.begin(fault);
        return () => this.#world.network.end(fault);
      case 'slowDisk': {
        const { disk } = this.#world.machine(node);
        const sampler = new Sampler(fault.sync);
        disk.slow(sampler);
        return () => disk.unslow(sampler);
      }
      case 'fullDisk': {
        const { disk } = this.#world.machine(node);
        disk.full += 1;
        return () => (disk.full -= 1);
      }
      case 'skewClock': {
        const { clock } = this.#world.machine(node);
        const { rate, jumpUs } = fault;
        clock.jump(jumpUs);
        clock.change(this.#world.now, clock.rate * rate);
        return () => clock.change(this.#world.now, clock.rate / rate);
      }
      case 'act':
        this.#driver.act(fault.action);
        return () => {};
    }
  }

  #up(): NodeNumber[] {
    return this.#world.machines.flatMap((machine, node) => (machine?.isUp ? [node] : []));
  }

  #crash(nodes: readonly NodeNumber[]): (() => void) | null {
    const crashed = nodes.filter((node) => this.#world.machine(node).isUp);
    if (crashed.length === 0) return null;
    for (const node of crashed) {
      this.#world.stopped(node);
      this.#driver.crash(node);
    }
    return () => {
      for (const node of crashed) if (!this.#world.machine(node).isUp) this.#driver.start(node);
    };
  }

  #damage(node: NodeNumber, damage: () => void): (() => void) | null {
    if (!this.#driver.mayLose(node)) return null;
    const heal = this.#crash([node]);
    if (heal !== null) damage();
    return heal;
  }

  #pause(node: NodeNumber): () => void {
    const machine = this.#world.machine(node);
    machine.pauses += 1;
    return () => {
      machine.pauses -= 1;
      if (machine.pauses === 0) this.#world.release(machine);
    };
  }

  #split(node: NodeNumber, share: number, beside: 'oldest' | 'newest'): () => void {
    const others = this.#driver.inRole('any').filter((other) => other !== node);
    if (beside === 'newest') others.reverse();
    const count = Math.floor(share * (others.length + 1)) - 1;
    const side = new Set([node, ...others.slice(0, Math.max(0, count))]);
    return this.#cut((from, to) => side.has(from) !== side.has(to));
  }

  /** Cuts links between the nodes there are, and those that may still come. */
  #cut(isCut: (from: NodeNumber, to: NodeNumber) => boolean): () => void {
    const links: [NodeNumber, NodeNumber][] = [];
    const { network } = this.#world;
    const last = Math.max(...this.#driver.inRole('any')) + 8;
    for (let from = 1; from <= last; from++)
      for (let to = 1; to <= last; to++) if (from !== to && isCut(from, to)) links.push([from, to]);
    for (const [from, to] of links) network.cut(from, to);
    return () => {
      for (const [from, to] of links) network.mend(from, to);
    };
  }
}
