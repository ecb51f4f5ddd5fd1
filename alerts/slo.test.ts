import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { SLO_RULES_FILE, sloRules } from './slo.ts';

test('slo.rules.yml is what slo.ts generates (else run `npx node alerts/slo.ts`)', () => {
  expect(readFileSync(SLO_RULES_FILE, 'utf8')).toBe(sloRules());
});
