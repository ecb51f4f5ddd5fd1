/** Watches whether the wall clock, by which all clients time their operations, runs evenly while the load does. */

/** Beyond so much between two looks it has stepped … */
const STEP_MS = 5;
/** … beside this share of the time between them: a kernel that sets a clock right by slewing it does at most half of that. */
const SLEW = 0.001;
/** A look at both clocks that was interrupted for longer says nothing about either. */
const LOOK_MS_MAX = 2;
const LOOK_EVERY_MS = 500;

export interface WatchedClocks {
  /** Epoch milliseconds, whole ones. */
  readonly wall: () => number;
  /** Milliseconds since any fixed moment, on a clock that never jumps. */
  readonly monotonic: () => number;
}

export class ClockWatch {
  readonly #clocks: WatchedClocks;
  readonly #steps: string[] = [];
  #last: { readonly from: number; readonly to: number; readonly at: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(clocks: WatchedClocks = { wall: () => Date.now(), monotonic: () => performance.now() }) {
    this.#clocks = clocks;
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  /** @returns the steps that were seen, in words */
  stop(): readonly string[] {
    clearInterval(this.#timer);
    this.look();
    return this.#steps;
  }

  look(): void {
    const before = this.#clocks.monotonic();
    const wall = this.#clocks.wall();
    const after = this.#clocks.monotonic();
    if (after - before > LOOK_MS_MAX) return;
    // Wall minus monotonic; the wall clock is cut off to whole milliseconds.
    const offset = { from: wall - after, to: wall + 1 - before, at: after };
    const last = this.#last;
    this.#last = offset;
    if (last === undefined) return;
    const step = offset.from > last.to ? offset.from - last.to : Math.min(0, offset.to - last.from);
    if (Math.abs(step) <= STEP_MS + SLEW * (after - last.at)) return;
    this.#steps.push(`by ${step > 0 ? '+' : ''}${Math.round(step)} ms before ${new Date(wall).toISOString()}`);
  }
}
