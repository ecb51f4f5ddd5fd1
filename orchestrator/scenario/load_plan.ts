/** The load of a scenario: from its source to the plan, and how long it may take. */
import type { LoadSource, OverlaySource } from './document.ts';
import type { ClosedLoad, LoadPlan } from './types.ts';
import { parseDuration, parsePercent, parseRate } from './units.ts';

/** Clients of a closed load that names no number: the document's for `flood`. */
const CONCURRENCY_DEFAULT = 10;
/** Each operation of a burst has a client of its own, up to so many. */
const BURST_CONCURRENCY_MAX = 100;
/** Of an iteration: a script looks at and repeats some of its writes, each with a deadline of its own. */
const OPERATIONS_PER_ITERATION_MAX = 3;

/** The source has passed the schema. `timeScale` shortens the load and leaves its rate as it is. */
export function loadPlan(source: LoadSource, overlay: OverlaySource['load'], timeScale: number): LoadPlan {
  const { script, profile } = source;
  const durationText = overlay?.duration ?? source.duration;
  const durationMs = durationText === undefined ? 0 : Math.round(parsed(durationText, parseDuration) * timeScale);
  const shared = {
    ...{ script, profile, durationMs },
    deadlineMs: parsed(source.deadline, parseDuration),
    history: source.history,
    ...(source.read_share === undefined ? {} : { readShare: parsed(source.read_share, parsePercent) }),
  };
  if (profile !== 'count') {
    return { ...shared, ratePerSecond: parsed(overlay?.rate ?? source.rate ?? '', parseRate) };
  }
  const closed = closedLoad(source, overlay, durationText === undefined ? 1 : timeScale);
  return { ...shared, ratePerSecond: durationMs === 0 ? 0 : closed.count / (durationMs / 1000), closed };
}

function closedLoad(source: LoadSource, overlay: OverlaySource['load'], timeScale: number): ClosedLoad {
  const scaled = (count: number) => Math.max(1, Math.round(count * timeScale));
  if (source.size === undefined) {
    return {
      count: scaled(overlay?.count ?? source.count ?? 0),
      concurrency: source.concurrency ?? CONCURRENCY_DEFAULT,
    };
  }
  const { size } = source;
  return {
    count: size * scaled(overlay?.bursts ?? source.bursts ?? 0),
    concurrency: source.concurrency ?? Math.min(size, BURST_CONCURRENCY_MAX),
    burst: { size, pauseMs: source.pause === undefined ? 0 : parsed(source.pause, parseDuration) },
  };
}

/** How long the load may take before something must be wrong: every operation of every client at its deadline. */
export function loadTimeMaxMs({ durationMs, deadlineMs, closed }: LoadPlan): number {
  if (closed === undefined) return durationMs + deadlineMs;
  const rounds = Math.ceil(closed.count / closed.concurrency);
  const pauses = closed.burst === undefined ? 0 : Math.ceil(closed.count / closed.burst.size) * closed.burst.pauseMs;
  return durationMs + pauses + rounds * deadlineMs * OPERATIONS_PER_ITERATION_MAX;
}

/** The schema's patterns and these parsers say the same; a difference between them is a mistake in the program. */
function parsed<T>(text: string, parser: (text: string) => T | undefined): T {
  const value = parser(text);
  if (value === undefined) throw new Error(`"${text}" passed the schema and cannot be parsed`);
  return value;
}
