/** Shows how far a simulation is: one live line on a terminal, else a plain line now and then. */
import type { Tally } from '../../simulator/fleet.ts';
import { shorten, type Terminal, widthOf } from './terminal.ts';

const LIVE_MS = 100;
const PLAIN_MS = 5000;

export class SimulationProgress {
  readonly #terminal: Terminal;
  readonly #seeds: number | null;
  readonly #now: () => number;
  #shownAt: number;
  #live = false;

  /** @param seeds how many there will be, null when nobody knows */
  constructor(terminal: Terminal, seeds: number | null, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#seeds = seeds;
    this.#now = now;
    this.#shownAt = now();
  }

  show(tally: Tally, elapsedMs: number): void {
    const seconds = Math.max(elapsedMs, 1) / 1000;
    const of = this.#seeds === null ? '' : ` of ${this.#seeds}`;
    const failed = tally.failures.length === 0 ? '' : `, ${tally.failures.length} failed`;
    const rate = `${Math.round(tally.seeds / seconds)} seeds/s, ${Math.round(tally.messages / seconds)} messages/s`;
    this.#line(`simulate   ${tally.seeds}${of} seeds${failed}, ${rate}`);
  }

  shrinking({
    runs,
    faults,
    operations,
  }: {
    readonly runs: number;
    readonly faults: number;
    readonly operations: number;
  }): void {
    this.#line(`shrink     ${faults} faults and ${operations} operations are left after ${runs} runs`);
  }

  /** Clears the live line. */
  end(): void {
    if (this.#live) this.#terminal.stderr.write('\r\u001b[2K');
    this.#live = false;
  }

  #line(text: string): void {
    const { stderr } = this.#terminal;
    if (this.#now() - this.#shownAt < (stderr.isTTY ? LIVE_MS : PLAIN_MS)) return;
    this.#shownAt = this.#now();
    if (!stderr.isTTY) {
      stderr.write(`${text}\n`);
      return;
    }
    stderr.write(`\r\u001b[2K${shorten(text, widthOf(stderr) - 1)}`);
    this.#live = true;
  }
}
