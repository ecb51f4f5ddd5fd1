(() => {
'use strict';
/** Numbers, times and durations as a person reads them. The page's script uses the same functions. */

const SI = ['', ' K', ' M', ' G', ' T', ' P'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Three significant digits at least, never an exponent, no digits that mean nothing. */
function plain(value        , decimals         )         {
  if (decimals !== undefined) return value.toFixed(decimals);
  const magnitude = Math.abs(value);
  if (magnitude === 0) return '0';
  if (magnitude >= 100) return value.toFixed(0);
  const digits = magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(magnitude)));
  return String(Number(value.toFixed(digits)));
}

function scaled(value        , base        , names                   , decimals         )         {
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= base && step < names.length - 1) {
    rest /= base;
    step += 1;
  }
  return `${plain(rest, step === 0 && base === 1024 ? 0 : decimals)}${names[step]}`;
}

/** Seconds with the unit that suits them: `850 µs`, `12.3 ms`, `1.25 s`, `4 min 10 s`. */
function formatSeconds(seconds        , decimals         )         {
  const magnitude = Math.abs(seconds);
  if (magnitude === 0) return '0 s';
  if (magnitude < 0.001) return `${plain(seconds * 1e6, decimals)} µs`;
  if (magnitude < 1) return `${plain(seconds * 1e3, decimals)} ms`;
  if (magnitude < 120) return `${plain(seconds, decimals)} s`;
  const whole = Math.round(magnitude);
  const sign = seconds < 0 ? '-' : '';
  if (whole < 7200) return `${sign}${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  const minutes = Math.round(whole / 60);
  return `${sign}${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

/** Grafana's unit ids that the dashboards use. */
const UNITS                                      = {
  s: formatSeconds,
  bytes: (value, decimals) =>
    scaled(
      value,
      1024,
      IEC.map((unit) => ` ${unit}`),
      decimals,
    ),
  Bps: (value, decimals) =>
    scaled(
      value,
      1024,
      IEC.map((unit) => ` ${unit}/s`),
      decimals,
    ),
  // Decimals say how far it is from a round number; from all or nothing it is nothing away.
  percentunit: (value, decimals) => `${plain(value * 100, value === 1 || value === 0 ? 0 : decimals)} %`,
  ops: (value, decimals) => `${scaled(value, 1000, SI, decimals)}/s`,
  short: (value, decimals) => scaled(value, 1000, SI, decimals),
  none: (value, decimals) => plain(value, decimals),
};

/** The units that {@link formatValue} knows. */
const KNOWN_UNITS                    = Object.keys(UNITS);

/** A value with its unit; `–` where there is none. An unknown unit is printed after the number. */
function formatValue(value                           , unit        , decimals         )         {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const format = UNITS[unit];
  return format === undefined ? `${plain(value, decimals)} ${unit}` : format(value, decimals);
}

/** Time since the start of the run, as in `+0:25` or `+1:02:03`; `ms` is a difference in milliseconds. */
function formatOffset(ms        )         {
  const total = Math.round(Math.abs(ms) / 1000);
  const two = (value        ) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const clock = hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
  return `${ms < 0 && total > 0 ? '-' : '+'}${clock}`;
}

/** An instant in UTC to the second, e.g. `2026-03-04 03:00:25 UTC`; `ms` since the epoch. */
function formatInstant(ms        )         {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Dark or light: the system's choice until the reader makes one. */

const STORED = 'gameday-theme';

/** A page opened from a file may have no storage at all. */
function storedTheme()               {
  try {
    const theme = localStorage.getItem(STORED);
    return theme === 'dark' || theme === 'light' ? theme : null;
  } catch {
    return null;
  }
}

function storeTheme(theme       )       {
  try {
    localStorage.setItem(STORED, theme);
  } catch {
    // It holds until the page is closed.
  }
}

function currentTheme()        {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'dark' || chosen === 'light') return chosen;
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
}

/** Colours of the style sheet as a canvas takes them, kept until the theme changes. */
const resolved = new Map                ();

/** A colour by its name in the style sheet, so that canvas and page never differ; always `rgb(…)` or `rgba(…)`. */
function color(name        )         {
  const known = resolved.get(name);
  if (known !== undefined) return known;
  const probe = document.createElement('i');
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  resolved.set(name, value);
  return value;
}

/** `changed` is called whenever the colours of the page have become others. */
function startTheme(button             , changed            )       {
  const root = document.documentElement;
  const show = () => {
    resolved.clear();
    button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
    changed();
  };
  const stored = storedTheme();
  if (stored !== null) root.dataset.theme = stored;
  button.addEventListener('click', () => {
    const theme = currentTheme() === 'dark' ? 'light' : 'dark';
    root.dataset.theme = theme;
    storeTheme(theme);
    show();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', show);
  // Paper is white; canvases do not follow a print style sheet by themselves.
  let before                    ;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    show();
  });
  addEventListener('afterprint', () => {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    show();
  });
  button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
}

/** Fault windows, phase borders and firing alerts, drawn into every chart. */

/** Height of the strip at the top of a chart that is red while an alert fires, in CSS pixels. */
const STRIP = 4;

function between(chart       , from        , to        )                                      {
  const { left, width } = chart.bbox;
  const a = Math.max(left, chart.valToPos(from, 'x', true));
  const b = Math.min(left + width, chart.valToPos(to, 'x', true));
  return b < left || a > left + width || b < a ? null : { x: a, width: Math.max(2, b - a) };
}

function drawFaults(chart       , data          )       {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = color('fault-shade');
  for (const fault of data.faults) {
    const span = between(chart, fault.from, fault.to);
    if (span !== null) ctx.fillRect(span.x, bbox.top, span.width, bbox.height);
  }
  ctx.restore();
}

function drawPhasesAndAlerts(chart       , data          )       {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = color('phase-line');
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const phase of data.phases) {
    const at = between(chart, phase.from, phase.from);
    if (at === null || at.x <= bbox.left) continue;
    ctx.beginPath();
    ctx.moveTo(at.x, bbox.top);
    ctx.lineTo(at.x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.fillStyle = color('bad');
  for (const alert of data.firing) {
    const span = between(chart, alert.from, alert.to);
    if (span !== null) ctx.fillRect(span.x, bbox.top, span.width, STRIP * ratio);
  }
  ctx.restore();
}

/** The table under a chart: each series with its last value and its maximum, or its value under the cursor. */

function lastOf(values                            )                {
  return values.findLast((value) => value !== null) ?? null;
}

function maxOf(values                            )                {
  return values.reduce               (
    (max, value) => (value !== null && (max === null || value > max) ? value : max),
    null,
  );
}

function element(name        , text        , className = '')              {
  const made = document.createElement(name);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

/** `toggle` shows or hides a series by its index. */
function createLegend(
  host             ,
  chart           ,
  origin        ,
  colors                   ,
  toggle                                         ,
)         {
  const text = (value               ) => formatValue(value, chart.unit, chart.decimals);
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

/** Cells of a histogram over time: a row for each bucket, the darker the more. */

/** The largest value of all cells. */
function mostOf(panel           )         {
  return panel.series.reduce(
    (max, row) => row.values.reduce        ((top, value) => Math.max(top, value ?? 0), max),
    0,
  );
}

/** A cell with less than this share of the fullest one is left empty: rates of buckets are never quite zero. */
const FAINTEST = 0.0005;

function drawCells(chart       , panel           , data          )       {
  const { ctx, bbox } = chart;
  const step = (data.times[1] ?? 1) - (data.times[0] ?? 0);
  const most = mostOf(panel);
  if (most === 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = color('heat');
  for (const [row, bucket] of panel.series.entries()) {
    const top = chart.valToPos(row + 1, 'y', true);
    const height = chart.valToPos(row, 'y', true) - top;
    for (const [index, value] of bucket.values.entries()) {
      if (value === null || value <= most * FAINTEST) continue;
      const time = data.times[index] ?? 0;
      const left = chart.valToPos(time - step, 'x', true);
      // The root brings out the few slow ones, for which the chart is looked at.
      ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(value / most);
      ctx.fillRect(left, top + 1, Math.max(1, chart.valToPos(time, 'x', true) - left), Math.max(1, height - 1));
    }
  }
  ctx.restore();
}

/** A bucket as a person reads it: `≤ 5 ms`. */
function bucketLabel(panel           , row        )         {
  const bound = panel.series[row]?.name;
  if (bound === undefined) return '';
  const below = panel.series[row - 1]?.name;
  if (bound === '+Inf') return below === undefined ? 'any' : `> ${formatValue(Number(below), panel.unit)}`;
  return `≤ ${formatValue(Number(bound), panel.unit)}`;
}

/** One panel as a uPlot chart, with its legend and the marks of the run. */

/** uPlot's script stands before this one in the page. */

const HEIGHT = 190;
const PALETTE = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6', 'series-7', 'series-8'];
/** A line named so is a limit and no measurement: dashed, and in no colour of its own. */
const OBJECTIVE = /^objective/;
const SYNC = 'gameday';
const POWERS_OF_TWO = Array.from({ length: 52 }, (_, power) => 2 ** power);
const WHOLE_NUMBERS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

function colorsOf(panel           )           {
  let next = 0;
  return panel.series.map(({ name }) =>
    OBJECTIVE.test(name) ? 'muted' : (PALETTE[next++ % PALETTE.length] ?? 'muted'),
  );
}

/** Stacked series hold their own value plus those below them; a gap counts as nothing. */
function stackedValues(panel           , hidden                     )                      {
  const sums           = [];
  return panel.series.map(({ values }, row) =>
    values.map((value, index) => {
      if (hidden.has(row)) return null;
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return value === null ? null : (sums[index] ?? null);
    }),
  );
}

function valuesOf(panel           , data          , hidden                     )                        {
  if (panel.kind === 'heatmap') return [[...data.times], data.times.map(() => null)];
  const rows = panel.stacked ? stackedValues(panel, hidden) : panel.series.map(({ values }) => [...values]);
  return [[...data.times], ...rows];
}

/** Between a stacked series and the one below it; without, each fill would reach down to zero and cover the others. */
function bandsOf(panel           )                   {
  return panel.series.slice(1).map((_, index) => ({ series: [index + 2, index + 1] }));
}

/** The panel's own limits where it has any; else the data's, with a little room, and never a range of nothing. */
function yRange(panel           )                        {
  if (panel.kind === 'heatmap') return [0, panel.series.length];
  return (_, low, high) => {
    const bottom = panel.min ?? low ?? 0;
    const top = panel.max ?? high ?? 1;
    if (panel.max === 1 && panel.min === undefined) return [Math.min(bottom, 0.98) - 0.002, 1.002];
    const room = (top - bottom || Math.abs(top) || 1) * 0.08;
    return [panel.min === undefined ? bottom - room : bottom, top + room];
  };
}

function seriesOf(panel           , colors                   )                     {
  if (panel.kind === 'heatmap') return [{}, { show: true, points: { show: false } }];
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const lines = panel.series.map(({ name }, index)                   => {
    const dashed = OBJECTIVE.test(name);
    return {
      label: name,
      stroke: () => color(colors[index] ?? 'muted'),
      width: dashed ? 1 : 1.5,
      ...(dashed ? { dash: [6, 4] } : {}),
      ...(panel.stacked
        ? {
            fill: () =>
              color(colors[index] ?? 'muted')
                .replace('rgb(', 'rgba(')
                .replace(')', ', 0.3)'),
          }
        : {}),
      ...(panel.steps && stepped !== undefined ? { paths: stepped } : {}),
      // A sample between two gaps has no line that would show it.
      points: {
        show: (_, series, first, last) => isLonely(panel.series[series - 1]?.values ?? [], first, last),
        size: 4,
      },
      spanGaps: false,
    };
  });
  return [{}, ...lines];
}

function isLonely(values                            , first        , last        )          {
  for (let index = first; index <= last; index += 1) {
    if (values[index] != null && values[index - 1] == null && values[index + 1] == null) return true;
  }
  return false;
}

/** Half a node cannot be up, and mebibytes are round in powers of two. */
function incrementsOf(panel           )                       {
  if (panel.steps) return { incrs: WHOLE_NUMBERS };
  return panel.unit === 'bytes' || panel.unit === 'Bps' ? { incrs: POWERS_OF_TWO } : {};
}

function axesOf(panel           , data          )                   {
  const line = { stroke: () => color('muted'), font: '11px system-ui, sans-serif' };
  const grid = { stroke: () => color('grid'), width: 1 };
  const ticks = { show: false };
  const x = (_           , splits          ) => splits.map((time) => formatOffset((time - data.origin) * 1000));
  const increments = incrementsOf(panel);
  const y =
    panel.kind === 'heatmap'
      ? {
          values: (_           , splits          ) => splits.map((middle) => bucketLabel(panel, Math.floor(middle))),
          splits: () => bucketSplits(panel),
        }
      : {
          values: (_           , splits          ) => splits.map((value) => formatValue(value, panel.unit)),
          ...increments,
        };
  return [
    // Round distances from the start of the load, not from the hour.
    { ...line, grid, ticks, values: x, splits: (_, __, from, to) => timeSplits(from, to, data.origin), size: 24 },
    { ...line, grid, ticks, ...y, size: 66, gap: 4 },
  ];
}

function timeSplits(from        , to        , origin        )           {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600];
  const step = steps.find((candidate) => (to - from) / candidate <= 7) ?? 43_200;
  const splits           = [];
  for (let time = origin + Math.ceil((from - origin) / step) * step; time <= to; time += step) splits.push(time);
  return splits;
}

/** At most eight labels, each in the middle of its row. */
function bucketSplits(panel           )           {
  const every = Math.ceil(panel.series.length / 8);
  return panel.series.map((_, row) => row + 0.5).filter((_, row) => row % every === 0);
}

function createChart(
  host             ,
  legendHost                    ,
  panel           ,
  data          ,
  zoomed                                    ,
)        {
  const colors = colorsOf(panel);
  const hidden = new Set        ();
  let plot                   = null;
  let legend                = null;

  const seeEverything = () => {
    zoomed(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    return null;
  };

  const make = (width        )            =>
    new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 10, 0, 0],
        cursor: {
          sync: { key: SYNC, scales: ['x', null] },
          drag: { x: true, y: false, setScale: false },
          points: { show: panel.kind !== 'heatmap', size: 5 },
          y: false,
          bind: { dblclick: () => seeEverything },
        },
        scales: { x: { time: false }, y: { range: yRange(panel) } },
        series: seriesOf(panel, colors),
        axes: axesOf(panel, data),
        ...(panel.stacked ? { bands: bandsOf(panel) } : {}),
        hooks: {
          drawClear: [(chart) => drawFaults(chart, data)],
          drawSeries: panel.kind === 'heatmap' ? [(chart) => drawCells(chart, panel, data)] : [],
          draw: [(chart) => drawPhasesAndAlerts(chart, data)],
          setCursor: [
            (chart) =>
              legend?.at(
                chart.cursor.idx ?? null,
                chart.cursor.idx == null ? null : (data.times[chart.cursor.idx] ?? null),
              ),
          ],
          setSelect: [
            (chart) => {
              if (chart.select.width > 4)
                zoomed(
                  chart.posToVal(chart.select.left, 'x'),
                  chart.posToVal(chart.select.left + chart.select.width, 'x'),
                );
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      valuesOf(panel, data, hidden),
      host,
    );

  const toggle = (index        , shown         ) => {
    if (shown) hidden.delete(index);
    else hidden.add(index);
    plot?.setSeries(index + 1, { show: shown });
    if (panel.stacked) plot?.setData(valuesOf(panel, data, hidden), false);
    plot?.redraw();
  };

  return {
    fit(width) {
      if (plot !== null) return plot.setSize({ width, height: HEIGHT });
      plot = make(width);
      if (legendHost === null) return;
      if (panel.kind === 'heatmap') legendHost.textContent = `Darkest cell: ${formatValue(mostOf(panel), 'ops')}`;
      else legend = createLegend(legendHost, panel, data.origin, colors, toggle);
    },
    repaint() {
      plot?.redraw(false, true);
    },
    zoom(from, to) {
      plot?.setScale('x', { min: from, max: to });
    },
  };
}

/** Brings the page to life: charts where they are visible, one zoom for all, the theme's button. */

function start()       {
  const charts = new Map                ();
  const button = document.getElementById('theme');
  if (button !== null) {
    startTheme(button, () => {
      for (const chart of charts.values()) chart.repaint();
    });
  }
  const block = document.getElementById('data');
  if (block === null) return;
  const data = JSON.parse(block.textContent ?? '')            ;
  const first = data.times[0] ?? 0;
  const last = data.times.at(-1) ?? 1;
  let shown = { from: first, to: last };
  const reset = document.getElementById('reset');

  const zoom = (from        , to        ) => {
    shown = { from: Math.max(first, from), to: Math.min(last, to) };
    if (shown.to <= shown.from) return;
    for (const chart of charts.values()) chart.zoom(shown.from, shown.to);
    reset?.toggleAttribute('hidden', shown.from === first && shown.to === last);
  };
  reset?.addEventListener('click', () => zoom(first, last));
  for (const zoomButton of document.querySelectorAll             ('button.zoom')) {
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
  for (const host of document.querySelectorAll             ('[data-chart]')) {
    const id = host.dataset.chart ?? '';
    const panel = data.charts[id];
    if (panel === undefined) continue;
    charts.set(
      host,
      createChart(host, document.querySelector             (`[data-legend="${id}"]`), panel, data, zoom),
    );
    observer.observe(host);
  }
}

start();

})();
