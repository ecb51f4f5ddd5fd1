/** `report.html`: one file that needs nothing else, neither network nor server. */
import { createHash } from 'node:crypto';
import { formatInstant } from './format.ts';
import { OUTCOMES, outcomeOf, type ReportInput } from './input.ts';
import { html, type Markup, trusted } from './markup.ts';
import type { PageAssets } from './page/assets.ts';
import { renderDashboards, renderData } from './page/charts.ts';
import { renderCheckers } from './page/checkers.ts';
import { renderCriteria } from './page/criteria.ts';
import { renderEnvironment } from './page/environment.ts';
import { renderHeader } from './page/header.ts';
import { renderLoad } from './page/load.ts';
import { renderTimeline } from './page/timeline.ts';

function source(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Only the two texts of this file may run or style anything; nothing may be fetched or sent. */
function contentSecurityPolicy(assets: PageAssets): string {
  return `default-src 'none'; script-src ${source(assets.script)}; style-src ${source(assets.style)}; base-uri 'none'; form-action 'none'`;
}

function navigation({ panels, record }: ReportInput): Markup {
  const dashboards = panels?.dashboards.map(({ uid, title }) => [uid, title.replace(/^.*\/\s*/, '')] as const) ?? [];
  const sections = [
    ['criteria', 'Criteria'],
    ...(record.checkers === undefined ? [] : ([['checkers', 'Correctness']] as const)),
    ['timeline', 'Timeline'],
    ...dashboards,
    ['load', 'Load'],
    ['environment', 'Environment'],
  ] as const;
  return html`<nav aria-label="Sections"><ul>${sections.map(([id, title]) => html`<li><a href="#${id}">${title}</a></li>`)}</ul><div class="tools"><button type="button" id="reset" hidden>Reset zoom</button><button type="button" id="theme" aria-pressed="false" aria-label="Dark theme">◐ Theme</button></div></nav>`;
}

export function renderHtml(input: ReportInput, assets: PageAssets): string {
  const { record, panels } = input;
  // The first row of the first dashboard is the verdict's: its numbers stand at the top of the page and not twice.
  const tiles = (panels?.dashboards[0]?.rows[0]?.panels ?? []).filter((panel) => panel.kind === 'stat');
  const { word, symbol } = OUTCOMES[outcomeOf(record)];
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(assets)}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="dark light"><meta name="referrer" content="no-referrer">
<title>${symbol} ${word} · ${record.scenario.id} · ${formatInstant(record.startedAt)}</title>
<style>${trusted(assets.style)}</style></head>
<body><a class="skip" href="#criteria">Skip to the criteria</a>
${renderHeader(input, tiles)}
${navigation(input)}
<main>
<noscript><p class="notice">The charts need JavaScript; verdict, criteria, timeline and tables do not.</p></noscript>
${renderCriteria(input)}
${renderCheckers(input)}
${renderTimeline(input)}
${panels === null ? html`<section><h2>Charts</h2><p class="notice">No charts: Prometheus' data of this run could not be read.</p></section>` : renderDashboards(panels, new Set(tiles))}
${renderLoad(input)}
${renderEnvironment(input)}
</main>
<footer><p>Gameday ${record.gamedayVersion} · ${record.id}</p></footer>
${renderData(input)}
<script>${trusted(assets.script)}</script>
</body></html>
`.text;
}
