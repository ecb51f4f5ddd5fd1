import { beforeEach, describe, expect, test } from '@jest/globals';
import { linkFaults } from './links.ts';
import type { Toxic, ToxiproxyApi } from './toxiproxy.ts';
import type { Strike } from './types.ts';

/** Two nodes, a proxy each way. */
class Proxies implements Pick<ToxiproxyApi, 'proxies' | 'addToxic' | 'removeToxic'> {
  readonly toxics = new Map<string, Toxic[]>([
    ['node_0-node_1', []],
    ['node_1-node_0', []],
  ]);

  async proxies() {
    const proxy = (name: string, toxics: readonly Toxic[]) => ({
      name,
      listen: '',
      upstream: '',
      enabled: true,
      toxics,
    });
    return Object.fromEntries([...this.toxics].map(([name, toxics]) => [name, proxy(name, toxics)]));
  }
  async addToxic(proxy: string, toxic: Toxic): Promise<void> {
    this.toxics.get(proxy)!.push(toxic);
  }
  async removeToxic(proxy: string, name: string): Promise<void> {
    const toxics = this.toxics.get(proxy)!;
    const at = toxics.findIndex((toxic) => toxic.name === name);
    if (at < 0) throw new Error(`404 ${name}`);
    toxics.splice(at, 1);
  }
}

const strike = {
  ...{ name: 'cut', nodes: [{ index: 0 }], parameters: { probability: 1, delayMs: 20 }, seed: 1 },
  ...{ signal: new AbortController().signal, struck: () => undefined },
} as unknown as Strike;

describe('a fault of links that vanishes behind our back was not in force for as long as was promised', () => {
  let proxies: Proxies;
  const inject = (kind: 'partition' | 'stall') =>
    linkFaults({ api: proxies as unknown as ToxiproxyApi, count: 2 }, 'no links')[kind].inject(strike);

  beforeEach(() => {
    proxies = new Proxies();
  });

  test('one that stayed is healed', async () => {
    const heal = await inject('partition');
    expect([...proxies.toxics.values()].flat()).toHaveLength(4);
    await heal();
    expect([...proxies.toxics.values()].flat()).toEqual([]);
  });

  test('one that is gone at one proxy is no success, and what is left of it is healed', async () => {
    const heal = await inject('partition');
    proxies.toxics.set('node_0-node_1', []);
    await expect(heal()).rejects.toThrow('the timeout had gone from node_0-node_1 before its end');
    expect([...proxies.toxics.values()].flat()).toEqual([]);
  });

  test('a hold of a stall', async () => {
    const heal = await inject('stall');
    while ([...proxies.toxics.values()].flat().length < 4) await new Promise((resolve) => setImmediate(resolve));
    proxies.toxics.set('node_0-node_1', []);
    await expect(heal()).rejects.toThrow('had gone from node_0-node_1');
  });
});
