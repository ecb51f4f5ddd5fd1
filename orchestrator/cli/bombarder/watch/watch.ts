/** `watch`: on a terminal one screen that is drawn anew at each look; elsewhere a line a look. Until q or Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises';
import { Interruption } from '../../../run/interruption.ts';
import { type Context, print } from '../../context.ts';
import { EXIT, type ExitCode } from '../../exit_code.ts';
import type { OutputStream } from '../../terminal.ts';
import { EventLog } from './events.ts';
import { ClusterObserver, type ClusterView } from './observe.ts';
import { renderLine, renderScreen } from './screen.ts';

export interface WatchOptions {
  readonly title: string;
  readonly urls: readonly string[];
  readonly intervalSeconds: number;
}

/** What `process.stdin` is, as far as keys go. */
export interface Keyboard {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (data: Buffer) => void): unknown;
  off(event: 'data', listener: (data: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** A screen has a size, and says when it changes. */
interface ScreenStream extends OutputStream {
  readonly rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

const CTRL_C = '\u0003';
/** Alternate screen, no cursor; and back. What the terminal showed before is there again afterwards. */
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';

export async function watchCommand(
  context: Context,
  options: WatchOptions,
  keyboard: Keyboard = process.stdin,
): Promise<ExitCode> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([context.signals.signal, leaving.signal]);
  const observer = new ClusterObserver(options.urls);
  const log = new EventLog();
  if (context.terminal.stdout.isTTY) {
    await new WatchScreen(context, options, log).run(observer, signal, keyboard, () => leaving.abort());
  } else await watchPlainly(context, options, { observer, log, signal });
  return exitCodeOf(context.signals.signal);
}

/** To leave by Ctrl-C is the usual way; a supervisor's signal is told apart. */
function exitCodeOf(signal: AbortSignal): ExitCode {
  const { reason } = signal;
  return reason instanceof Interruption && reason.signal !== 'SIGINT' ? EXIT[reason.signal] : EXIT.pass;
}

async function watchPlainly(
  context: Context,
  options: WatchOptions,
  { observer, log, signal }: { observer: ClusterObserver; log: EventLog; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const view = await observer.look();
    for (const event of log.add(view)) print(context, `${new Date(event.at).toISOString()}  * ${event.text}`);
    print(context, renderLine(view, log));
    await pause(options.intervalSeconds, signal);
  }
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await delay(seconds * 1000, undefined, { signal }).catch(() => undefined);
}

class WatchScreen {
  readonly #stream: ScreenStream;
  readonly #context: Context;
  readonly #options: WatchOptions;
  readonly #log: EventLog;
  #view: ClusterView | undefined;

  constructor(context: Context, options: WatchOptions, log: EventLog) {
    this.#context = context;
    this.#stream = context.terminal.stdout;
    this.#options = options;
    this.#log = log;
  }

  async run(observer: ClusterObserver, signal: AbortSignal, keyboard: Keyboard, leave: () => void): Promise<void> {
    const onKey = (data: Buffer) => {
      const keys = data.toString();
      if (keys.includes('q') || keys.includes('Q') || keys.includes(CTRL_C)) leave();
    };
    const onResize = () => this.#draw();
    const restore = () => this.#stream.write(LEAVE);
    // Also when it is ended by force.
    process.once('exit', restore);
    this.#stream.write(ENTER);
    this.#stream.on?.('resize', onResize);
    if (keyboard.isTTY) keyboard.setRawMode?.(true);
    keyboard.on('data', onKey);
    keyboard.resume();
    // Between two looks only the clock and the ages move.
    const ages = setInterval(() => this.#draw(), 1000);
    try {
      while (!signal.aborted) {
        this.#view = await observer.look();
        this.#log.add(this.#view);
        this.#draw();
        await pause(this.#options.intervalSeconds, signal);
      }
    } finally {
      clearInterval(ages);
      this.#stream.off?.('resize', onResize);
      keyboard.off('data', onKey);
      if (keyboard.isTTY) keyboard.setRawMode?.(false);
      keyboard.pause();
      process.off('exit', restore);
      restore();
    }
  }

  /** In one write, over what is there: nothing flickers. */
  #draw(): void {
    if (this.#view === undefined) return;
    const { title } = this.#options;
    const [width, height] = [this.#stream.columns ?? 80, this.#stream.rows ?? 24];
    const colors = this.#context.terminal.outColors;
    const lines = renderScreen(this.#view, this.#log, { title, width, height, colors, now: Date.now() });
    this.#stream.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  }
}
