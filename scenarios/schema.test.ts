import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { COUNT } from '../loadtests/lib/environment.ts';
import { PROFILES } from '../loadtests/profiles.ts';

test('the schema names exactly the load profiles that exist', () => {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, 'scenario.schema.json'), 'utf8'));
  expect(schema.properties.load.properties.profile.enum).toEqual([...Object.keys(PROFILES), COUNT]);
});
