/** Toxiproxy: its process, and what is asked of its HTTP interface. https://github.com/Shopify/toxiproxy#http-api */
import { setTimeout as delay } from 'node:timers/promises';
import type { LinkPlan, NodePlace } from '../../kit/system.ts';
import type { Child, ChildOptions } from '../cluster/child.ts';
import { allEdges, type Edge } from './edges.ts';

/** What happens to one stream of a proxy: `upstream` from the one who dialled, `downstream` to it. */
export interface Toxic {
  readonly name: string;
  readonly type: 'latency' | 'bandwidth' | 'timeout' | 'reset_peer';
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

interface Proxy {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly Toxic[];
}

export class ToxiproxyError extends Error {
  readonly code = 'TOXIPROXY';
}

const HOST = '127.0.0.1';
const START_MS_MAX = 10_000;
const CALL_MS_MAX = 5000;
const POLL_MS = 25;

export interface ToxiproxyOptions {
  readonly binary: string;
  readonly apiPort: number;
  readonly spawn: (child: ChildOptions) => Promise<Child>;
  readonly workingDirectory: string;
  readonly logFile: string;
}

/** The process. Everything that it does to the links ends with it, and so do the links. */
export async function startToxiproxy(options: ToxiproxyOptions): Promise<{ child: Child; api: ToxiproxyApi }> {
  const { binary, apiPort, workingDirectory, logFile } = options;
  const child = await options.spawn({
    name: 'toxiproxy',
    command: binary,
    arguments: ['-host', HOST, '-port', String(apiPort)],
    environment: { LOG_LEVEL: 'warn' },
    workingDirectory,
    logFile,
  });
  const api = new ToxiproxyApi(`http://${HOST}:${apiPort}`);
  const deadline = performance.now() + START_MS_MAX;
  for (;;) {
    if (await api.answers()) return { child, api };
    if (child.status !== undefined)
      throw new ToxiproxyError(`toxiproxy exited with code ${child.status.code} at its start: see ${logFile}`);
    if (performance.now() > deadline) {
      await child.stop(0);
      throw new ToxiproxyError(`toxiproxy does not answer after ${START_MS_MAX / 1000} s: see ${logFile}`);
    }
    await delay(POLL_MS);
  }
}

/** The proxy through which `from` dials `to`. */
export function proxyName({ from, to }: Edge): string {
  return `node_${from}-node_${to}`;
}

export class ToxiproxyApi {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  async answers(): Promise<boolean> {
    return this.#ask('GET', '/version').then(
      () => true,
      () => false,
    );
  }

  /** One proxy for each ordered pair of nodes, in front of the peers' port of that name. Replaces whatever there was. */
  async openLinks(places: readonly NodePlace[], port: string): Promise<LinkPlan[]> {
    for (const name of Object.keys(await this.proxies())) await this.#ask('DELETE', `/proxies/${name}`);
    return Promise.all(
      allEdges(places.length).map(async ({ from, to }) => {
        const { host, ports } = places[to]!;
        const upstream = `${host}:${ports[port]}`;
        const body = { name: proxyName({ from, to }), listen: `${HOST}:0`, upstream, enabled: true };
        const { listen } = (await this.#ask('POST', '/proxies', body)) as Proxy;
        return { from, to, host: HOST, port: Number(listen.split(':').at(-1)) };
      }),
    );
  }

  async proxies(): Promise<Readonly<Record<string, Proxy>>> {
    return (await this.#ask('GET', '/proxies')) as Record<string, Proxy>;
  }

  async addToxic(proxy: string, toxic: Toxic): Promise<void> {
    await this.#ask('POST', `/proxies/${proxy}/toxics`, { ...toxic, toxicity: 1 });
  }

  async removeToxic(proxy: string, name: string): Promise<void> {
    await this.#ask('DELETE', `/proxies/${proxy}/toxics/${name}`);
  }

  /** Links as good as new: no toxic is left anywhere. */
  async reset(): Promise<void> {
    await this.#ask('POST', '/reset');
  }

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(CALL_MS_MAX),
      ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
    }).catch((error: Error) => {
      throw new ToxiproxyError(`toxiproxy does not answer ${method} ${path}: ${error.message}`);
    });
    const text = await response.text();
    if (!response.ok)
      throw new ToxiproxyError(`toxiproxy refused ${method} ${path}: ${response.status} ${text.trim()}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  }
}
