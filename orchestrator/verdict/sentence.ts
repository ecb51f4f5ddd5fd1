/** The words of a reason: when, how long, how bad, and under which fault. */
import { formatDuration } from './duration.ts';
import { lengthOf } from './spans.ts';
import type { Interval, Span } from './types.ts';

interface Named extends Span {
  readonly name: string;
}

/** `+31 s`: since the start of the load. */
export function at(time: number, loading: Span): string {
  const ms = time - loading.from;
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
}

export function activeFaults(interval: Span, faults: readonly Named[]): string[] {
  return faults.filter((fault) => fault.from < interval.to && interval.from < fault.to).map((fault) => fault.name);
}

/** `fired for 12 s (+31 s to +43 s) while the fault "kill-leader" was active; lowest value 0.934 at {operation="write"}`. */
export function describeFiring(fired: Interval, lowIsBad: boolean, faults: readonly Named[], loading: Span): string {
  const labels = Object.entries(fired.labels);
  const place =
    labels.length === 0 ? '' : ` at {${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  const value = fired.peak === null ? '' : `; ${lowIsBad ? 'lowest' : 'highest'} value ${formatValue(fired.peak)}`;
  const when = `${at(fired.from, loading)} to ${at(fired.to, loading)}`;
  return `fired for ${formatDuration(lengthOf(fired))} (${when}) ${underFault(fired, faults)}${value}${place}`;
}

function underFault(fired: Interval, faults: readonly Named[]): string {
  const active = activeFaults(fired, faults);
  if (active.length > 0) return `while the fault ${active.map((name) => `"${name}"`).join(' and ')} was active`;
  const last = faults.filter((fault) => fault.to <= fired.from).sort((a, b) => b.to - a.to)[0];
  return last === undefined
    ? 'with no fault active'
    : `${formatDuration(fired.from - last.to)} after the fault "${last.name}" was over`;
}

function formatValue(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(4)));
}
