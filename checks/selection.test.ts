import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { isSelected, projectFiles, systemOf } from './selection.ts';

const systems = ['kv', 'graph'];
const root = mkdtempSync(join(tmpdir(), 'gameday-selection-'));
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ['services/kv/core/raft/log.test.ts', 'kv'],
  ['alerts/kv.rules.yml', 'kv'],
  ['alerts/tests/kv_storage.test.yml', 'kv'],
  ['orchestrator/cli/graph-report.test.ts', 'graph'],
  ['loadtests/testing/fake_kv.ts', undefined],
  ['kit/http.test.ts', undefined],
])('%s belongs to %s', (path, system) => {
  expect(systemOf(path, systems)).toBe(system);
});

test('with a choice: its own files, and shared ones that name it', () => {
  const files = {
    'services/kv/a.test.ts': '',
    'services/graph/a.test.ts': 'as in kv',
    'orchestrator/run.test.ts': "run('kv/smoke')",
    'orchestrator/other.test.ts': "run('graph/smoke')",
    'node_modules/kv/a.test.ts': '',
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const found = projectFiles(root, '**/*.test.ts');
  expect(found).toEqual(Object.keys(files).slice(0, 4).sort());
  const chosen = (...names: string[]) => found.filter((path) => isSelected(root, path, { systems, chosen: names }));
  expect(chosen()).toEqual(found);
  expect(chosen('kv')).toEqual(['orchestrator/run.test.ts', 'services/kv/a.test.ts']);
});
