/** Durations, rates and percentages as people write them in a scenario, and back. Expected mistakes are `undefined`. */
import type { Objective } from './types.ts';

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const NUMBER = '(\\d+(?:\\.\\d+)?)';
const DURATION = new RegExp(`^${NUMBER}(ms|s|m|h|d)$`);
const RATE = new RegExp(`^${NUMBER}/(s|m|h)$`);
const PERCENT = new RegExp(`^${NUMBER}%$`);

/** `1.5m` → 90000 (milliseconds). */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  return match ? Math.round(Number(match[1]) * MILLISECONDS[match[2]!]!) : undefined;
}

/** `120/m` → 2 (a second). */
export function parseRate(text: string): number | undefined {
  const match = RATE.exec(text);
  return match ? (Number(match[1]) * 1000) / MILLISECONDS[match[2]!]! : undefined;
}

/** `99.9%` → 0.999. Rounded to twelve digits, so that the ratio is the decimal number that was meant. */
export function parsePercent(text: string): number | undefined {
  const match = PERCENT.exec(text);
  return match ? Number((Number(match[1]) / 100).toPrecision(12)) : undefined;
}

const DATA_RATE = new RegExp(`^${NUMBER}(B|KB|MB)/s$`);
const BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1000, MB: 1_000_000 };

/** `100KB/s` → 100000 (bytes a second). */
export function parseDataRate(text: string): number | undefined {
  const match = DATA_RATE.exec(text);
  return match ? Number(match[1]) * BYTES[match[2]!]! : undefined;
}

/** `-1.5s` → -1500 (milliseconds). */
export function parseOffset(text: string): number | undefined {
  const size = parseDuration(text.replace(/^[+-]/, ''));
  return size === undefined ? undefined : text.startsWith('-') ? -size : size;
}

export function parseObjective(text: string): Objective | undefined {
  const duration = parseDuration(text);
  if (duration !== undefined) return { unit: 'seconds', value: duration / 1000 };
  const ratio = parsePercent(text);
  if (ratio !== undefined) return { unit: 'ratio', value: ratio };
  const rate = parseRate(text);
  if (rate !== undefined) return { unit: 'per_second', value: rate };
  return undefined;
}

/** The metric that a rule compares with: `write_p99` in seconds → `gameday_objective_write_p99_seconds`. */
export function objectiveMetricName(name: string, objective: Objective): string {
  return `gameday_objective_${name}_${objective.unit}`;
}

/** 90000 → `1m30s`, 1500 → `1.5s`, 250 → `250ms`. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.round(milliseconds);
  if (ms < 1000) return `${ms}ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))}s`;
  const totalSeconds = Math.round(ms / 1000);
  const parts = [
    [Math.floor(totalSeconds / 3600), 'h'],
    [Math.floor((totalSeconds % 3600) / 60), 'm'],
    [totalSeconds % 60, 's'],
  ] as const;
  return parts
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join('');
}
