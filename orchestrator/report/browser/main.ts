/** Brings the page to life: charts where they are visible, one zoom for all, the theme's button. */
import type { PageData } from '../page/data.ts';
import { type Chart, createChart } from './chart.ts';
import { startTheme } from './theme.ts';

function start(): void {
  const charts = new Map<Element, Chart>();
  const button = document.getElementById('theme');
  if (button !== null) {
    startTheme(button, () => {
      for (const chart of charts.values()) chart.repaint();
    });
  }
  const block = document.getElementById('data');
  if (block === null) return;
  const data = JSON.parse(block.textContent ?? '') as PageData;
  const first = data.times[0] ?? 0;
  const last = data.times.at(-1) ?? 1;
  let shown = { from: first, to: last };
  const reset = document.getElementById('reset');

  const zoom = (from: number, to: number) => {
    shown = { from: Math.max(first, from), to: Math.min(last, to) };
    if (shown.to <= shown.from) return;
    for (const chart of charts.values()) chart.zoom(shown.from, shown.to);
    reset?.toggleAttribute('hidden', shown.from === first && shown.to === last);
  };
  reset?.addEventListener('click', () => zoom(first, last));
  for (const zoomButton of document.querySelectorAll<HTMLElement>('button.zoom')) {
    zoomButton.addEventListener('click', () => {
      zoom(Number(zoomButton.dataset.from) / 1000, Number(zoomButton.dataset.to) / 1000);
      document.querySelector('.key')?.scrollIntoView({ block: 'start' });
    });
  }

  // A closed row has no width: its charts are made when it is opened.
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      if (contentRect.width === 0) continue;
      const chart = charts.get(target);
      chart?.fit(Math.floor(contentRect.width));
      chart?.zoom(shown.from, shown.to);
    }
  });
  for (const host of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const id = host.dataset.chart ?? '';
    const panel = data.charts[id];
    if (panel === undefined) continue;
    charts.set(
      host,
      createChart(host, document.querySelector<HTMLElement>(`[data-legend="${id}"]`), panel, data, zoom),
    );
    observer.observe(host);
  }
}

start();
