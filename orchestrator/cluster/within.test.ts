import { expect, test } from '@jest/globals';
import type { SystemManifest } from '../../kit/system.ts';
import { NodeClient } from './node_client.ts';
import { within } from './within.ts';

const never = () => new Promise<never>(() => {});

test('an answer is passed on, whether it was promised or not; so is what is thrown', async () => {
  expect(await within(1000, 'it', () => 1)).toBe(1);
  expect(await within(1000, 'it', async () => 2)).toBe(2);
  const broken = () => {
    throw new Error('no moon');
  };
  await expect(within(1000, 'it', broken)).rejects.toThrow('no moon');
});

test('what never comes back is not waited for', async () => {
  await expect(within(10, '`release.of`', never)).rejects.toThrow('`release.of` has not come back after 0.01 s');
  const interrupted = AbortSignal.abort(new Error('SIGINT'));
  await expect(within(60_000, 'it', never, interrupted)).rejects.toThrow('SIGINT');
});

test('a node whose role throws, hangs or is no promise has it or has it not', async () => {
  const roles = {
    plain: () => true,
    throws: () => {
      throw new Error('no moon');
    },
    hangs: never,
  };
  const client = new NodeClient({ name: 'x', roles } as unknown as SystemManifest, 'http://127.0.0.1:1');
  expect(await Promise.all(['plain', 'throws', 'hangs'].map((role) => client.hasRole(role)))).toEqual([
    true,
    false,
    false,
  ]);
});
