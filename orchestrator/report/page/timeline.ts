/** What happened when: phases, load, faults and alerts on one axis, and how long each recovery took. */
import { describeFaultRecord, type FaultRecord, injectionName, type RunRecord } from '../../run/record.ts';
import { formatOffset, formatSeconds } from '../format.ts';
import { endOf, originOf, type ReportInput, shownWindowOf, tookText } from '../input.ts';
import { html, type Markup } from '../markup.ts';
import type { FiringInterval } from '../panels.ts';

interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
  readonly text: string;
}

interface Lane {
  readonly name: string;
  readonly bars: readonly Bar[];
}

/** Steps between two ticks that read well on a clock, in seconds. */
const TICK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600];
const TICKS_MAX = 8;

function faultBars(fault: FaultRecord, end: number): Bar[] {
  if (fault.injectedAt === undefined) return [];
  const healed = fault.healedAt ?? end;
  const text = fault.injection === undefined ? `${fault.kind} ${fault.target}` : injectionName(fault);
  const bars: Bar[] = [{ from: fault.injectedAt, to: healed, kind: 'fault', text }];
  if ((fault.recoveredAt ?? end) > healed)
    bars.push({ from: healed, to: fault.recoveredAt ?? end, kind: 'recovering', text: 'recovering' });
  return bars;
}

function lanes({ record, panels }: ReportInput): Lane[] {
  const end = endOf(record);
  const phases = record.phases.map((phase) => ({
    from: phase.from,
    to: phase.to ?? end,
    kind: `phase ${phase.name}`,
    text: phase.name,
  }));
  // One lane for all injections of a fault.
  const faults = [...Map.groupBy(record.faults, ({ name }) => name)].map(([name, injections]) => ({
    name: `fault: ${name}`,
    bars: injections.flatMap((fault) => faultBars(fault, end)),
  }));
  const load =
    record.load === null
      ? []
      : [
          {
            name: 'load',
            bars: [{ from: record.load.from, to: record.load.to ?? end, kind: 'load', text: record.load.script }],
          },
        ];
  return [{ name: 'phase', bars: phases }, ...load, ...faults, ...alertLanes(record, panels?.firing ?? [])];
}

/** What the verdict looked at, and what Prometheus recorded before and after it or without any criterion. */
function alertLanes(record: RunRecord, recorded: readonly FiringInterval[]): Lane[] {
  const criteria = new Map((record.verdict?.criteria ?? []).map((criterion) => [criterion.alert, criterion]));
  // A run that was never judged has criteria all the same.
  const asked = new Set(record.scenario.criteria.map(({ alert }) => alert));
  const alerts = [...new Set([...criteria.keys(), ...recorded.map((span) => span.alert)])];
  return alerts
    .map((alert) => {
      const criterion = criteria.get(alert);
      const outside = recorded.filter(
        (span) =>
          span.alert === alert &&
          (criterion === undefined || span.to < criterion.window.from || span.from > criterion.window.to),
      );
      const firing = [...(criterion?.firing ?? []), ...outside];
      return {
        name: `alert: ${alert}${asked.has(alert) ? '' : ' (no criterion)'}`,
        bars: [
          ...(criterion?.pending ?? []).map(({ from, to }) => ({ from, to, kind: 'pending', text: 'pending' })),
          ...firing.map(({ from, to }) => ({ from, to, kind: 'firing', text: 'firing' })),
        ],
      };
    })
    .filter((entry) => entry.bars.length > 0);
}

/** Percent of the window's width; SVG takes it without knowing its own size. */
function position(time: number, window: { from: number; to: number }): number {
  return Number(Math.min(100, Math.max(0, ((time - window.from) / (window.to - window.from)) * 100)).toFixed(3));
}

function ticks(window: { from: number; to: number }, origin: number): number[] {
  const seconds = (window.to - window.from) / 1000;
  const step =
    TICK_STEPS.find((candidate) => seconds / candidate <= TICKS_MAX) ?? Math.ceil(seconds / TICKS_MAX / 3600) * 3600;
  const first = Math.ceil((window.from - origin) / 1000 / step) * step;
  const found: number[] = [];
  for (let offset = first; origin + offset * 1000 <= window.to; offset += step) found.push(origin + offset * 1000);
  return found;
}

