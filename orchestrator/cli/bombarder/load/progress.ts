/** Shows a load as it goes on: a live line on a terminal, a line now and then elsewhere; what happens besides stands above it. */
import { shorten, type Terminal, widthOf } from '../../terminal.ts';
import type { ChaosEvent } from './chaos.ts';

/** Without a terminal the load says so often how it goes on. */
const PLAIN_MS = 5000;
const BAR = 20;
/** The rate that is shown is that of so long. */
const RATE_MS = 3000;

export class LoadProgressLine {
  readonly #terminal: Terminal;
  readonly #planned: number;
  #live = false;
  #lastPlainMs = 0;
  #looks: readonly { readonly operations: number; readonly elapsedMs: number }[] = [];

  constructor(terminal: Terminal, planned: number) {
    this.#terminal = terminal;
    this.#planned = planned;
  }

  show(operations: number, elapsedMs: number): void {
    const ratio = Math.min(1, operations / this.#planned);
    const full = Math.round(ratio * BAR);
    const text = `${clock(elapsedMs)}  ${operations} of ${this.#planned} operations, ${this.#rate(operations, elapsedMs)}/s`;
    const { stderr } = this.#terminal;
    if (stderr.isTTY) {
      const bar = `${'█'.repeat(full)}${'░'.repeat(BAR - full)}`;
      this.#clear();
      stderr.write(shorten(`load    ${bar} ${text}`, widthOf(stderr) - 1));
      this.#live = true;
    } else if (elapsedMs - this.#lastPlainMs >= PLAIN_MS) {
      this.#lastPlainMs = elapsedMs;
      stderr.write(`load    ${text}\n`);
    }
  }

  /** Operations a second of late. */
  #rate(operations: number, elapsedMs: number): number {
    this.#looks = [...this.#looks.filter((look) => elapsedMs - look.elapsedMs <= RATE_MS), { operations, elapsedMs }];
    const { operations: before, elapsedMs: since } = this.#looks[0]!;
    return elapsedMs > since ? Math.round((1000 * (operations - before)) / (elapsedMs - since)) : 0;
  }

  chaos({ step, node, role, atMs, recoveryMs = 0 }: ChaosEvent): void {
    const { errColors } = this.#terminal;
    const text =
      step === 'killed'
        ? errColors.yellow(`killed node ${node} (${role})`)
        : errColors.green(`node ${node} is ready again, ${(recoveryMs / 1000).toFixed(1)} s after the kill`);
    this.say(`chaos   ${clock(atMs)}  ${text}`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#clear();
    this.#terminal.stderr.write(`${text}\n`);
  }

  end(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#live) this.#terminal.stderr.write('\r\u001b[2K');
    this.#live = false;
  }
}

/** 83000 → `1:23`. */
function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
