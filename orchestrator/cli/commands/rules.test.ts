import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { commandLine } from '../testing/command_line.ts';

const exported = (...words: string[]) => commandLine(['rules', 'export', ...words]);

test('a PrometheusRule has the shape that its definition asks for, and objectives come from a scenario', async () => {
  const { code, stdout } = await exported(
    '--format',
    'prometheusrule',
    '--scenario',
    'kv/leader-kill',
    '--label',
    'release=prometheus',
  );
  expect(code).toBe(0);
  const resource = parse(stdout);
  expect(resource).toMatchObject({
    ...{ apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule' },
    metadata: { name: 'gameday-kv', labels: { release: 'prometheus' } },
  });
  // Of the operator 0.93.0: example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../testdata/prometheusrule.schema.json'), 'utf8'));
  const ajv = new Ajv({
    strict: false,
    unicodeRegExp: false,
    code: { regExp: Object.assign(withoutFlags, { code: 'RegExp' }) },
  });
  const validate = ajv.compile(schema);
  expect([validate(resource), validate.errors]).toEqual([true, null]);
  expect(validate({ ...resource, spec: { groups: [{ ...resource.spec.groups[0], interval: '30 s' }] } })).toBe(false);
  const names = resource.spec.groups.map(({ name }: { name: string }) => name);
  expect(new Set(names).size).toBe(names.length);
});

/** The schema is written for Go, whose `(?i)` JavaScript has not. */
function withoutFlags(pattern: string): RegExp {
  return new RegExp(pattern.replace('(?i)', ''));
}

describe('what is wrong is said', () => {
  test.each([
    [
      ['--format', 'prometheus'],
      /KvFsyncSlow needs the objective write_p99: --objective write_p99=50ms, or --scenario/,
    ],
    [
      ['--format', 'prometheus', '--objective', 'write_p9=50ms'],
      /unknown objective "write_p9".*did you mean "write_p99"/,
    ],
    [
      ['--format', 'prometheus', '--objective', 'write_p99=5%'],
      /the objective write_p99 is in seconds: give it as in write_p99=50ms/,
    ],
    [['--format', 'prometheus', '--objective', 'write_p99'], /expected name=value/],
    [
      ['--format', 'prometheusrule', '--objective', 'write_p99=50ms', '--name', 'Not_A_Name'],
      /--name Not_A_Name is no name for Kubernetes/,
    ],
    [['--format', 'yaml'], /Allowed choices are prometheus, prometheusrule/],
  ])('%j', async (words, message) => {
    const { code, stdout, stderr } = await exported(...words);
    expect([code, stdout, stderr]).toEqual([2, '', expect.stringMatching(message)]);
  });
});

test("a system's own rules and what all share, and where to look for its scenarios", async () => {
  const system = ['--system', 'examples/etcd/system.ts'];
  const { code, stdout } = await exported('--format', 'prometheus', ...system);
  expect([code, stdout.includes('alert: EtcdNoLeader')]).toEqual([0, true]);
  expect(stdout).not.toMatch(/kv|ErrorBudgetBurn|record:/);
  const { stderr } = await exported('--format', 'prometheus', '--scenario', 'leader-kil', ...system);
  expect(stderr).toBe(
    'unknown scenario "leader-kil" — did you mean "leader-kill"? `gameday list --system examples/etcd/system.ts` shows them all',
  );
});