function lane(
  { name, bars }: Lane,
  window: { from: number; to: number },
  origin: number,
  marks: readonly number[],
): Markup {
  const drawn = bars
    .filter((bar) => bar.to >= window.from && bar.from <= window.to)
    .map((bar) => {
      const x = position(bar.from, window);
      const width = Math.max(0.4, position(bar.to, window) - x);
      const label = `${bar.text} ${formatOffset(bar.from - origin)} to ${formatOffset(bar.to - origin)}`;
      // About the width of its letters; on a narrow screen only the widest bars have room for a name.
      const text =
        width > Math.max(6, bar.text.length * 0.9) &&
        html`<text class="${width > bar.text.length * 2.2 ? 'roomy' : 'tight'}" x="${x + width / 2}%" y="15" text-anchor="middle">${bar.text}</text>`;
      return html`<rect class="${bar.kind}" x="${x}%" width="${width}%" y="2" height="18" rx="3"><title>${label}</title></rect>${text}`;
    });
  const spoken = bars
    .map((bar) => `${bar.text} ${formatOffset(bar.from - origin)} to ${formatOffset(bar.to - origin)}`)
    .join('; ');
  return html`<div class="lane"><span class="lane-name">${name}</span><svg role="img" aria-label="${name}: ${spoken === '' ? 'nothing' : spoken}" height="22">${marks.map(
    (mark) => html`<line class="tick" x1="${position(mark, window)}%" x2="${position(mark, window)}%" y1="0" y2="22"/>`,
  )}${drawn}</svg></div>`;
}

function axis(window: { from: number; to: number }, origin: number, marks: readonly number[]): Markup {
  return html`<div class="lane axis" aria-hidden="true"><span class="lane-name">since load start</span><svg height="18">${marks.map(
    (mark) => {
      const x = position(mark, window);
      const anchor = x < 3 ? 'start' : x > 97 ? 'end' : 'middle';
      return html`<text x="${x}%" y="13" text-anchor="${anchor}">${formatOffset(mark - origin)}</text>`;
    },
  )}</svg></div>`;
}

function faultRow(fault: FaultRecord, origin: number, end: number, zoomable: boolean): Markup {
  const at = (time: number | undefined) => (time === undefined ? '–' : formatOffset(time - origin));
  const { injectedAt } = fault;
  const zoom =
    zoomable &&
    injectedAt !== undefined &&
    html` <button type="button" class="zoom" data-from="${injectedAt - 5000}" data-to="${(fault.recoveredAt ?? fault.healedAt ?? end) + 5000}">zoom charts</button>`;
  const late = fault.lateMs !== undefined && ` (${formatSeconds(fault.lateMs / 1000)} late)`;
  return html`<tr><th scope="row" data-label="Fault">${injectionName(fault)}${zoom}</th><td data-label="What">${describeFaultRecord(fault)}</td><td data-label="Injected">${at(injectedAt)}${late}</td><td data-label="Healed">${at(fault.healedAt)}</td><td data-label="Service back after">${tookText(
    injectedAt,
    fault.serviceRecoveredAt,
  )}</td><td data-label="All nodes ready after the heal">${tookText(fault.healedAt, fault.recoveredAt)}</td><td data-label="Nodes ready before / after">${fault.healthBefore ?? '–'} / ${fault.healthAfter ?? '–'}${
    fault.error !== undefined && html`<p class="error">${fault.error}</p>`
  }</td></tr>`;
}

export function renderTimeline(input: ReportInput): Markup {
  const { record } = input;
  const window = shownWindowOf(record);
  const origin = originOf(record);
  const marks = ticks(window, origin);
  const faults =
    record.faults.length > 0 &&
    html`<table class="faults"><caption>Faults, and how long the system took to come back: clients since the injection, all nodes since the heal.</caption><thead><tr><th scope="col">Fault</th><th scope="col">What</th><th scope="col">Injected</th><th scope="col">Healed</th><th scope="col">Service back after</th><th scope="col">All nodes ready after the heal</th><th scope="col">Nodes ready before / after</th></tr></thead><tbody>${record.faults.map(
      (fault) => faultRow(fault, origin, window.to, input.panels !== null),
    )}</tbody></table>`;
  return html`<section id="timeline"><h2>Timeline</h2><div class="timeline">${lanes(input).map((entry) => lane(entry, window, origin, marks))}${axis(window, origin, marks)}</div>${faults}</section>`;
}
