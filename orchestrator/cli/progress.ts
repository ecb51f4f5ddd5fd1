/**
 * Shows a run as it goes on. On a terminal the last line is live; without one there are plain lines only, and few of them while
 * the load runs.
 */

import { createProgressRenderer, type ProgressRenderer } from '../../tools/progress.ts';
import type { RunEvent } from '../run/events.ts';
import { describeFaultRecord, type FaultRecord, injectionName } from '../run/record.ts';
import { formatDuration } from '../scenario/units.ts';
import { describeCheckers } from './checkers.ts';
import { shorten, type Terminal, widthOf } from './terminal.ts';

/** Without a terminal the load says so often how it goes on. */
const PLAIN_LOAD_MS = 10_000;

export class RunProgress {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  readonly #tools: ProgressRenderer;
  #startedAt = 0;
  #live = false;
  #obtaining = false;
  #lastLoadLineMs = 0;

  constructor(terminal: Terminal, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#now = now;
    this.#tools = createProgressRenderer(terminal.stderr, now);
  }

  readonly show = (event: RunEvent): void => {
    switch (event.type) {
      case 'created':
        this.#startedAt = this.#now();
        this.#title(event.record.scenario.id, event.record.scenario.title);
        break;
      case 'limit':
        this.#line('note', event.text);
        break;
      case 'tool':
        this.#tool(event);
        break;
      case 'phase':
        this.#phase(event);
        break;
      case 'nodes':
        this.#nodes(event.ready, event.total);
        break;
      case 'prometheus':
        this.#line('prometheus', `ready ${this.#since()}`);
        break;
      case 'load':
        this.#load(event);
        break;
      case 'fault':
        this.#fault(event);
        break;
      case 'nodeEnded':
        this.#warn(`node ${event.node} ${event.how}, and no fault made it`);
        break;
      case 'checking':
        this.#temporary('check', event.what);
        break;
      case 'checked':
        for (const { text, good } of describeCheckers(event.checkers)) this.#check(text, good);
        break;
      case 'observed':
        this.#line('observed', event.text);
        break;
      case 'judging':
        this.#temporary('judge', event.what);
        break;
      case 'warning':
        this.#warn(event.message);
        break;
    }
  };

  /** Clears the live line. */
  end(): void {
    this.#endTools();
    this.#clear();
  }

  #tool(event: RunEvent & { type: 'tool' }): void {
    this.#obtaining = true;
    this.#tools.onProgress(event.progress);
  }

  #endTools(): void {
    if (this.#obtaining) this.#tools.end();
    this.#obtaining = false;
  }

  #title(id: string, title: string): void {
    this.#write(`${this.#terminal.errColors.bold(id)}  ${title}\n`);
  }

  #phase({ phase, expectedMs }: RunEvent & { type: 'phase' }): void {
    this.#endTools();
    if (phase === 'loading')
      this.#line(
        'load',
        `${expectedMs === 0 ? 'as fast as it goes' : `${formatDuration(expectedMs)} ahead`} ${this.#since()}`,
      );
    if (phase === 'settling') this.#line('settle', `${formatDuration(expectedMs)} for the last scrapes and checkers`);
    if (phase === 'stopping') this.#temporary('stop', 'nodes, k6 and Prometheus');
    if (phase === 'judging') this.#line('judge', 'the rules on what Prometheus has stored');
  }

  #nodes(ready: number, total: number): void {
    const text = `${ready} of ${total} nodes ready`;
    if (ready === total) this.#line('cluster', `${text} ${this.#since()}`);
    else this.#temporary('cluster', text);
  }

  #load({ elapsedMs, totalMs, operations, ratePerSecond }: RunEvent & { type: 'load' }): void {
    const elapsed = Math.min(elapsedMs, totalMs);
    const done = `${operations} operations, ${Math.round(ratePerSecond)}/s`;
    // A load without a duration is over when it is.
    const text = totalMs === 0 ? `${clock(elapsedMs)}  ${done}` : `${clock(elapsed)} of ${clock(totalMs)}  ${done}`;
    this.#temporary('load', totalMs === 0 ? text : `${bar(elapsed / totalMs)} ${text}`);
    if (this.#terminal.stderr.isTTY || elapsedMs - this.#lastLoadLineMs < PLAIN_LOAD_MS) return;
    this.#lastLoadLineMs = elapsedMs;
    this.#line('load', text);
  }

  #fault({ step, outcome, loadStartedAt }: RunEvent & { type: 'fault' }): void {
    const { errColors } = this.#terminal;
    const at = clock(this.#now() - loadStartedAt);
    const text = `${at} ${injectionName(outcome)}: ${describeFault(step, outcome)}`;
    const paint = step === 'injected' || step === 'failed' ? errColors.yellow : errColors.green;
    this.#line('fault', paint(text));
  }

  #check(text: string, good: boolean): void {
    const { errColors } = this.#terminal;
    this.#line('check', good ? text : errColors.red(text));
  }

  #since(): string {
    return this.#terminal.errColors.dim(`(${((this.#now() - this.#startedAt) / 1000).toFixed(1)} s)`);
  }

  #warn(message: string): void {
    this.#line('warning', this.#terminal.errColors.yellow(message));
  }

  #line(what: string, text: string): void {
    this.#write(`${this.#terminal.errColors.dim(what.padEnd(10))} ${text}\n`);
  }

  /** On a terminal a line that the next one replaces; nothing elsewhere. */
  #temporary(what: string, text: string): void {
    const { stderr, errColors } = this.#terminal;
    if (!stderr.isTTY) return;
    const width = widthOf(stderr) - 12;
    this.#write(`${errColors.dim(what.padEnd(10))} ${shorten(text, width)}`);
    this.#live = true;
  }

  #write(text: string): void {
    this.#clear();
    this.#terminal.stderr.write(text);
  }

  #clear(): void {
    if (this.#live) this.#terminal.stderr.write('\r\u001b[2K');
    this.#live = false;
  }
}

function describeFault(step: (RunEvent & { type: 'fault' })['step'], outcome: FaultRecord): string {
  const { injectedAt, healedAt, serviceRecoveredAt, recoveredAt, healthAfter } = outcome;
  const after = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? '' : ` after ${formatDuration(to - from)}`;
  switch (step) {
    case 'injected':
      return describeFaultRecord(outcome);
    case 'service-recovered':
      return `clients are served again${after(injectedAt, serviceRecoveredAt)}`;
    case 'healed':
      return `healed${after(injectedAt, healedAt)}`;
    case 'recovered':
      return `${healthAfter} nodes ready${after(healedAt, recoveredAt)}`;
    case 'failed':
      return outcome.error ?? 'failed';
  }
}

/** 83000 → `1:23`. */
function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function bar(ratio: number): string {
  const full = Math.round(Math.min(1, ratio) * 20);
  return `${'█'.repeat(full)}${'░'.repeat(20 - full)}`;
}
