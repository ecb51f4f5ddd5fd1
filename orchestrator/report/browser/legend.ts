/** The table under a chart: each series with its last value and its maximum, or its value under the cursor. */
import { formatOffset, formatValue } from '../format.ts';
import type { ChartData } from '../page/data.ts';

export interface Legend {
  /** Shows the values at a point of the grid, or the last ones with null. */
  at(index: number | null, time: number | null): void;
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

function maxOf(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (max, value) => (value !== null && (max === null || value > max) ? value : max),
    null,
  );
}

function element(name: string, text: string, className = ''): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** `toggle` shows or hides a series by its index. */
export function createLegend(
  host: HTMLElement,
  chart: ChartData,
  origin: number,
  colors: readonly string[],
  toggle: (index: number, shown: boolean) => void,
): Legend {
  const text = (value: number | null) => formatValue(value, chart.unit, chart.decimals);
  const table = document.createElement('table');
  const head = document.createElement('tr');
  const now = element('th', 'last', 'number');
  head.append(element('th', 'series'), now, element('th', 'max', 'number'));
  for (const cell of head.children) cell.setAttribute('scope', 'col');
  table.createTHead().append(head);
  const body = table.createTBody();
  const cells = chart.series.map((series, index) => {
    const button = element('button', '', 'series');
    const swatch = element('i', '');
    swatch.style.backgroundColor = `var(--${colors[index] ?? 'muted'})`;
    button.append(swatch, series.name === '' ? 'value' : series.name);
    button.setAttribute('type', 'button');
    button.setAttribute('aria-pressed', 'true');
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(shown));
      toggle(index, shown);
    });
    const name = element('th', '');
    name.setAttribute('scope', 'row');
    name.append(button);
    const cell = element('td', text(lastOf(series.values)), 'number');
    const row = document.createElement('tr');
    row.append(name, cell, element('td', text(maxOf(series.values)), 'number'));
    body.append(row);
    return cell;
  });
  host.replaceChildren(table);
  return {
    at(index, time) {
      now.textContent = time === null ? 'last' : formatOffset((time - origin) * 1000);
      for (const [row, cell] of cells.entries()) {
        const values = chart.series[row]?.values ?? [];
        cell.textContent = text(index === null ? lastOf(values) : (values[index] ?? null));
      }
    },
  };
}
