import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { interruptedRecord, SyntheticQueries, syntheticRecord } from './testdata/synthetic.ts';
import { writeReports } from './write.ts';

const DASHBOARDS = ['overview', 'kv', 'faults'].map((name) =>
  fileURLToPath(new URL(`../../grafana/dashboards/${name}.json`, import.meta.url)),
);
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** `CHROMIUM`, else a browser of that family on the PATH. */
function findChromium(): string | null {
  const directories = (process.env.PATH ?? '').split(path.delimiter);
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const candidates = [
    process.env.CHROMIUM ?? '',
    ...directories.flatMap((directory) => names.map((name) => path.join(directory, name))),
  ];
  return (
    candidates.find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return file !== '';
      } catch {
        return false;
      }
    }) ?? null
  );
}

const executablePath = findChromium();
if (executablePath === null) {
  console.warn(
    'SKIPPED: the report was not looked at in a browser. Install Chromium, or set CHROMIUM to its executable.',
  );
}
const withBrowser = executablePath === null ? describe.skip : describe;

/** Runs in the page, where types of the DOM are: shares of charts' canvases that have more than one colour. */
const PAINTED = `(() => {
  const canvases = [...document.querySelectorAll('.chart canvas')];
  const painted = canvases.filter((canvas) => {
    const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size > 8;
  });
  return { all: document.querySelectorAll('.chart').length, painted: painted.length };
})()`;
/** How many pixels of the charts that `selector` finds have exactly a colour of the style sheet. */
function pixelsOf(color: string, selector: string): string {
  return `(() => {
    const probe = document.createElement('i');
    probe.style.color = 'var(--${color})';
    document.body.append(probe);
    const [red, green, blue] = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
    probe.remove();
    let count = 0;
    for (const canvas of document.querySelectorAll('${selector}')) {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      for (let at = 0; at < data.length; at += 4) {
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue && data[at + 3] === 255) count += 1;
      }
    }
    return count;
  })()`;
}
const ALERT_MARKS = pixelsOf('bad', '.chart canvas');
const HEATMAP_CELLS = pixelsOf('heat', '[data-kind="heatmap"] canvas');

const BACKGROUND = 'getComputedStyle(document.body).backgroundColor';
const OVERFLOW = 'document.documentElement.scrollWidth - innerWidth';

withBrowser('the report in a browser', () => {
  let directory: string;
  let browser: Browser;
  let url: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'gameday-browser-'));
    const written = await writeReports({
      record: syntheticRecord('fail'),
      runDirectory: directory,
      prometheus: new SyntheticQueries(),
      dashboards: DASHBOARDS,
      runbooks: [directory],
    });
    url = pathToFileURL(written.html).href;
    browser = await chromium.launch({ executablePath: executablePath ?? '', args: FLAGS });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function visit(colorScheme: 'dark' | 'light', width: number, address = url): Promise<Page> {
    complaints.length = 0;
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    // The browser advises whoever reads a canvas twice, as only this test does.
    page.on('console', (message) => message.text().includes('willReadFrequently') || complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => request.url() !== address && complaints.push(`asked for ${request.url()}`));
    await page.goto(address);
    return page;
  }

  /** Charts are made when the browser has laid out their frames. */
  async function waitForCharts(page: Page): Promise<void> {
    await page.waitForFunction(
      `document.querySelectorAll('.chart canvas').length === document.querySelectorAll('.chart').length && document.querySelectorAll('.legend td').length > 0`,
    );
    await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');
  }

  test.each([
    ['dark', 1440],
    ['light', 1440],
    ['dark', 390],
    ['light', 390],
  ] as const)(
    '%s at %i pixels: every chart is painted, nothing complains, nothing sticks out',
    async (scheme, width) => {
      const page = await visit(scheme, width);
      await waitForCharts(page);
      const { all, painted } = (await page.evaluate(PAINTED)) as { all: number; painted: number };
      expect(all).toBeGreaterThan(40);
      expect(painted).toBe(all);
      expect(await page.evaluate(OVERFLOW)).toBeLessThanOrEqual(0);
      expect(complaints).toEqual([]);
      expect(await page.evaluate(ALERT_MARKS)).toBeGreaterThan(100);
      expect(await page.evaluate(HEATMAP_CELLS)).toBeGreaterThan(10);
      await page.close();
    },
    60_000,
  );

  test('the button turns the theme, for page and canvases, and back', async () => {
    const page = await visit('dark', 1200);
    await waitForCharts(page);
    const dark = await page.evaluate(BACKGROUND);
    const button = page.getByRole('button', { name: 'Dark theme' });
    expect(await button.getAttribute('aria-pressed')).toBe('true');
    await button.click();
    await page.waitForFunction(`${ALERT_MARKS} > 100`);
    expect(await button.getAttribute('aria-pressed')).toBe('false');
    expect(await page.evaluate(BACKGROUND)).not.toBe(dark);
    await button.press('Enter');
    expect(await page.evaluate(BACKGROUND)).toBe(dark);
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test('a drag zooms all charts, the button shows everything again', async () => {
    const page = await visit('light', 1200);
    await waitForCharts(page);
    const canvases = page.locator('.chart canvas');
    const other = `document.querySelectorAll('.chart canvas')[3].toDataURL()`;
    const before = await page.evaluate(other);
    const box = await page.locator('.chart .u-over').first().boundingBox();
    if (box === null) throw new Error('the first chart has no size');
    await page.locator('.chart .u-over').first().scrollIntoViewIfNeeded();
    const seen = (await page.locator('.chart .u-over').first().boundingBox()) ?? box;
    await page.mouse.move(seen.x + seen.width * 0.3, seen.y + 50);
    await page.mouse.down();
    await page.mouse.move(seen.x + seen.width * 0.6, seen.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(`${other} !== ${JSON.stringify(before)}`);
    await page.getByRole('button', { name: 'Reset zoom' }).click();
    await page.mouse.move(5, 5);
    await page.waitForFunction(`document.getElementById('reset').hidden`);
    expect(await canvases.count()).toBeGreaterThan(40);
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test('a legend entry hides its line; the values under the cursor are shown in every chart', async () => {
    const page = await visit('light', 1200);
    await waitForCharts(page);
    const first = `document.querySelector('.chart canvas').toDataURL()`;
    const before = await page.evaluate(first);
    await page.locator('.legend button.series').first().click();
    await page.waitForFunction(`${first} !== ${JSON.stringify(before)}`);
    await page.locator('.chart .u-over').first().hover();
    await page.waitForFunction(
      `document.querySelectorAll('.legend')[4].querySelector('th:nth-child(2)').textContent.startsWith('+')`,
    );
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test('an interrupted run has a readable page', async () => {
    const partial = path.join(directory, 'partial');
    await mkdir(partial);
    const written = await writeReports({
      record: interruptedRecord(),
      runDirectory: partial,
      dashboards: DASHBOARDS,
      runbooks: [directory],
    });
    const page = await visit('dark', 390, pathToFileURL(written.html).href);
    await page.getByText('NO VERDICT', { exact: true }).waitFor();
    expect(await page.evaluate(OVERFLOW)).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);
});
