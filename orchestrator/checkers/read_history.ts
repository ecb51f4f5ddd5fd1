/** Reads `history/*.ndjson`: a header, then one operation a line. */
import { open } from 'node:fs/promises';
import { type History, HistoryBuilder } from './history.ts';
import type { ClockStep, Operation } from './types.ts';

export const HISTORY_VERSION = 1;

/** First line of a file: `{"header":{"version":1,"segment":0,"runId":"…"}}`. */
export interface HistoryHeader {
  readonly version: number;
  readonly segment: number;
  readonly runId: string;
}

/** A file that cannot be judged. The message names file and line, what is wrong and what to do. */
export class HistoryError extends Error {
  override name = 'HistoryError';
  readonly code: 'HISTORY_MALFORMED' | 'HISTORY_VERSION' | 'HISTORY_UNREADABLE';

  constructor(code: HistoryError['code'], message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Reads one or several files as one history. A last line without its end was cut off when its writer was killed: it is left
 * out and counted. A recorded step of the clock is kept, and voids every judgement by time. Throws {@link HistoryError}.
 */
export async function readHistory(files: string | readonly string[], signal?: AbortSignal): Promise<History> {
  const paths = typeof files === 'string' ? [files] : files;
  const builder = new HistoryBuilder();
  const clockSteps: ClockStep[] = [];
  let truncatedLines = 0;
  for (const file of paths) {
    const reader = new FileReader(file, builder, clockSteps);
    if (await reader.read(signal)) truncatedLines++;
  }
  return builder.finish({ files: paths.length, truncatedLines, clockSteps });
}

class FileReader {
  readonly #file: string;
  readonly #builder: HistoryBuilder;
  readonly #clockSteps: ClockStep[];
  #line = 0;

  constructor(file: string, builder: HistoryBuilder, clockSteps: ClockStep[]) {
    this.#file = file;
    this.#builder = builder;
    this.#clockSteps = clockSteps;
  }

  /** Whether the last line was cut off. */
  async read(signal?: AbortSignal): Promise<boolean> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      await using handle = await open(this.#file);
      // Large pieces: every one costs a turn of the event loop.
      for await (const piece of handle.createReadStream({ highWaterMark: 1 << 20, signal, autoClose: false })) {
        const lines = (rest + decoder.decode(piece as Buffer, { stream: true })).split('\n');
        rest = lines.pop()!;
        for (const line of lines) this.#take(line);
      }
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HistoryError) throw error;
      throw new HistoryError('HISTORY_UNREADABLE', `${this.#file}: ${(error as Error).message}`, error);
    }
    if (rest.trim() === '') {
      if (this.#line === 0) throw this.#malformed('the file is empty, not even a header');
      return false;
    }
    return !this.#takeIfWhole(rest);
  }

  /** A writer that was not killed may still leave out the last line's end. */
  #takeIfWhole(line: string): boolean {
    try {
      JSON.parse(line);
    } catch {
      if (this.#line === 0) throw this.#malformed('the only line is cut off');
      return false;
    }
    this.#take(line);
    return true;
  }

  #take(line: string): void {
    this.#line++;
    const parsed = this.#parse(line);
    if (this.#line === 1) this.#takeHeader(parsed);
    else if ('clockStep' in parsed)
      this.#clockSteps.push({ file: this.#file, line: this.#line, detail: JSON.stringify(parsed.clockStep) });
    else {
      try {
        this.#builder.add(parsed as unknown as Operation);
      } catch (error) {
        if (error instanceof RangeError) throw this.#malformed(error.message);
        throw error;
      }
    }
  }

  #takeHeader(parsed: Readonly<Record<string, unknown>>): void {
    const version = (parsed.header as Partial<HistoryHeader> | undefined)?.version;
    if (version === undefined) throw this.#malformed('no header in the first line');
    if (version === HISTORY_VERSION) return;
    throw new HistoryError(
      'HISTORY_VERSION',
      `${this.#file}:1: history of version ${version}, and this Gameday reads version ${HISTORY_VERSION}: check it with the Gameday that recorded it`,
    );
  }

  #parse(line: string): Readonly<Record<string, unknown>> {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch (error) {
      throw this.#malformed((error as Error).message);
    }
    if (typeof parsed !== 'object' || parsed === null) throw this.#malformed('requires an object');
    return parsed as Readonly<Record<string, unknown>>;
  }

  #malformed(problem: string): HistoryError {
    return new HistoryError(
      'HISTORY_MALFORMED',
      `${this.#file}:${Math.max(1, this.#line)}: ${problem}. Nothing can be concluded from a history with a bad line: repeat the run, or remove the line if you know what it was`,
    );
  }
}
