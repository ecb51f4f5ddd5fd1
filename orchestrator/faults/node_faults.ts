/**
 * Faults that a node commits itself, because it was told to: its disk, its clock, its messages, its obedience. Each fault asks for a
 * part; a node is told the sum of the parts that are in force on it, so that faults may overlap and be healed in any order.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FSYNC_LIES, type NodeFaultKind, type NodeFaultSet } from '../../kit/system.ts';
import type { FaultParameters } from '../scenario/types.ts';
import { NotInForceError } from './not_in_force.ts';
import { injectIntoEach } from './process.ts';
import type { Fault, FaultNode, Strike } from './types.ts';

/** A node that was started again answers by then, or the fault is not in force. */
const RESTARTED_MS_MAX = 10_000;
const POLL_MS = 50;
/** A torn write needs a write: under load there are many a second. */
const TORN_MS_MAX = 5000;
/** A damaged log is read, and found damaged, at the start. */
const REFUSED_MS_MAX = 10_000;

type Setting = 'disk' | 'clock' | 'messages' | 'misbehaviour';

/** The part of the set that a fault asks for. Those of one blow (`torn_write`, `flipped_bit`) are not here. */
export function partOf(kind: NodeFaultKind, parameters: FaultParameters): NodeFaultSet {
  const { probability = 1, delayMs = 0, offsetMs, rate, as } = parameters;
  switch (kind) {
    case 'message_loss':
      return { messages: { loss: probability } };
    case 'message_duplication':
      return { messages: { duplicate: probability } };
    case 'message_reordering':
      return { messages: { reorder: probability } };
    case 'disk_full':
      return { disk: { full: true } };
    case 'slow_fsync':
      return { disk: { slow_fsync_ms: delayMs, slow_fsync_probability: probability } };
    case 'lying_fsync':
      return { disk: { lie_about_fsync: FSYNC_LIES.find((lie) => lie === as) ?? 'skip' } };
    case 'torn_write':
      return { disk: { torn_write: true } };
    case 'flipped_bit':
      return { disk: { flip_bit: true } };
    case 'clock_skew':
      return {
        clock: { ...(offsetMs === undefined ? {} : { skew_ms: offsetMs }), ...(rate === undefined ? {} : { rate }) },
      };
    case 'misbehave':
      return { misbehaviour: as === undefined ? [] : [as] };
  }
}

/** Shares and delays: the worst of all; skews add, rates multiply. */
export function mergeParts(parts: Iterable<NodeFaultSet>): NodeFaultSet {
  const merged: { -readonly [S in Setting]?: Record<string, unknown> | string[] } = {};
  for (const part of parts) {
    for (const setting of ['disk', 'clock', 'messages'] as const) {
      if (part[setting] !== undefined) merged[setting] = mergeSetting({ ...merged[setting] }, part[setting]);
    }
    if (part.misbehaviour !== undefined)
      merged.misbehaviour = [...new Set([...((merged.misbehaviour as string[]) ?? []), ...part.misbehaviour])];
  }
  return merged as NodeFaultSet;
}

function mergeSetting(into: Record<string, unknown>, part: object): Record<string, unknown> {
  for (const [name, value] of Object.entries(part) as [string, unknown][]) {
    const before = into[name];
    if (typeof value !== 'number' || typeof before !== 'number') into[name] = value;
    else if (name === 'skew_ms') into[name] = before + value;
    else if (name === 'rate') into[name] = before * value;
    else into[name] = Math.max(before, value);
  }
  return into;
}

/** Keeps what is in force on each node, and sees to it that the node knows. */
export class NodeFaultDesk {
  /** By node and by the name of the strike. */
  readonly #parts = new Map<number, Map<string, NodeFaultSet>>();
  /** What a node is being told now. */
  readonly #telling = new Map<number, Promise<void>>();

  /** What a node was told by somebody else stays in force beside what it is told from here. */
  assume(node: FaultNode, part: NodeFaultSet): void {
    this.#parts.set(node.index, new Map([['before', part]]));
  }

  /** Rejects when the node did not take it; then it is not in force. */
  async add(node: FaultNode, name: string, part: NodeFaultSet): Promise<void> {
    const parts = this.#parts.get(node.index) ?? new Map<string, NodeFaultSet>();
    this.#parts.set(node.index, parts.set(name, part));
    try {
      await this.#tell(node);
    } catch (error) {
      parts.delete(name);
      throw error;
    }
  }

  /** A node that is down or stands still is told when it is back. */
  async remove(node: FaultNode, name: string): Promise<void> {
    this.forget(node, name);
    if (node.state === 'running') await this.#tell(node);
  }

  /** Without telling the node: its next life will know nothing of it. */
  forget(node: FaultNode, name: string): void {
    this.#parts.get(node.index)?.delete(name);
  }

