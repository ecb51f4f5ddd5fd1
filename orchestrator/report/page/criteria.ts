/** The table that the verdict is made of: what was asked of each alert, what it did, and its runbook. */
import type { CriterionResult, Interval } from '../../verdict/types.ts';
import { formatSeconds } from '../format.ts';
import {
  expectationOf,
  labelsText,
  OUTCOMES,
  originOf,
  type ReportInput,
  sortedCriteria,
  spanText,
  summaryOf,
} from '../input.ts';
import { html, type Markup } from '../markup.ts';
import { renderRunbook } from '../runbooks.ts';

/** A flapping alert with a hundred labels sets must not bury the rest of the table. */
const INTERVALS_SHOWN = 6;

function intervals(title: string, all: readonly Interval[], origin: number): Markup | null {
  if (all.length === 0) return null;
  const shown = all.slice(0, INTERVALS_SHOWN);
  return html`<div class="intervals"><span class="label">${title}</span><ul>${shown.map((interval) => {
    const peak = interval.peak === null ? '' : `, peak ${Number(interval.peak.toPrecision(4))}`;
    return html`<li><b>${spanText(interval, origin)}</b> (${formatSeconds((interval.to - interval.from) / 1000)}${peak}) <span class="labels">${labelsText(interval)}</span></li>`;
  })}${all.length > shown.length && html`<li>and ${all.length - shown.length} more</li>`}</ul></div>`;
}

function details(criterion: CriterionResult, runbook: string | undefined): Markup {
  const open = criterion.result === 'fail';
  return html`<details class="rule"><summary>Rule</summary><pre><code>${criterion.expr}</code></pre><p>for ${formatSeconds(
    criterion.for / 1000,
  )}${criterion.labels.severity !== undefined && `, severity ${criterion.labels.severity}`}</p></details>${
    runbook !== undefined &&
    html`<details class="runbook"${open && html` open`}><summary>Runbook</summary><div class="prose">${renderRunbook(runbook)}</div></details>`
  }`;
}

function row(criterion: CriterionResult, origin: number, runbook: string | undefined): Markup {
  const { word, symbol } = OUTCOMES[criterion.result];
  return html`<tr data-outcome="${criterion.result}">
<td data-label="Result"><span class="badge"><span aria-hidden="true">${symbol}</span> ${word.toLowerCase()}</span></td>
<th scope="row" data-label="Alert">${criterion.alert}<p class="summary">${summaryOf(criterion)}</p></th>
<td data-label="Expected">${expectationOf(criterion)}</td>
<td data-label="What happened"><p>${criterion.reason}</p>${intervals('firing', criterion.firing, origin)}${intervals('pending', criterion.pending, origin)}${
    criterion.faultsActive.length > 0 &&
    html`<p><span class="label">faults in force</span> ${criterion.faultsActive.join(', ')}</p>`
  }${details(criterion, runbook)}</td>
</tr>`;
}

export function renderCriteria({ record, runbooks }: ReportInput): Markup {
  const criteria = sortedCriteria(record);
  if (criteria.length === 0) {
    const asked = record.scenario.criteria.map(
      (criterion) => html`<li>${criterion.alert}: ${expectationOf(criterion)}</li>`,
    );
    return html`<section id="criteria"><h2>Criteria</h2><p>Not judged. The scenario asks for:</p><ul>${asked}</ul></section>`;
  }
  const origin = originOf(record);
  return html`<section id="criteria"><h2>Criteria</h2>
<table class="criteria"><caption>Each criterion is a Prometheus alert and what is expected of it. Times count from the start of the load.</caption>
<thead><tr><th scope="col">Result</th><th scope="col">Alert</th><th scope="col">Expected</th><th scope="col">What happened</th></tr></thead>
<tbody>${criteria.map((criterion) => row(criterion, origin, runbooks.get(criterion.alert)))}</tbody></table></section>`;
}
