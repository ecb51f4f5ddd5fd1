/** The top of the page: what came out, in one glance and one sentence. */
import { observedText } from '../../observed_text.ts';
import type { RunRecord } from '../../run/record.ts';
import type { Objective } from '../../scenario/types.ts';
import { formatInstant, formatSeconds, formatValue } from '../format.ts';
import {
  count,
  endOf,
  furtherReasonsOf,
  OUTCOMES,
  outcomeOf,
  type ReportInput,
  sentenceOf,
  shownWindowOf,
  startedFromText,
  unaskedAlertsOf,
} from '../input.ts';
import { formatLoad } from '../load-sentence.ts';
import { html, type Markup } from '../markup.ts';
import type { PanelData } from '../panels.ts';
import { renderSentence } from './sentence.ts';
import { isLatencyUnderFault, type TileValue, tileName, tileText, tileValue } from './tiles.ts';

const UNITS = { seconds: 's', ratio: 'percentunit', per_second: 'ops' } as const;

function objectives(record: RunRecord): string {
  return Object.entries(record.scenario.objectives)
    .map(([name, objective]) => `${name.replaceAll('_', ' ')} ${formatValue(objective.value, UNITS[objective.unit])}`)
    .join(' · ');
}

/** A tile's objective is the one of its name: "Write p99" has `write_p99`. */
function objectiveOf(tile: PanelData, record: RunRecord): Objective | undefined {
  return record.scenario.objectives[tile.title.toLowerCase().replaceAll(' ', '_')];
}

export function renderHeader(input: ReportInput, tiles: readonly PanelData[]): Markup {
  const { record } = input;
  const outcome = outcomeOf(record);
  const { word, symbol } = OUTCOMES[outcome];
  const unasked = unaskedAlertsOf(input);
  const further = [
    ...furtherReasonsOf(record),
    ...(unasked.length > 0 ? [`Fired without being a criterion: ${unasked.join(', ')}.`] : []),
  ];
  const { scenario } = record;
  return html`<header class="top" data-outcome="${outcome}">
<p class="verdict"><span class="symbol" aria-hidden="true">${symbol}</span> <span class="word">${word}</span></p>
<div class="about">
<h1>${scenario.title}</h1>
<p class="sentence">${renderSentence(sentenceOf(record))}</p>
${further.length > 0 && html`<ul class="further">${further.map((reason) => html`<li>${renderSentence(reason)}</li>`)}</ul>`}
${record.error?.message.trim().includes('\n') && html`<details class="whole"><summary>The whole error</summary><pre>${record.error.message}</pre></details>\n`}<p class="facts"><span>${scenario.id}</span><span>${record.system}, ${count(scenario.nodes, 'node')}</span><span>${record.observed === undefined ? formatLoad(scenario.load) : 'an existing system'}</span>${startedFromText(record) && html`<span>${startedFromText(record)}</span>`}${scenario.overlay === 'ci' && html`<span>shrunk for CI</span>`}${scenario.timeScale !== 1 && html`<span>time × ${scenario.timeScale}</span>`}<span><time datetime="${new Date(record.startedAt).toISOString()}">${formatInstant(
    record.startedAt,
  )}</time></span><span>took ${formatSeconds((endOf(record) - record.startedAt) / 1000, 0)}</span><span>seed ${record.seed}</span></p>
${record.observed && html`<p class="facts">${observedText(record.observed, shownWindowOf(record)).map((text) => html`<span>${text}</span>`)}</p>`}
${objectives(record) !== '' && html`<p class="facts">Objectives: ${objectives(record)}</p>`}
</div>
</header>
${tiles.length > 0 && html`<ul class="tiles">${tiles.map((tile) => renderVerdictTile(tile, record))}</ul>`}`;
}

/** Durations must stay below their objective, shares and rates above it. */
function isWorse(value: number | null, objective: Objective): boolean {
  if (value === null) return false;
  return objective.unit === 'seconds' ? value > objective.value : value < objective.value;
}

/** One of the numbers at the top. Without a verdict nothing of it is good yet: the run had not shown all that it was to show. */
function renderVerdictTile(panel: PanelData, record: RunRecord): Markup {
  const { value, state } = tileValue(panel);
  const objective = isLatencyUnderFault(panel, record) ? undefined : objectiveOf(panel, record);
  const [text, name] = [tileText(panel, record), tileName(panel, record)];
  if (objective !== undefined && isWorse(value, objective))
    return tile({ panel, text, name }, 'bad', `worse than ${formatValue(objective.value, UNITS[objective.unit])}`);
  return tile({ panel, text, name }, state === 'good' && outcomeOf(record) === 'none' ? 'plain' : state);
}

/** A stat panel of any other row. */
export function renderTile(panel: PanelData): Markup {
  const { text, state } = tileValue(panel);
  return tile({ panel, text, name: panel.title }, state);
}

/** The value, what it is, and its colour only together with words that say the same. */
function tile(
  { panel, text, name }: { readonly panel: PanelData; readonly text: string; readonly name: string },
  state: TileValue['state'],
  flag = 'outside its limit',
): Markup {
  return html`<li class="tile" data-state="${state}" title="${panel.description}"><span class="value">${text}</span><span class="name">${name}</span>${
    state === 'bad' && html`<span class="flag">${flag}</span>`
  }</li>`;
}
