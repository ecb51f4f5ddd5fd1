import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { loadScripts, Systems } from './systems.ts';

const manifest = { name: 'kv' } as SystemManifest;
const systems = new Systems({ kv: async () => ({ default: manifest }), graph: async () => ({ default: manifest }) });

test('an unknown system is refused with the nearest name', async () => {
  await expect(systems.manifest('grahp')).rejects.toThrow(
    'unknown system "grahp": expected graph, kv — did you mean "graph"?',
  );
  await expect(systems.manifest('constructor')).rejects.toThrow('unknown system "constructor"');
});

test("a system is judged by its own rules and those that bear no system's name", () => {
  const root = mkdtempSync(join(tmpdir(), 'gameday-systems-'));
  mkdirSync(join(root, 'prometheus/recording'), { recursive: true });
  mkdirSync(join(root, 'alerts'));
  for (const name of [
    'alerts/kv',
    'alerts/graph',
    'alerts/slo',
    'prometheus/recording/graph',
    'prometheus/recording/kv',
  ]) {
    writeFileSync(join(root, `${name}.rules.yml`), '');
  }
  expect(systems.ruleFiles(root, 'kv')).toEqual([
    'alerts/kv.rules.yml',
    'alerts/slo.rules.yml',
    'prometheus/recording/kv.rules.yml',
  ]);
  rmSync(root, { recursive: true });
});

test('load scripts are named as in a scenario', () => {
  expect(loadScripts(join(import.meta.dirname, '../..'), manifest)).toContain('kv/steady.ts');
});
