import { expect, test } from '@jest/globals';
import { releaseOf } from './releases.ts';

const at = (versions: readonly string[], accepts: string) =>
  releaseOf(
    versions.map((_, index) => ({ index, url: `http://n${index}` })),
    { accepts, of: async (url) => versions[Number(url.at(-1))] || Promise.reject(new Error('no answer')) },
  );

test('one version of all nodes, which the manifest accepts', async () => {
  expect(await at(['3.6.8', '3.6.8'], '~3.6.0')).toBe('3.6.8');
  // A release candidate of an accepted version is one.
  expect(await at(['3.6.9-rc.1'], '~3.6.0')).toBe('3.6.9-rc.1');
});

test('a run that was interrupted waits for no version', async () => {
  const signal = AbortSignal.abort(new Error('SIGINT'));
  const never = { accepts: '*', of: () => new Promise<string>(() => {}) };
  await expect(releaseOf([{ index: 0, url: 'http://n0' }], never, signal)).rejects.toThrow('SIGINT');
});

test.each([
  [
    ['3.6.8', '3.6.7'],
    'the nodes are of different versions: bring them to one\nnode 0 (http://n0) is 3.6.8\nnode 1 (http://n1) is 3.6.7',
  ],
  [
    ['3.5.1'],
    'the manifest accepts versions ~3.6.0: start one of those, or widen `release.accepts`\nnode 0 (http://n0) is 3.5.1',
  ],
  [['latest'], '`release.of` of the manifest answers "latest": expected a version such as 3.6.8'],
  [['3.6.8', ''], 'node 1 (http://n1) does not say its version: no answer'],
])('%j is refused, naming the nodes', async (versions, sentence) => {
  await expect(at(versions, '~3.6.0')).rejects.toMatchObject({
    code: 'RELEASE_MISMATCH',
    message: expect.stringContaining(sentence),
  });
});
