import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { loadScripts, ruleFiles, SHARED_RULES, Systems } from './systems.ts';

const manifest = { name: 'kv', files: { loadtests: 'loadtests/kv' } } as unknown as SystemManifest;
const systems = new Systems(
  { kv: async () => ({ default: manifest }), graph: async () => ({ default: manifest }) },
  '/home',
);

test('an unknown system is refused with the nearest name', async () => {
  await expect(systems.manifest('grahp')).rejects.toThrow(
    'unknown system "grahp": expected graph, kv — did you mean "graph"?',
  );
  await expect(systems.manifest('constructor')).rejects.toThrow('unknown system "constructor"');
});

test('a system is judged by the rules that all share and its own, wherever its home is', () => {
  const shared = SHARED_RULES.map((file) => `/project/${file}`);
  expect(ruleFiles('/project', '/project', ['alerts/kv.rules.yml'])).toEqual([
    ...shared,
    '/project/alerts/kv.rules.yml',
  ]);
  expect(ruleFiles('/project', '/mine', ['rules.yml'])).toEqual([...shared, '/mine/rules.yml']);
  // A system that lists a shared file has it once.
  expect(ruleFiles('/project', '/project', ['alerts/slo.rules.yml'])).toEqual(shared);
});

test('load scripts are named as in a scenario', () => {
  expect(loadScripts(join(import.meta.dirname, '../..'), manifest)).toContain('kv/steady.ts');
});
