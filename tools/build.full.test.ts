import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { obtain } from './obtain.ts';
import { thisMachine } from './surroundings.ts';

test('every tool builds from its pinned module, and calls itself by its version', async () => {
  // Go's own cache lies below it, too: everything is built as on a fresh machine.
  const XDG_CACHE_HOME = await mkdtemp(join(tmpdir(), 'gameday-build-'));
  try {
    const machine = thisMachine();
    const environment: Record<string, string | undefined> = {
      ...machine.environment,
      XDG_CACHE_HOME,
      GAMEDAY_MIRROR: 'http://127.0.0.1:9',
    };
    for (const tool of ['K6', 'PROMETHEUS', 'PROMTOOL', 'TOXIPROXY_SERVER', 'ETCD'])
      delete environment[`GAMEDAY_${tool}`];
    const tools = await obtain(['k6', 'prometheus', 'promtool', 'toxiproxy-server', 'etcd'], {
      surroundings: { ...machine, environment },
    });
    expect([...tools.values()].map(({ name, version, source }) => `${name} ${version} ${source}`)).toEqual([
      'k6 2.2.0 built',
      'prometheus 3.15.0 built',
      'promtool 3.15.0 built',
      'toxiproxy-server 2.12.0 built',
      'etcd 3.6.8 built',
    ]);
  } finally {
    await rm(XDG_CACHE_HOME, { recursive: true });
  }
}, 1_800_000);
