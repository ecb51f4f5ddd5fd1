/**
 * Writes `dashboards/*.json` from the TypeScript beside it, and those of the examples in their own folders.
 *
 *     node grafana/generate.ts            writes them
 *     node grafana/generate.ts --check    exits 1 when a file is not what the TypeScript generates
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { etcd } from '../examples/etcd/dashboard.ts';
import { faults } from './faults.ts';
import { kv } from './kv.ts';
import { overview } from './overview.ts';

export const DASHBOARDS: Readonly<Record<string, Dashboard>> = { overview, kv, faults, etcd };

/** Dashboards of systems that have a home of their own, as paths from the project's root. */
const ELSEWHERE: Readonly<Record<string, string>> = { etcd: 'examples/etcd/dashboards/etcd.json' };

/** The file of a dashboard: absolute path. */
export function pathOf(name: string): string {
  return fileURLToPath(new URL(`../${ELSEWHERE[name] ?? `grafana/dashboards/${name}.json`}`, import.meta.url));
}

/** The text of a dashboard's file. */
export function textOf(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/** Names of the dashboards whose file is missing or differs from what is generated. */
export function stale(): string[] {
  return Object.entries(DASHBOARDS)
    .filter(([name, dashboard]) => {
      try {
        return readFileSync(pathOf(name), 'utf8') !== textOf(dashboard);
      } catch {
        return true;
      }
    })
    .map(([name]) => name);
}

function main(): void {
  if (process.argv.includes('--check')) {
    const names = stale();
    for (const name of names)
      console.error(`${pathOf(name)} is not what its TypeScript generates: run node grafana/generate.ts`);
    process.exitCode = names.length === 0 ? 0 : 1;
    return;
  }
  for (const [name, dashboard] of Object.entries(DASHBOARDS)) writeFileSync(pathOf(name), textOf(dashboard));
}

if (import.meta.main) main();
