/** The table that the verdict is made of: what was asked of each alert, what it did, and its runbook. */

import { formatRuleValue, labelsText, objectiveText } from '../../rule_text.ts';
import type { Objective } from '../../scenario/types.ts';
import type { CriterionResult, Interval } from '../../verdict/types.ts';
import { formatSeconds } from '../format.ts';
import {
  count,
  descriptionOf,
  expectationOf,
  OUTCOMES,
  originOf,
  type ReportInput,
  sortedCriteria,
  spanText,
  summaryOf,
} from '../input.ts';
import { html, type Markup } from '../markup.ts';
import { renderRunbook } from '../runbooks.ts';
import { renderSentence } from './sentence.ts';

/** A flapping alert with a hundred labels sets must not bury the rest of the table. */
const INTERVALS_SHOWN = 6;

type Objectives = Readonly<Record<string, Objective>>;

function intervals(title: 'firing' | 'pending', criterion: CriterionResult, origin: number): Markup | null {
  const all: readonly Interval[] = criterion[title];
  if (all.length === 0) return null;
  const shown = all.slice(0, INTERVALS_SHOWN);
  return html`<div class="intervals"><span class="label">${title}</span><ul>${shown.map((interval) => {
    const peak = interval.peak === null ? '' : `, at worst ${formatRuleValue(interval.peak, criterion.annotations)}`;
    return html`<li><b>${spanText(interval, origin)}</b> (${formatSeconds((interval.to - interval.from) / 1000)}${peak}) <span class="labels">${labelsText(interval.labels)}</span></li>`;
  })}${all.length > shown.length && html`<li>and ${all.length - shown.length} more</li>`}</ul></div>`;
}

function details(criterion: CriterionResult, objectives: Objectives, runbook: string | undefined): Markup {
  const open = criterion.result === 'fail';
  const objective = objectiveText(criterion.expr, objectives);
  return html`<details class="rule"><summary>Rule</summary><pre><code>${criterion.expr}</code></pre><p>for ${formatSeconds(
    criterion.for / 1000,
  )}${criterion.labels.severity !== undefined && `, severity ${criterion.labels.severity}`}${objective !== null && `, objective ${objective}`}</p></details>${
    runbook !== undefined &&
    html`<details class="runbook"${open && html` open`}><summary>Runbook</summary><div class="prose">${renderRunbook(runbook)}</div></details>`
  }`;
}

function row(criterion: CriterionResult, { record, runbooks }: ReportInput): Markup {
  const { word, symbol } = OUTCOMES[criterion.result];
  const origin = originOf(record);
  const { objectives } = record.scenario;
  const description = descriptionOf(criterion);
  return html`<tr data-outcome="${criterion.result}">
<td data-label="Result"><span class="badge"><span aria-hidden="true">${symbol}</span> ${word.toLowerCase()}</span></td>
<th scope="row" data-label="Alert">${criterion.alert}<p class="summary">${summaryOf(criterion)}</p></th>
<td data-label="Expected">${expectationOf(criterion)}</td>
<td data-label="What happened"><p>${renderSentence(criterion.reason)}</p>${intervals('firing', criterion, origin)}${intervals('pending', criterion, origin)}${
    description !== null && html`<p><span class="label">the alert says</span> ${renderSentence(description)}</p>`
  }${
    criterion.faultsActive.length > 0 &&
    html`<p><span class="label">faults in force</span> ${criterion.faultsActive.join(', ')}</p>`
  }${details(criterion, objectives, runbooks.get(criterion.alert))}</td>
</tr>`;
}

function table(criteria: readonly CriterionResult[], input: ReportInput): Markup {
  return html`<table class="criteria"><thead><tr><th scope="col">Result</th><th scope="col">Alert</th><th scope="col">Expected</th><th scope="col">What happened</th></tr></thead>
<tbody>${criteria.map((criterion) => row(criterion, input))}</tbody></table>`;
}

/** What was met can be folded away, and is where something else was not: that is what the page was opened for. */
function tables(input: ReportInput): Markup {
  const criteria = sortedCriteria(input.record);
  const met = criteria.filter(({ result }) => result === 'pass');
  const others = criteria.filter(({ result }) => result !== 'pass');
  const all = others.length === 0;
  return html`${!all && table(others, input)}${
    met.length > 0 &&
    html`<details class="met"${all && html` open`}><summary class="met-count">${count(met.length, 'criterion', 'criteria')} met</summary>${table(met, input)}</details>`
  }`;
}

export function renderCriteria(input: ReportInput): Markup {
  const { verdict, scenario } = input.record;
  if ((verdict?.criteria ?? []).length === 0) {
    const asked = scenario.criteria.map((criterion) => html`<li>${criterion.alert}: ${expectationOf(criterion)}</li>`);
    return html`<section id="criteria"><h2>Criteria</h2><p>Not judged. The scenario asks for:</p><ul>${asked}</ul></section>`;
  }
  return html`<section id="criteria"><h2>Criteria</h2><p class="lead">Each criterion is a Prometheus alert and what is expected of it. Times count from the start of the load.</p>
${tables(input)}</section>`;
}
