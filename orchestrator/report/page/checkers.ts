/** What the checkers found, and a drawing of every violation. */
import type { RunRecord } from '../../run/record.ts';
import { checkerRows } from '../checkers.ts';
import { count, OUTCOMES, type ReportInput } from '../input.ts';
import { html, type Markup } from '../markup.ts';
import { renderViolation } from './violation.ts';

/** Drawings that are open; each takes a quarter of a screen, and they mostly tell the same. */
const DRAWN_OPEN = 3;

/** Nothing when the run had no checkers. */
export function renderCheckers({ record }: ReportInput): Markup | false {
  const { checkers } = record;
  if (checkers === undefined) return false;
  const rows = checkerRows(checkers).map(({ name, result, text }) => {
    const { word, symbol } = OUTCOMES[result];
    return html`<tr data-outcome="${result}"><td><span class="badge">${symbol} ${word.toLowerCase()}</span></td><th scope="row">${name}</th><td>${text}</td></tr>`;
  });
  return html`<section id="checkers"><h2>Correctness</h2><p class="lead">What the clients saw, judged from their history after the load. The verdict comes from the rules on these results.</p><div class="scroll"><table><thead><tr><th scope="col">Result</th><th scope="col">Checker</th><th scope="col">What it found</th></tr></thead><tbody>${rows}</tbody></table></div>${violations(checkers)}${lost(checkers)}</section>`;
}

type Checkers = NonNullable<RunRecord['checkers']>;

function violations({ linearizability }: Checkers): Markup | false {
  if (linearizability === null || linearizability.violations.length === 0) return false;
  const { violations: described, violatingKeys } = linearizability;
  const folded = described.slice(DRAWN_OPEN);
  const more = violatingKeys - described.length;
  return html`<h3>Operations that no order explains</h3>${described.slice(0, DRAWN_OPEN).map(renderViolation)}${
    folded.length > 0 &&
    html`<details class="met"><summary class="met-count">${count(folded.length, 'more drawing')}</summary>${folded.map(renderViolation)}</details>`
  }${more > 0 && html`<p>… and ${count(more, 'more entry', 'more entries')}.</p>`}`;
}

function lost({ durability }: Checkers): Markup | false {
  if (durability === null || durability.lost.length === 0) return false;
  const more = durability.lostWrites - durability.lost.length;
  return html`<h3>Acknowledged writes that are lost</h3><ul class="further">${durability.lost.map(({ reason }) => html`<li>${reason}</li>`)}</ul>${more > 0 && html`<p>… and ${more} more.</p>`}`;
}
