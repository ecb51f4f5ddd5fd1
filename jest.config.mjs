// Tests sit beside what they test. `*.test.ts` needs no native tool; `*.integration.test.ts` starts real processes,
// `*.timed.test.ts` judges how fast they are, and `*.full.test.ts` takes long.
const transform = { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'esnext', parser: { syntax: 'typescript' } } }] };
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform,
  modulePathIgnorePatterns: ['<rootDir>/.gameday/'],
};
export default {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '\\.(integration|timed|full)\\.test\\.ts$'],
    },
    { ...base, displayName: 'integration', testMatch: ['**/*.integration.test.ts'] },
    { ...base, displayName: 'timed', testMatch: ['**/*.timed.test.ts'] },
    { ...base, displayName: 'full', testMatch: ['**/*.full.test.ts'] },
  ],
};
