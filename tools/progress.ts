import pc from 'picocolors';
import type { ToolProgress } from './obtain.ts';

/** Where progress is written: `process.stderr`, or a test's stand-in. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressRenderer {
  readonly onProgress: (line: ToolProgress) => void;
  /** Clears the live line. */
  end(): void;
}

/** Least time between two plain lines of the same step. */
const PLAIN_INTERVAL_MS = 5000;
const LIVE_INTERVAL_MS = 100;

/** Shows progress: on a terminal one live line in colour, otherwise plain lines, one a step and one every five seconds. */
export function createProgressRenderer(stream: ProgressStream, now: () => number = Date.now): ProgressRenderer {
  return stream.isTTY ? liveLine(stream, now) : plainLines(stream, now);
}

function plainLines(stream: ProgressStream, now: () => number): ProgressRenderer {
  const shown = new Map<string, { step: string; at: number }>();
  return {
    onProgress(line) {
      const last = shown.get(line.label);
      if (last?.step === line.step && now() - last.at < PLAIN_INTERVAL_MS) return;
      shown.set(line.label, { step: line.step, at: now() });
      stream.write(`${describeProgress(line)}\n`);
    },
    end() {},
  };
}

function liveLine(stream: ProgressStream, now: () => number): ProgressRenderer {
  const active = new Map<string, ToolProgress>();
  let drawn = 0;
  const clear = '\r\u001b[2K';
  const draw = () => {
    drawn = now();
    const text = [...active.values()].map(describeProgress).join(' · ');
    stream.write(clear + pc.cyan(text.slice(0, (stream.columns ?? 80) - 1)));
  };
  return {
    onProgress(line) {
      if (line.step === 'ready' || line.step === 'failed') {
        active.delete(line.label);
        const mark = line.step === 'ready' ? pc.green('✓') : pc.red('✗');
        stream.write(`${clear}${mark} ${describeProgress(line)}\n`);
        if (active.size > 0) draw();
        return;
      }
      const isNew = active.get(line.label)?.step !== line.step;
      active.set(line.label, line);
      if (isNew || now() - drawn >= LIVE_INTERVAL_MS) draw();
    },
    end: () => stream.write(clear),
  };
}

/** `k6: downloading k6-v2.2.0-linux-amd64.tar.gz, 12.3 of 45.6 MB (27 %)` */
export function describeProgress({ label, step, detail, bytes, totalBytes }: ToolProgress): string {
  if (step === 'ready') return detail;
  const size =
    bytes === undefined
      ? ''
      : totalBytes
        ? `, ${megabytes(bytes)} of ${megabytes(totalBytes)} MB (${Math.floor((100 * bytes) / totalBytes)} %)`
        : `, ${megabytes(bytes)} MB`;
  return `${label}: ${step}${detail ? ` ${detail}` : ''}${size}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
