/** The page's style and script as text: uPlot from node_modules and the TypeScript of `browser/`, joined without a bundler. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageAssets {
  readonly style: string;
  readonly script: string;
}

/** In the order of their imports: what comes later uses what came before. */
const MODULES = ['../format.ts', '../browser/theme.ts', '../browser/marks.ts', '../browser/legend.ts', '../browser/heatmap.ts', '../browser/chart.ts', '../browser/main.ts'];

/**
 * One script of several modules: types go, imports of the modules' own names go, exports become plain declarations. It holds
 * because the modules share no name and import nothing else (a test parses the result).
 */
export function joinModules(sources: readonly string[]): string {
  // Jest replaces the module `node:module` by one of its own that cannot strip types.
  const { stripTypeScriptTypes } = process.getBuiltinModule('node:module');
  const bodies = sources.map((source) =>
    stripTypeScriptTypes(source)
      .replace(/^import\s[^;]*?from '[^']*';$/gm, '')
      .replace(/^export (?=const|function|class|async|let)/gm, ''),
  );
  return `(() => {\n'use strict';\n${bodies.join('\n')}\n})();`.replace(/[ \t]+$/gm, '').replace(/\n{3,}/g, '\n\n');
}

function here(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}

export async function loadAssets(): Promise<PageAssets> {
  const uplot = path.dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  const [library, libraryStyle, style, ...modules] = await Promise.all(
    [path.join(uplot, 'dist/uPlot.iife.min.js'), path.join(uplot, 'dist/uPlot.min.css'), here('./style.css'), ...MODULES.map(here)].map((file) => readFile(file, 'utf8')),
  );
  return { style: `${libraryStyle}\n${style}`, script: `${library}\n${joinModules(modules)}` };
}
