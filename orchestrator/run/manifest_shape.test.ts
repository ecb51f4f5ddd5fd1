import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import bare from '../testing/bare/system.ts';
import { MANIFEST_SHAPE, manifestProblems } from './manifest_shape.ts';
import type { Shape } from './shape.ts';
import { Systems } from './systems.ts';

const root = resolve(import.meta.dirname, '../..');
const HOME = join(root, 'orchestrator/testing/bare');
const problems = (change: object) => manifestProblems({ ...bare, ...change }, HOME);

test('a manifest that is right has no problems, whatever it leaves out', async () => {
  const [kv] = await (await Systems.project(root)).manifests();
  expect(manifestProblems(kv, root)).toEqual([]);
  expect(manifestProblems(bare, HOME)).toEqual([]);
  const { version, name, title, nodes, ports, defaultScenario } = bare;
  expect(manifestProblems({ version, name, title, nodes, ports, defaultScenario, files: { rules: [] } }, HOME)).toEqual(
    [],
  );
});

describe('a mistake names the field, what is expected, and the nearest name', () => {
  test.each<[object, string]>([
    [{ version: '1' }, '`version` is "1": expected 1'],
    [{ version: 2, nonsense: 1 }, '`version` is 2: this Gameday reads manifests of version 1'],
    [{ name: 'My System' }, '`name` is "My System": expected lower-case letters, digits and dashes'],
    [{ title: undefined }, 'the manifest lacks the field "title"'],
    [{ titel: 'x', title: undefined }, 'unknown field "titel" in the manifest — did you mean "title"?'],
    [{ nodes: { default: 3, min: 4, max: 7 } }, '`nodes` is min 4, default 3, max 7: requires min ≤ default ≤ max'],
    [{ ports: [] }, '`ports` has 0 entries: expected at least 1'],
    [
      { ports: [{ name: 'http', first: 99_999 }] },
      '`ports[0].first` is 99999: expected a whole number from 1 to 65535',
    ],
    [
      { start: 'node server.mjs' },
      '`start` is "node server.mjs": expected a function (node, plan) => { command, arguments, environment }',
    ],
    [{ paths: { ready: 'ready' } }, '`paths.ready` is "ready": expected a path such as "/ready"'],
    [{ paths: { raedy: '/ready' } }, 'unknown field "raedy" in `paths` — did you mean "ready"?'],
    [
      { metrics: { path: '/m', port: 'metric' } },
      '`metrics.port` is "metric": `ports` has http, metrics — did you mean "metrics"?',
    ],
    [
      { metrics: { path: '/m', series: { x: 'rate(up[' } } },
      '`metrics.series.x` is not PromQL: `rate(up[` (at character 9)',
    ],
    [
      { metrics: { path: '/m', series: { moon: 'moon * 2' } } },
      '`metrics.series.moon` reads itself: give the recorded series a name of its own',
    ],
    [
      { metrics: { path: '/m', series: { gameday_linearizability_violations: 'vector(0)' } } },
      '"gameday_linearizability_violations" in `metrics.series` is not a metric\'s name of the system\'s own',
    ],
    [
      { metrics: { path: '/m', series: { up: 'vector(1)' } } },
      '"up" in `metrics.series` is not a metric\'s name of the system\'s own',
    ],
    [
      { files: { rules: [], scenarios: 'scenarios/../../secret' } },
      '`files.scenarios` is "scenarios/../../secret": expected "scenarios" or a folder in it',
    ],
    [{ faults: ['kil'] }, '`faults[0]` is "kil": expected kill or pause or restart or upgrade — did you mean "kill"?'],
    [
      { tools: ['etdc'] },
      '`tools[0]` is "etdc": expected k6 or prometheus or promtool or toxiproxy-server or etcd — did you mean "etcd"?',
    ],
    [
      { release: { of: async () => '1', accepts: 'three' } },
      '`release.accepts` is "three": expected a semver range such as "^3.6.0"',
    ],
    [{ environment: { K6_VUS: '3' } }, '"K6_VUS" in `environment` is not a variable of its own'],
    [{ elsewhere: { targets: ['http://a:1'] } }, 'it has both `start` and `elsewhere`'],
    [{ files: { rules: ['rules/none.yml'] } }, '`files.rules` lists rules/none.yml: there is no such file in'],
    [{ files: { rules: ['../secret.yml'] } }, '`files.rules[0]` is "../secret.yml": expected a path from the home'],
  ])('%j', (change, sentence) => {
    const found = problems(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(sentence);
  });

  test('elsewhere: addresses, hooks and the port of the metrics', () => {
    const { start: _, ...rest } = bare;
    const at = (elsewhere: object, faults: string[]) => manifestProblems({ ...rest, elsewhere, faults }, HOME);
    expect(at({ targets: ['10.0.0.1:80'] }, [])[0]).toBe(
      '`elsewhere.targets[0]` is "10.0.0.1:80": expected a URL such as "http://10.0.0.1:2379", without a path and without a password',
    );
    expect(at({ targets: ['http://me:s3cret@a:1'] }, [])[0]).toMatch(/^`elsewhere.targets\[0\]` is "http:\/\/…@a:1": /);
    const one = { url: 'http://a:1', ports: { metrics: 2 } };
    expect(at({ targets: [one, { ...one, url: 'http://a:1/' }] }, [])).toEqual([
      '`elsewhere.targets`: http://a:1 is there twice: give each node once',
    ]);
    expect(at({ targets: ['http://a:1'] }, [])[0]).toContain(
      'the metrics of http://a:1 are on its port "metrics", which nobody says',
    );
    const targets = [{ url: 'http://a:1', ports: { metrics: 2 } }];
    expect(at({ targets }, [])).toEqual([]);
    expect(at({ targets, kill: async () => {} }, ['kill', 'pause'])).toEqual([
      '`faults` has "kill", which needs `elsewhere.start`',
      '`faults` has "pause", which needs `elsewhere.pause` and `elsewhere.resume`',
    ]);
    const hooks = { pause: async () => {}, resume: async () => {} };
    expect(at({ targets, ...hooks }, ['pause'])).toEqual([]);
    expect(manifestProblems({ ...rest, paths: {}, elsewhere: { targets, ...hooks }, faults: ['pause'] }, HOME)).toEqual(
      [
        '`faults` has "pause", which needs `paths.health` where nodes run elsewhere: one that stands still accepts connections all the same',
      ],
    );
    expect(at({ targets }, ['upgrade'])).toEqual([
      '`faults` has "upgrade", which nodes elsewhere cannot do: only `start` knows two versions',
    ]);
  });
});

/** Every field by its path, as the reference writes it. */
function fieldPaths(shape: Shape, path = ''): string[] {
  const inside = shape.element === undefined ? [] : fieldPaths(shape.element, `${path}[]`);
  const own = Object.entries(shape.fields ?? {}).flatMap(([name, field]) => {
    const full = path === '' ? name : `${path}.${name}`;
    return [full, ...fieldPaths(field.shape, full)];
  });
  return [...inside, ...own];
}

test('the reference has every field, no other, and says which are required', () => {
  const text = readFileSync(join(root, 'docs/guides/manifest.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([\w.[\]]+)` \| [^|]+ \| ([^|]+) \|/gm)];
  expect(rows.map(([, name]) => name)).toEqual(fieldPaths(MANIFEST_SHAPE));
  const requiredHere = rows.filter(([, name, given]) => !name!.includes('.') && given!.trim() === 'required');
  const required = Object.entries(MANIFEST_SHAPE.fields!).filter(([, field]) => field.required);
  expect(requiredHere.map(([, name]) => name)).toEqual(required.map(([name]) => name));
});

test('the types say the same: a manifest with required fields only is one', () => {
  const least: SystemManifest = {
    ...{ version: 1, name: 'x', title: 'X', nodes: { default: 1, min: 1, max: 1 }, ports: [{ name: 'a', first: 1 }] },
    ...{ defaultScenario: 'x', files: { rules: [] } },
  };
  expect(manifestProblems(least, HOME)).toEqual([]);
});
