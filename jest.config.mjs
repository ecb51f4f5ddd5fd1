// Tests sit beside what they test. `*.test.ts` needs no native tool; `*.integration.test.ts` starts real processes.
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
      testPathIgnorePatterns: ['/node_modules/', '\\.integration\\.test\\.ts$', '\\.full\\.test\\.ts$'],
    },
    { ...base, displayName: 'integration', testMatch: ['**/*.integration.test.ts'] },
    { ...base, displayName: 'full', testMatch: ['**/*.full.test.ts'] },
  ],
};
