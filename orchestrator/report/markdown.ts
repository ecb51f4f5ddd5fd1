/** `report.md`: the verdict for a comment on a pull request. */
import { observedText } from '../observed_text.ts';
import { describeFaultRecord, injectionName } from '../run/record.ts';
import { checkerRows } from './checkers.ts';
import { formatInstant, formatOffset, formatSeconds } from './format.ts';
import {
  count,
  endOf,
  expectationOf,
  furtherReasonsOf,
  OUTCOMES,
  originOf,
  outcomeOf,
  type ReportInput,
  sentenceOf,
  shownWindowOf,
  sortedCriteria,
  startedFromText,
  tookText,
} from './input.ts';
import { formatLoad } from './load-sentence.ts';
import { tileName, tileText } from './page/tiles.ts';
import { describeViolation } from './violation.ts';

/** One line that cannot start a table cell, an element, a link, an emphasis or a mention. */
function plain(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]|~#]/g, '\\$&')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('@', '&#64;');
}

function criteria({ record }: ReportInput): string[] {
  const rows = sortedCriteria(record).map((criterion) => {
    const { emoji } = OUTCOMES[criterion.result];
    return `| ${emoji} ${criterion.result} | ${plain(criterion.alert)} | ${plain(expectationOf(criterion))} | ${plain(criterion.reason)} |`;
  });
  return rows.length === 0 ? [] : ['', '| Result | Alert | Expected | What happened |', '|---|---|---|---|', ...rows];
}

function faults({ record }: ReportInput): string[] {
  const origin = originOf(record);
  const lines = record.faults.map((fault) => {
    const what = describeFaultRecord(fault);
    const name = plain(injectionName(fault));
    if (fault.injectedAt === undefined)
      return `- ${name}: ${plain(what)} was not injected${fault.error === undefined ? '' : `: ${plain(fault.error)}`}`;
    const { injectedAt, serviceRecoveredAt, healedAt, recoveredAt } = fault;
    const service =
      serviceRecoveredAt === undefined
        ? 'not seen to be back'
        : `back after ${tookText(injectedAt, serviceRecoveredAt)}`;
    const nodes =
      recoveredAt === undefined
        ? 'not all nodes seen to be ready again'
        : `all nodes ready ${tookText(healedAt, recoveredAt)} after the heal`;
    return `- ${name}: ${plain(what)} at ${formatOffset(fault.injectedAt - origin)}, service ${service}, ${nodes}`;
  });
  return lines.length === 0 ? [] : ['', '**Faults**', '', ...lines];
}

/** Violations that a comment has room for. */
const VIOLATIONS_MAX = 3;

function checkers({ record }: ReportInput): string[] {
  if (record.checkers === undefined) return [];
  const rows = checkerRows(record.checkers).map(
    ({ name, result, text }) => `- ${OUTCOMES[result].emoji} ${plain(name)}: ${plain(text)}`,
  );
  const violations = (record.checkers.linearizability?.violations ?? []).slice(0, VIOLATIONS_MAX);
  // Indented, so that no text from the run can end the block.
  const drawn = violations.flatMap((violation) => [
    '',
    ...describeViolation(violation)
      .split(/[\r\n]+/)
      .map((line) => `    ${line}`),
  ]);
  return [
    '',
    '**Correctness**',
    '',
    ...rows,
    ...(drawn.length === 0 ? [] : ['', 'No order explains these operations:', ...drawn]),
  ];
}

function numbers({ record, panels }: ReportInput): string[] {
  const tiles = (panels?.dashboards[0]?.rows[0]?.panels ?? []).filter((panel) => panel.kind === 'stat');
  return tiles.length === 0
    ? []
    : ['', tiles.map((tile) => `${plain(tileName(tile, record))} **${plain(tileText(tile, record))}**`).join(' · ')];
}

export function renderMarkdown(input: ReportInput): string {
  const { record } = input;
  const { scenario } = record;
  const { word, emoji } = OUTCOMES[outcomeOf(record)];
  const further = furtherReasonsOf(record).map((reason) => `- ${plain(reason)}`);
  const from = startedFromText(record);
  const load = `${count(scenario.nodes, 'node')}${from === false ? '' : ` ${plain(from)}`}, ${record.observed === undefined ? formatLoad(scenario.load) : 'an existing system'}`;
  return [
    `### ${emoji} ${word}: ${plain(scenario.title)}`,
    '',
    plain(sentenceOf(record)),
    ...(further.length === 0 ? [] : ['', ...further]),
    ...(record.observed
      ? ['', ...observedText(record.observed, shownWindowOf(record)).map((text) => `- ${plain(text)}`)]
      : []),
    ...numbers(input),
    ...criteria(input),
    ...checkers(input),
    ...faults(input),
    '',
    `<sub>${plain(scenario.id)} · ${plain(record.system)}, ${load} · ${formatInstant(record.startedAt)}, took ${formatSeconds((endOf(record) - record.startedAt) / 1000, 0)} · seed ${record.seed} · run \`${record.id}\` · \`npx gameday open ${record.id}\`</sub>`,
    '',
  ].join('\n');
}
