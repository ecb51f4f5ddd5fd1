import { assert } from '../kit/assert.ts';
import type { Micros } from './types.ts';

/** What is to happen; events are used again, so nobody keeps one after it was handled. */
export interface Event {
  kind: number;
  node: number;
  /** Of the event's own meaning. */
  a: number;
  b: number;
  payload: unknown;
}

/**
 * Events by time; those of one time come in the order in which they were added.
 *
 * A four-ary heap over typed arrays: a few hundred events wait at any time, so it stays in the first-level cache.
 */
export class EventQueue {
  #times = new Float64Array(1024);
  /** Ties are broken by the order of adding. */
  #sequences = new Float64Array(1024);
  #slots = new Int32Array(1024);
  #size = 0;
  #sequence = 0;
  readonly #events: Event[] = [];
  readonly #free: number[] = [];
  /** Time of the event that `pop` returned last. */
  now: Micros = 0;

  get size(): number {
    return this.#size;
  }

  add(at: Micros, kind: number, node: number, a: number, b: number, payload: unknown): void {
    assert(at >= this.now, `an event at ${at} is in the past: it is ${this.now}`);
    let slot = this.#free.pop();
    if (slot === undefined) {
      slot = this.#events.length;
      this.#events.push({ kind, node, a, b, payload });
    } else {
      const event = this.#events[slot]!;
      event.kind = kind;
      event.node = node;
      event.a = a;
      event.b = b;
      event.payload = payload;
    }
    if (this.#size === this.#times.length) this.#grow();
    this.#up(this.#size++, at, this.#sequence++, slot);
  }

  /** The next event; valid until the next `add`. Undefined when there is none. */
  pop(): Event | undefined {
    if (this.#size === 0) return undefined;
    const slot = this.#slots[0]!;
    this.now = this.#times[0]!;
    this.#size -= 1;
    if (this.#size > 0) {
      const last = this.#size;
      this.#down(this.#times[last]!, this.#sequences[last]!, this.#slots[last]!);
    }
    this.#free.push(slot);
    return this.#events[slot];
  }

  #up(from: number, at: number, sequence: number, slot: number): void {
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 2;
      // A new event has the greatest sequence, so it stays behind those of its time.
      if (this.#times[parent]! <= at) break;
      this.#move(parent, i);
      i = parent;
    }
    this.#put(i, at, sequence, slot);
  }

  #down(at: number, sequence: number, slot: number): void {
    let i = 0;
    for (let first = 1; first < this.#size; first = 4 * i + 1) {
      let least = first;
      const end = Math.min(first + 4, this.#size);
      for (let child = first + 1; child < end; child++) if (this.#isBefore(child, least)) least = child;
      const time = this.#times[least]!;
      if (time > at || (time === at && this.#sequences[least]! > sequence)) break;
      this.#move(least, i);
      i = least;
    }
    this.#put(i, at, sequence, slot);
  }

  #isBefore(i: number, j: number): boolean {
    const difference = this.#times[i]! - this.#times[j]!;
    return difference < 0 || (difference === 0 && this.#sequences[i]! < this.#sequences[j]!);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#times[from]!, this.#sequences[from]!, this.#slots[from]!);
  }

  #put(i: number, at: number, sequence: number, slot: number): void {
    this.#times[i] = at;
    this.#sequences[i] = sequence;
    this.#slots[i] = slot;
  }

  #grow(): void {
    const length = 2 * this.#times.length;
    const times = new Float64Array(length);
    const sequences = new Float64Array(length);
    const slots = new Int32Array(length);
    times.set(this.#times);
    sequences.set(this.#sequences);
    slots.set(this.#slots);
    this.#times = times;
    this.#sequences = sequences;
    this.#slots = slots;
  }
}
