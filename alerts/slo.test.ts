import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from '@jest/globals';
import { SHARED_RULES } from '../orchestrator/run/systems.ts';
import { sloRules } from './slo.ts';

test.each([...sloRules()])('%s is what slo.ts generates (else run `npx node alerts/slo.ts`)', (file, text) => {
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('what every system is judged by, and exports, is about no system in particular', () => {
  const shared = [...sloRules()].filter(([file]) => SHARED_RULES.some((rules) => rules === `alerts/${basename(file)}`));
  expect(shared.map(([, text]) => /kv-|job="/.test(text))).toEqual([false]);
});
