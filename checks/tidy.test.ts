import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { violations } from './house_rules.ts';
import { missingEntries, readLock } from './lock.ts';
import { projectFiles } from './selection.ts';

const root = join(import.meta.dirname, '..');
const files = projectFiles(root, '**/*.{ts,mjs,cjs,yml,yaml,json}').filter(
  (path) => !/\/(testdata|generated)\//.test(path),
);

test('every file keeps the rules of the house', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(files.flatMap((path) => violations(path, readFileSync(join(root, path), 'utf8')))).toEqual([]);
});

test('package-lock.json has every platform: otherwise `npm ci` refuses it; `node checks/lock.ts` completes it', () => {
  expect(Object.keys(missingEntries(readLock()))).toEqual([]);
});

/** The one sentence that is wrong with a file of one line. */
function complaint(path: string, source: string): string {
  const found = violations(path, source);
  return found.length === 1 ? (found[0] ?? '') : `${found.length} complaints: ${found.join('; ')}`;
}

describe('a core is pure', () => {
  test.each([
    ['Date.now();', 'Date.now: time arrives as a tick'],
    ['new Date();', 'new Date(): time arrives'],
    ['Date();', 'Date(): time arrives'],
    ['performance.now();', 'performance: time arrives'],
    ['Math.random();', 'Math.random: draw from the injected Prng'],
    ['crypto.randomUUID();', 'crypto: draw from the injected Prng'],
    ['setTimeout(f, 1);', 'setTimeout: count ticks'],
    ['setInterval(f, 1);', 'setInterval: count ticks'],
    ['setImmediate(f);', 'setImmediate: count ticks'],
    ['queueMicrotask(f);', 'queueMicrotask: count ticks'],
    ['process.env.HOME;', 'process: take the value through the constructor'],
    ['console.log(1);', 'console: return what happened'],
    ['fetch(url);', 'fetch: return a message'],
    ['globalThis.x;', 'globalThis: take what is needed'],
    ['async function f() {}', 'async: return the effect'],
    ['const f = async () => {};', 'async: return the effect'],
    ['class A { async f() {} }', 'async: return the effect'],
    ['const p: unknown = Promise.resolve();', 'Promise: return the effect'],
    ["import { open } from 'node:fs';", 'imports node:fs: a core imports its own files'],
    ["import fastify from 'fastify';", 'imports fastify: a core imports its own files'],
    ["import { counter } from '../../../../kit/metrics.ts';", 'imports kit/metrics.ts: a core imports its own files'],
    ["import type { Disk } from '../../storage/disk.ts';", 'imports the types of services/kv/storage/disk.ts'],
  ])('%s', (source, sentence) => {
    expect(complaint('services/kv/core/raft/bad.ts', source)).toContain(sentence);
  });

  test('the simulator is as pure, but for the files that say why not', () => {
    expect(complaint('simulator/kv/bad.ts', 'Math.random();')).toContain('the simulator may not use Math.random');
    expect(complaint('simulator/bad.ts', 'setTimeout(f, 1);')).toContain('the simulator may not use setTimeout');
    expect(violations('simulator/kv/measure.ts', 'process.cpuUsage();')).toEqual([]);
  });

  test('words in strings, comments and property names are no use of them', () => {
    const source =
      '// Date.now()\nexport const a = { process: "setTimeout(f)", console: 1 }; export const b = new Date(5).getTime();';
    expect(violations('services/kv/core/raft/good.ts', source)).toEqual([]);
  });

  test('its own files, the basics of the kit, and packages in tests are allowed', () => {
    const source = "import { a } from '../store/a.ts'; import { assert } from '../../../../kit/assert.ts';";
    expect(violations('services/kv/core/raft/good.ts', source)).toEqual([]);
    expect(violations('services/kv/core/raft/good.test.ts', "import { test } from '@jest/globals';")).toEqual([]);
  });
});

