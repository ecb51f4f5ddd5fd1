import { expect, test } from '@jest/globals';
import type { RunRecord } from '../run/record.ts';
import { renderJunit } from './junit.ts';
import { interruptedRecord, syntheticRecord } from './testdata/synthetic.ts';

/** Elements of junit-10.xsd of Jenkins' xUnit plugin: what each may contain, must have and may have. */
const SCHEMA: Readonly<Record<string, { children: string[]; required: string[]; optional: string[] }>> = {
  testsuites: { children: ['testsuite'], required: [], optional: ['name', 'time', 'tests', 'failures', 'errors'] },
  testsuite: {
    children: ['testsuite', 'properties', 'testcase', 'system-out', 'system-err'],
    required: ['name', 'tests', 'failures', 'errors'],
    optional: ['group', 'time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url'],
  },
  properties: { children: ['property'], required: [], optional: [] },
  property: { children: [], required: ['name', 'value'], optional: [] },
  testcase: {
    children: ['skipped', 'error', 'failure', 'system-out', 'system-err'],
    required: ['name'],
    optional: ['time', 'classname', 'group'],
  },
  failure: { children: [], required: [], optional: ['type', 'message'] },
  error: { children: [], required: [], optional: ['type', 'message'] },
};

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
}

/** Enough of an XML parser for a document without comments and CDATA; throws where it is not well-formed or not of the schema. */
function parse(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [] };
  const open = [root];
  for (const [, closing, name = '', inner = '', empty] of xml
    .replace(/^<\?xml.*?\?>/, '')
    .matchAll(/<(\/?)([\w-]+)((?:\s+[\w-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const parent = open.at(-1) as Element;
    if (closing === '/') {
      if (open.pop()?.name !== name) throw new Error(`</${name}> closes nothing`);
      continue;
    }
    const attributes = Object.fromEntries(
      [...inner.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value ?? ''] as const),
    );
    const element = { name, attributes, children: [] };
    parent.children.push(element);
    if (empty !== '/') open.push(element);
  }
  if (open.length !== 1) throw new Error(`<${open.at(-1)?.name}> is never closed`);
  return root.children[0] as Element;
}

function validate(element: Element): void {
  const rule = SCHEMA[element.name];
  expect({ element: element.name, known: rule !== undefined }).toEqual({ element: element.name, known: true });
  expect(Object.keys(element.attributes)).toEqual(expect.arrayContaining(rule?.required ?? []));
  for (const attribute of Object.keys(element.attributes))
    expect([...(rule?.required ?? []), ...(rule?.optional ?? [])]).toContain(attribute);
  for (const child of element.children) {
    expect(rule?.children).toContain(child.name);
    validate(child);
  }
}

function casesOf(record: RunRecord): Element[] {
  const root = parse(renderJunit(record));
  validate(root);
  return (root.children[0] as Element).children.filter((child) => child.name === 'testcase');
}

test('one case for each criterion: fail is a failure, inconclusive an error', () => {
  const cases = casesOf(syntheticRecord('fail'));
  const outcomes = Object.fromEntries(
    cases.map((entry) => [
      entry.attributes.name?.split(' ')[0],
      [entry.children[0]?.name, entry.children[0]?.attributes.type],
    ]),
  );
  expect(outcomes).toEqual({
    KvNoLeader: [undefined, undefined],
    KvStateDivergence: [undefined, undefined],
    AvailabilityBelowObjective: [undefined, undefined],
    FollowerLag: ['error', 'inconclusive'],
    RecoveryTooSlow: ['failure', 'fail'],
  });
});

test('totals count what is there', () => {
  expect(renderJunit(syntheticRecord('fail'))).toContain('tests="5" failures="1" errors="1"');
  expect(renderJunit(syntheticRecord('pass'))).toContain('tests="3" failures="0" errors="0"');
});

test('a run without a verdict has passed nothing', () => {
  const cases = casesOf(interruptedRecord());
  expect(cases).toHaveLength(3);
  for (const entry of cases) expect(entry.children[0]?.attributes.type).toBe('inconclusive');
});

test('what XML forbids is replaced, the rest is escaped', () => {
  const record = syntheticRecord('fail');
  const nasty = '\u001b[31m]]> & "quoted" <b> \u0000';
  const criteria = record.verdict?.criteria.map((criterion) => ({ ...criterion, reason: nasty })) ?? [];
  const xml = renderJunit({ ...record, verdict: { result: 'fail', reasons: [], judgedAt: 0, criteria } });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  expect(xml).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
  validate(parse(xml));
  expect(xml).toContain(']]&gt; &amp; &quot;quoted&quot; &lt;b&gt;');
});
