import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { faultsOf, lackFor } from '../scenario/fault_kinds.ts';
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

describe('nodes elsewhere', () => {
  const start = () => ({ command: '', arguments: [], environment: {} });
  const ports = [
    { name: 'http', first: 1 },
    { name: 'metrics', first: 2 },
  ];
  const own = (change: Partial<SystemManifest>) =>
    new Systems({ x: async () => ({ default: { name: 'x', ports, start, ...change } as SystemManifest }) }, '/home');

  test('take the place of `start`, and keep the hooks that there are', async () => {
    const pause = async () => {};
    const moved = await (await own({ elsewhere: { targets: ['http://old:1'], pause } }).at(['http://a:1'])).manifest(
      'x',
    );
    expect(moved.start).toBeUndefined();
    expect(moved.elsewhere).toEqual({ targets: ['http://a:1'], pause });
  });

  test('an address that is none is refused, and one whose metrics nobody can find', async () => {
    await expect(own({}).at(['a:1', 'http://b:1/path'])).rejects.toThrow(
      '--targets: "a:1", "http://b:1/path": expected base URLs such as http://10.0.0.1:2379, without a path and without a password, separated by commas',
    );
    // What is refused because of a password does not show it; addresses are kept in run.json and in reports.
    await expect(own({}).at(['http://me:s3cret@a:1'])).rejects.toThrow('--targets: "http://…@a:1": expected base URLs');
    await expect(own({}).at(['http://a:1', 'http://b:1', 'http://a:1/'])).rejects.toThrow(
      '--targets: http://a:1 is there twice: give each node once',
    );
    await expect(own({ metrics: { path: '/m', port: 'metrics' } }).at(['http://a:1'])).rejects.toThrow(
      '--targets: the metrics of http://a:1 are on its port "metrics", which nobody says',
    );
  });

  test('take the faults for which they have hooks, and each of the others needs something', async () => {
    const hook = async () => {};
    const manifest = await own({
      ...{ start: undefined, faults: ['kill', 'pause', 'restart', 'upgrade'], links: { port: 'http' } },
      elsewhere: { targets: ['http://a:1'], start: hook, stop: hook, resume: hook },
    } as unknown as SystemManifest).manifest('x');
    expect(faultsOf(manifest)).toEqual(['restart', 'silence']);
    const lacks = ['kill', 'pause', 'upgrade', 'partition', 'disk_full', 'operate'] as const;
    expect(lacks.map((kind) => lackFor(kind, manifest))).toEqual([
      ...['`elsewhere.kill`', '`elsewhere.pause`', '`start`', '`start`'],
      ...['"disk_full" in `nodeFaults.kinds` and `start`', '`operations`'],
    ]);
  });
});
