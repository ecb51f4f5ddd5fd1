/** A violation of linearizability drawn: a lane for each process, a bar for each operation, the impossible one in red. */
import type { Operation, Violation } from '../../checkers/types.ts';
import { processName } from '../../run/record.ts';
import { formatSeconds } from '../format.ts';
import { html, type Markup } from '../markup.ts';
import { beforeText, momentsOf, operationLabel } from '../violation.ts';

/** In the units of the drawing, which is scaled to the page. */
const WIDTH = 960;
const NAME_WIDTH = 110;
const LANE_HEIGHT = 48;
const AXIS_HEIGHT = 24;
/** Operations that took no time are still seen. */
const BAR_WIDTH_MIN = 4;
const CHARACTER_WIDTH = 6.8;
const TICK_LABEL_WIDTH = 64;

/** An SVG element as text. Its colours are the classes of `style.css`, so that it is light and dark like the page. */
export function drawViolation(violation: Violation): string {
  return drawing(violation).text;
}

/** The drawing with its sentence. */
export function renderViolation(violation: Violation): Markup {
  const { key, reason } = violation;
  return html`<figure class="violation"><figcaption><b>Entry ${key}</b>: ${reason}. ${beforeText(violation)} Only the order counts: every moment has the same room.</figcaption><div class="scroll">${drawing(violation)}</div></figure>`;
}

function drawing({ window, impossible, reason }: Violation): Markup {
  const scale = new Scale(window);
  const processes = [...new Set(window.map(({ process }) => process))];
  const height = processes.length * LANE_HEIGHT + AXIS_HEIGHT;
  const lanes = processes.map((process, lane) => {
    const own = window.filter((operation) => operation.process === process);
    const bars = own.map((operation, position) => {
      const next = own[position + 1];
      const room = (next === undefined ? WIDTH : scale.x(next.start)) - scale.x(operation.start);
      return bar(operation, { scale, y: lane * LANE_HEIGHT, room }, operation === window[impossible]);
    });
    return html`<text class="process" x="0" y="${lane * LANE_HEIGHT + 35}">${processName(process).replace('the ', '')}</text>${bars}`;
  });
  const spoken = window
    .map((operation) => `${processName(operation.process)}: ${operationLabel(operation)}`)
    .join('; ');
  return html`<svg role="img" aria-label="${reason}. ${spoken}" viewBox="0 0 ${WIDTH} ${height}">${scale.ticks(height)}${lanes}</svg>`;
}

/** Where a moment is drawn. */
class Scale {
  readonly #moments: readonly number[];
  readonly #step: number;

  constructor(window: readonly Operation[]) {
    this.#moments = momentsOf(window);
    this.#step = (WIDTH - NAME_WIDTH - 40) / Math.max(1, this.#moments.length - 1);
  }

  /** @param time null: never, so the right edge */
  x(time: number | null): number {
    return time === null ? WIDTH : Math.round(NAME_WIDTH + this.#moments.indexOf(time) * this.#step);
  }

  ticks(height: number): Markup[] {
    const every = Math.ceil(TICK_LABEL_WIDTH / this.#step);
    const first = this.#moments[0] ?? 0;
    return this.#moments.map((moment, index) => {
      const x = this.x(moment);
      const label =
        index % every === 0 &&
        html`<text class="moment" x="${x}" y="${height - 5}" text-anchor="middle">+${formatSeconds((moment - first) / 1000)}</text>`;
      return html`<line class="tick" x1="${x}" x2="${x}" y1="0" y2="${height - AXIS_HEIGHT + 4}"/>${label}`;
    });
  }
}

interface Place {
  readonly scale: Scale;
  readonly y: number;
  /** Until the next operation of the same process. */
  readonly room: number;
}

function bar(operation: Operation, { scale, y, room }: Place, isImpossible: boolean): Markup {
  const from = scale.x(operation.start);
  const width = Math.max(BAR_WIDTH_MIN, scale.x(operation.end) - from);
  const isObservation = operation.operation === 'read' || operation.outcome === 'absent';
  const kind = isImpossible ? 'impossible' : isObservation ? 'observation' : 'write';
  const said = operationLabel(operation);
  const text = isImpossible ? `✘ ${said}` : said;
  // At the right edge there is room on the left only.
  const endsRight = from + text.length * CHARACTER_WIDTH > WIDTH;
  const characters = Math.max(3, Math.floor(room / CHARACTER_WIDTH));
  const shown = endsRight || text.length <= characters ? text : `${text.slice(0, characters - 1)}…`;
  const [x, anchor] = endsRight ? [from + width, 'end'] : [from, 'start'];
  return html`<rect class="${kind}${operation.end === null && ' open'}" x="${from}" y="${y + 22}" width="${width}" height="18" rx="3"><title>${said}, by ${processName(operation.process)} at node ${operation.node}</title></rect><text class="said${isImpossible && ' impossible'}" x="${x}" y="${y + 16}" text-anchor="${anchor}">${shown}</text>`;
}
