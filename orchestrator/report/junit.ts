/** `junit.xml`: one test case for each criterion, in the shape of `junit-10.xsd` of Jenkins' xUnit plugin. */
import type { RunRecord } from '../run/record.ts';
import type { CriterionResult } from '../verdict/types.ts';
import { endOf, expectationOf, sentenceOf } from './input.ts';
import { type Content, html, type Markup, trusted } from './markup.ts';

interface Case {
  readonly name: string;
  readonly seconds: number;
  readonly outcome: 'pass' | 'fail' | 'inconclusive';
  readonly message: string;
  readonly text: string;
}

function caseOf(criterion: CriterionResult): Case {
  return {
    name: `${criterion.alert} ${expectationOf(criterion)}`,
    seconds: (criterion.window.to - criterion.window.from) / 1000,
    outcome: criterion.result,
    message: criterion.reason,
    text: `${criterion.reason}\n\nexpr: ${criterion.expr}\nfor: ${criterion.for / 1000}s\nfaults in force: ${criterion.faultsActive.join(', ') || 'none'}`,
  };
}

/** Without a verdict nothing was proved: one case in error for every criterion that was asked for. */
function casesOf(record: RunRecord): Case[] {
  if (record.verdict !== undefined) return record.verdict.criteria.map(caseOf);
  const message = sentenceOf(record);
  const asked = record.scenario.criteria.map(({ alert, expect }) => `${alert} ${expect}`);
  return (asked.length > 0 ? asked : ['verdict']).map((name) => ({
    name,
    seconds: 0,
    outcome: 'inconclusive',
    message,
    text: message,
  }));
}

function element(entry: Case, classname: string): Markup {
  const open = html`<testcase classname="${classname}" name="${entry.name}" time="${entry.seconds.toFixed(3)}">`;
  const inner: Content =
    entry.outcome === 'fail'
      ? html`<failure type="fail" message="${entry.message}">${entry.text}</failure>`
      : entry.outcome === 'inconclusive' &&
        html`<error type="inconclusive" message="${entry.message}">${entry.text}</error>`;
  return html`    ${open}${inner}</testcase>
`;
}

export function renderJunit(record: RunRecord): string {
  const cases = casesOf(record);
  const failures = cases.filter((entry) => entry.outcome === 'fail').length;
  const errors = cases.filter((entry) => entry.outcome === 'inconclusive').length;
  const seconds = ((endOf(record) - record.startedAt) / 1000).toFixed(3);
  const name = `gameday.${record.system}.${record.scenario.id}`;
  const totals = trusted(`tests="${cases.length}" failures="${failures}" errors="${errors}" time="${seconds}"`);
  const properties = Object.entries({
    run: record.id,
    seed: String(record.seed),
    gameday: record.gamedayVersion,
    ...record.tools,
  });
  return html`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="gameday" ${totals}>
  <testsuite name="${name}" ${totals} skipped="0" timestamp="${new Date(record.startedAt).toISOString().slice(0, 19)}" hostname="${record.runtime.platform}">
    <properties>
${properties.map(([key, value]) => html`      <property name="${key}" value="${value}"/>\n`)}    </properties>
${cases.map((entry) => element(entry, name))}  </testsuite>
</testsuites>
`.text;
}
