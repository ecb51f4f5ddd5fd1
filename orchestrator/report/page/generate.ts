/**
 * Makes the page's script from the TypeScript of `browser/`, without a bundler: types are stripped, modules are joined.
 *
 *     node orchestrator/report/page/generate.ts            writes generated/page.js
 *     node orchestrator/report/page/generate.ts --check    exits 1 when that file is not what would be written
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** In the order of their imports: what comes later uses what came before. */
const MODULES = [
  '../format.ts',
  '../browser/theme.ts',
  '../browser/marks.ts',
  '../browser/legend.ts',
  '../browser/heatmap.ts',
  '../browser/chart.ts',
  '../browser/main.ts',
];

const TARGET = fileURLToPath(new URL('../generated/page.js', import.meta.url));

/**
 * One script of several modules: types go, imports between the modules go, exports become plain declarations. It holds because
 * the modules share no top-level name and import nothing else at run time; a test parses the result.
 */
export function joinModules(sources: readonly string[]): string {
  // Jest has a `node:module` of its own, which cannot strip types.
  const { stripTypeScriptTypes } = process.getBuiltinModule('node:module');
  const bodies = sources.map((source) =>
    stripTypeScriptTypes(source)
      .replace(/^import\s[^;]*?from '[^']*';$/gm, '')
      .replace(/^export (?=const|function|class|async|let)/gm, ''),
  );
  return `(() => {\n'use strict';\n${bodies.join('\n')}\n})();\n`.replace(/[ \t]+$/gm, '').replace(/\n{3,}/g, '\n\n');
}

export function generatedScript(): string {
  return joinModules(MODULES.map((file) => readFileSync(new URL(file, import.meta.url), 'utf8')));
}

export function committedScript(): string {
  return readFileSync(TARGET, 'utf8');
}

function main(): void {
  if (!process.argv.includes('--check')) {
    writeFileSync(TARGET, generatedScript());
  } else if (committedScript() !== generatedScript()) {
    console.error(`${TARGET} is not what browser/*.ts generates: run node orchestrator/report/page/generate.ts`);
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
