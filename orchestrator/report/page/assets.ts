/** The page's style and script as text: uPlot from node_modules, and what `generate.ts` made of `browser/`. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageAssets {
  readonly style: string;
  readonly script: string;
}

export async function loadAssets(): Promise<PageAssets> {
  const uplot = path.dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const files = [
    path.join(uplot, 'dist/uPlot.iife.min.js'),
    path.join(uplot, 'dist/uPlot.min.css'),
    fileURLToPath(new URL('../generated/page.js', import.meta.url)),
    fileURLToPath(new URL('./style.css', import.meta.url)),
  ];
  const [library = '', libraryStyle = '', page = '', style = ''] = await Promise.all(
    files.map((file) => readFile(file, 'utf8')),
  );
  return { style: `${libraryStyle}\n${style}`, script: `${library}\n${page}` };
}