  /** A process that was started or woken again is told what is in force on its node. */
  async restarted(node: FaultNode): Promise<void> {
    // One that was never told anything need not answer.
    if (!this.#parts.has(node.index)) return;
    const deadline = performance.now() + RESTARTED_MS_MAX;
    for (;;) {
      try {
        return await this.#tell(node);
      } catch (error) {
        if (node.state !== 'running' || performance.now() > deadline) throw error;
        await delay(POLL_MS);
      }
    }
  }

  /** One telling after the other: of two at once, one would read back what the other has said. */
  async #tell(node: FaultNode): Promise<void> {
    for (let other = this.#telling.get(node.index); other !== undefined; other = this.#telling.get(node.index))
      await other.catch(() => undefined);
    const told = this.#tellNow(node);
    this.#telling.set(node.index, told);
    try {
      await told;
    } finally {
      this.#telling.delete(node.index);
    }
  }

  async #tellNow(node: FaultNode): Promise<void> {
    const wanted = mergeParts(this.#parts.get(node.index)?.values() ?? []);
    const inForce = await node.applyFaults(wanted);
    const missing = difference(wanted, inForce);
    if (missing !== undefined)
      throw new NotInForceError(`node ${node.index} was told ${JSON.stringify(wanted)} and has ${missing}`);
  }
}

/** What is in force instead of what was wanted, as JSON; undefined when they agree. One that was healed has nothing in force. */
function difference(wanted: NodeFaultSet, inForce: NodeFaultSet): string | undefined {
  for (const setting of ['disk', 'clock', 'messages', 'misbehaviour'] as const) {
    const has = inForce[setting];
    if (wanted[setting] === undefined) {
      if (!isIdle(has)) return JSON.stringify({ [setting]: has });
      continue;
    }
    for (const [name, value] of Object.entries(wanted[setting])) {
      if (JSON.stringify((has as Record<string, unknown> | undefined)?.[name]) !== JSON.stringify(value))
        return JSON.stringify({ [setting]: has });
    }
  }
  return undefined;
}

/** Nothing, or a healthy node's values spelt out. */
function isIdle(setting: unknown): boolean {
  if (setting === undefined || setting === null) return true;
  if (Array.isArray(setting)) return setting.length === 0;
  return Object.entries(setting as Record<string, unknown>).every(
    ([name, value]) =>
      value === undefined ||
      value === false ||
      value === 0 ||
      (name === 'rate' && value === 1) ||
      (name === 'slow_fsync_probability' && value === 1) ||
      (name === 'to' && value === null),
  );
}

export interface NodeFaultsOptions {
  readonly desk: NodeFaultDesk;
  /** True, or why these nodes cannot be told to misbehave. */
  readonly available: (kind: NodeFaultKind) => true | string;
}

export function nodeFaults({ desk, available }: NodeFaultsOptions): Readonly<Record<NodeFaultKind, Fault>> {
  const lasting = (kind: NodeFaultKind): Fault => ({
    kind,
    available: () => available(kind),
    inject: (strike) =>
      injectIntoEach(strike, async (node) => {
        await desk.add(node, strike.name, partOf(kind, strike.parameters));
        return () => desk.remove(node, strike.name);
      }),
  });
  return {
    message_loss: lasting('message_loss'),
    message_duplication: lasting('message_duplication'),
    message_reordering: lasting('message_reordering'),
    disk_full: lasting('disk_full'),
    slow_fsync: lasting('slow_fsync'),
    lying_fsync: lasting('lying_fsync'),
    clock_skew: lasting('clock_skew'),
    misbehave: lasting('misbehave'),
    torn_write: {
      kind: 'torn_write',
      available: () => available('torn_write'),
      inject: (strike) => injectIntoEach(strike, (node) => tearWrite(desk, strike, node)),
    },
    flipped_bit: {
      kind: 'flipped_bit',
      available: () => available('flipped_bit'),
      inject: (strike) => injectIntoEach(strike, (node) => flipBit(desk, strike, node)),
    },
  };
}

/** In force when the process has died of it. */
async function tearWrite(desk: NodeFaultDesk, strike: Strike, node: FaultNode) {
  const ended = node.endsWithin(TORN_MS_MAX, strike.signal);
  // It may die before it has answered.
  const told = desk.add(node, strike.name, partOf('torn_write', {})).catch((error: unknown) => error);
  const how = await ended;
  const error = await told;
  if (how === undefined) {
    await desk.remove(node, strike.name).catch(() => undefined);
    throw (
      error ??
      new NotInForceError(
        `node ${node.index} wrote nothing in ${TORN_MS_MAX / 1000} s, so no write was torn: put it under load`,
      )
    );
  }
  desk.forget(node, strike.name);
  return async () => {
    await node.start();
    await desk.restarted(node);
  };
}

/** In force when the node, started on the damaged data, has refused to go on with them. */
async function flipBit(desk: NodeFaultDesk, strike: Strike, node: FaultNode) {
  await desk.add(node, strike.name, partOf('flipped_bit', {}));
  desk.forget(node, strike.name);
  await node.kill();
  strike.struck();
  await node.start();
  if ((await node.endsWithin(REFUSED_MS_MAX, strike.signal)) === undefined) {
    await desk.restarted(node).catch(() => undefined);
    throw new NotInForceError(
      `node ${node.index} runs on a log in which a bit was flipped, ${REFUSED_MS_MAX / 1000} s after its start`,
    );
  }
  return async () => {
    await node.rejoin();
    await desk.restarted(node);
  };
}
