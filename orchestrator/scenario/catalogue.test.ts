import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ScenarioCatalogue } from './catalogue.ts';

describe('a word on the command line', () => {
  let root: string;
  let catalogue: ScenarioCatalogue;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'gameday-catalogue-'));
    for (const name of ['kv/leader-kill', 'kv/smoke', 'counter/steady', 'kv/drills/disk']) {
      mkdirSync(join(root, 'scenarios', name, '..'), { recursive: true });
      const [system, ...words] = name.split('/');
      const id = [system, ...words].join('-');
      writeFileSync(join(root, 'scenarios', `${name}.yaml`), `id: ${id}\ntitle: T\nsystem: ${system}\n`);
    }
    catalogue = new ScenarioCatalogue(root);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const names = (...words: string[]) => catalogue.find(words, root).map((entry) => entry.name);

  test.each([
    ['kv/leader-kill', ['kv/leader-kill']],
    ['kv-leader-kill', ['kv/leader-kill']],
    ['scenarios/kv/smoke.yaml', ['kv/smoke']],
    ['kv', ['kv/leader-kill', 'kv/smoke']],
    ['all', ['counter/steady', 'kv/leader-kill', 'kv/smoke']],
    ['kv/drills', ['kv/drills/disk']],
    ['kv/drills/disk', ['kv/drills/disk']],
    ['kv-drills-disk', ['kv/drills/disk']],
  ])('%s', (word, expected) => expect(names(word)).toEqual(expected));

  test('several words name each scenario once', () => {
    expect(names('kv/smoke', 'kv')).toEqual(['kv/smoke', 'kv/leader-kill']);
  });

  test('one file that cannot be read hides no other', () => {
    writeFileSync(join(root, 'scenarios/kv/alias.yaml'), 'title: *nothing\n');
    mkdirSync(join(root, 'scenarios/kv/directory.yaml'));
    expect(catalogue.list().map(({ name }) => name)).toContain('kv/smoke');
    expect(names('kv/alias')).toEqual(['kv/alias']);
  });

  test('a file outside of the project keeps its path', () => {
    const project = join(root, 'project');
    mkdirSync(project);
    const file = join(root, 'mine.yaml');
    writeFileSync(file, 'id: mine\n');
    expect(new ScenarioCatalogue(project).find([file], root)[0]).toMatchObject({ file, id: 'mine' });
  });

  test.each([
    ['kv/leader-kil', 'unknown scenario "kv/leader-kil" — did you mean "kv/leader-kill"?'],
    ['conter', 'did you mean "counter"?'],
    ['nothing/like/it/at/all', 'unknown scenario "nothing/like/it/at/all"'],
    ['missing.yaml', 'there is no scenario file missing.yaml'],
  ])('%s is unknown', (word, message) => expect(() => names(word)).toThrow(message));
});
