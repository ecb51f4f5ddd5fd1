/** What an existing system was judged from, in sentences for people: the command line and the report use them. */
import type { ObservedRecord } from './run/record.ts';
import { formatDuration } from './verdict/duration.ts';
import type { Span } from './verdict/types.ts';

/** The first is where and when; the others only where there is something to say. */
export function observedText(observed: ObservedRecord, window: Span): string[] {
  const { prometheus, match, series, samples, intervalMs, renamed, standIns, notJudged } = observed;
  const [from, to] = [window.from, window.to].map((ms) => new Date(ms).toISOString());
  const which = match.length === 0 ? '' : `, ${match.join(', ')}`;
  return [
    `${prometheus}${which}, ${from} to ${to} (${formatDuration(window.to - window.from)})`,
    `${series} series, ${samples} samples, one every ${formatDuration(intervalMs)}; nothing was started, loaded or broken`,
    ...renamed,
    ...(standIns.length === 0 ? [] : [`from the scenario, not from there: ${standIns.join(', ')}`]),
    ...(notJudged.length === 0 ? [] : [`not judged, since no fault was injected: ${notJudged.join('; ')}`]),
  ];
}
