import { expect, test } from '@jest/globals';
import { compareAnswers } from './linearizability.ts';
import { buildPorcupine } from './porcupine.ts';

const binary = await buildPorcupine();
if (binary === null)
  console.warn('SKIPPED: no Go, so there is no Porcupine to compare answers with (https://go.dev/dl)');

(binary === null ? test.skip : test)(
  'our checker and Porcupine agree on 10,000 small histories, half of them wrong',
  async () => {
    const { histories, wrong, different } = await compareAnswers(binary!, 10_000);
    expect(different).toEqual([]);
    expect(histories).toBe(10_000);
    expect(wrong).toBeGreaterThan(4_500);
    expect(wrong).toBeLessThan(5_500);
  },
  60_000,
);