describe('imports', () => {
  test.each([
    ['kit/http.ts', '../services/kv/app.ts', 'the kit imports nothing of the project'],
    ['services/kv/app.ts', '../graph/app.ts', 'a service imports the kit and itself only'],
    ['services/kv/app.ts', '../../orchestrator/run/record.ts', 'a service imports the kit and itself only'],
    ['services/index.ts', './kv/app.ts', 'the registry knows manifests only'],
    ['orchestrator/cli/main.ts', '../../services/kv/system.ts', 'knows a system through its manifest only'],
    ['orchestrator/scenario/load.ts', '../cluster/ports.ts', 'types of earlier stages only (none before it)'],
    ['orchestrator/verdict/judge.ts', '../load/k6.ts', 'types of earlier stages only (scenario, cluster, load,'],
    [
      'orchestrator/cli/bombarder/verify.ts',
      '../../../services/kv/app.ts',
      'the shapes of its answers and the defaults',
    ],
    ['tools/obtain.ts', '../kit/http.ts', "tools import the kit's basics only"],
    ['tools/obtain.ts', '../orchestrator/cli/terminal.ts', "tools import the kit's basics only"],
    ['loadtests/kv/steady.ts', '../../kit/prng.ts', 'k6 resolves relative imports'],
    ['loadtests/kv/steady.ts', 'lodash', 'k6 resolves relative imports'],
    ['grafana/kv.ts', 'fastify', 'dashboards import the foundation SDK'],
    ['checks/run.ts', '../orchestrator/cli/main.ts', 'checks know the tree'],
    ['benchmarks/check.ts', '../services/kv/app.ts', 'a benchmark measures the program from outside'],
    ['orchestrator/run/conductor.ts', '../../benchmarks/check.ts', 'knows a system through its manifest only'],
    ['simulator/run.ts', './kv/driver.ts', 'the engine of the simulator knows no system'],
    ['simulator/kv/driver.ts', '../../services/kv/storage/wal.ts', 'what is pure of its system'],
    ['services/kv/app.ts', 'prom-client', 'imports prom-client, which only kit/metrics.ts may'],
  ])('%s may not import %s', (path, specifier, sentence) => {
    expect(complaint(path, `import { a } from '${specifier}';`)).toContain(sentence);
  });

  test.each([
    ['kit/metrics.ts', "import { Counter } from 'prom-client';"],
    ['services/index.ts', "export const systems = { kv: () => import('./kv/system.ts') };"],
    ['services/kv/app.ts', "import { createApp } from '../../kit/http.ts';"],
    ['orchestrator/cli/main.ts', "import { judge } from '../verdict/judge.ts';"],
    ['orchestrator/run/conductor.ts', "import { systems } from '../../services/index.ts';"],
    ['orchestrator/verdict/judge.ts', "import type { Scenario } from '../scenario/types.ts';"],
    ['orchestrator/verdict/judge.ts', "import type { RunRecord } from '../run/record.ts';"],
    ['orchestrator/cli/bombarder/verify.ts', "import type { NodeStatus } from '../../../services/kv/api.ts';"],
    ['benchmarks/linearizability.ts', "import { historyOf } from '../orchestrator/checkers/history.ts';"],
    ['loadtests/kv/steady.ts', "import http from 'k6/http'; import { a } from '../lib/a.ts';"],
  ])('%s may: %s', (path, source) => {
    expect(violations(path, source)).toEqual([]);
  });

  test('a later stage is closed even to types', () => {
    const source = "import type { Verdict } from '../verdict/types.ts';";
    expect(complaint('orchestrator/load/k6.ts', source)).toContain(
      'imports the types of orchestrator/verdict/types.ts',
    );
  });
});

describe('names and sizes', () => {
  test.each(['kit/utils.ts', 'services/kv/helpers/a.ts', 'kit/http-common.ts', 'kit/runManager.ts', 'alerts/util.yml'])(
    '%s says nothing',
    (path) => {
      expect(complaint(path, '')).toContain('says nothing about its subject');
    },
  );

  test('a file has at most 500 lines', () => {
    expect(violations('kit/long.ts', '\n'.repeat(500))).toEqual([]);
    expect(complaint('kit/long.ts', '\n'.repeat(501))).toContain('501 lines, more than 500');
  });
});
