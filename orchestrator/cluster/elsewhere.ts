/** Nodes that somebody else started: asked, loaded and scraped; ended, paused and started by the manifest's hooks only. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Elsewhere, ElsewhereTarget, NodeFaultSet, NodePlace, SystemManifest } from '../../kit/system.ts';
import { ClusterStartError } from './cluster.ts';
import type { NodeState } from './node.ts';
import { NodeClient } from './node_client.ts';
import { within } from './within.ts';

export interface ElsewhereOptions {
  readonly manifest: SystemManifest;
  readonly readyTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onReady: (ready: number, total: number) => void;
}

const POLL_MS = 100;
/** A hook may reach the node by ssh or an orchestrator's API, and has to come back. */
const HOOK_MS = 30_000;
/** Once for the hook that strikes and once for the one that heals: with the end of the children they have to fit into seven seconds. */
const HOOK_INTERRUPTED_MS = 1500;
/** A node that was ended or paused answers nobody; so long may it take until that shows. */
const OUT_OF_SERVICE_MS = 5000;

/** The nodes of `SystemManifest.elsewhere`. */
export class ElsewhereCluster {
  readonly nodes: readonly ElsewhereNode[];

  private constructor(nodes: readonly ElsewhereNode[]) {
    this.nodes = nodes;
  }

  /** Resolves when every node is ready; throws `ClusterStartError`, naming what each of the others answers. */
  static async connect({ manifest, readyTimeoutMs, signal, onReady }: ElsewhereOptions): Promise<ElsewhereCluster> {
    const places = (manifest.elsewhere?.targets ?? []).map((target, index) => placeOf(target, index, manifest));
    const urls = places.map(({ url }) => url);
    const cluster = new ElsewhereCluster(places.map((place) => new ElsewhereNode(manifest, place, urls, signal)));
    const deadline = performance.now() + readyTimeoutMs;
    let last = -1;
    for (;;) {
      signal.throwIfAborted();
      const answers = await Promise.all(cluster.nodes.map((node) => node.readiness()));
      const ready = answers.filter((answer) => answer === true).length;
      if (ready !== last) onReady(ready, answers.length);
      last = ready;
      if (ready === answers.length) return cluster;
      if (performance.now() > deadline) throw notReady(answers, readyTimeoutMs);
      await delay(POLL_MS, undefined, { signal });
    }
  }

  /** Nothing: they are somebody else's. */
  async stop(): Promise<void> {}
}

function notReady(answers: readonly (true | string)[], timeoutMs: number): ClusterStartError {
  const lacking = answers.flatMap((answer, index) => (answer === true ? [] : [`node ${index}: ${answer}`]));
  return new ClusterStartError(
    `${answers.length - lacking.length} of ${answers.length} nodes elsewhere are ready after ${timeoutMs / 1000} s: ` +
      `start them, or correct their addresses (\`elsewhere.targets\`, --targets)\n${lacking.join('\n')}`,
  );
}

function placeOf(target: ElsewhereTarget, index: number, { ports }: SystemManifest): { url: string; place: NodePlace } {
  const { url: text, ports: others = {} } = typeof target === 'string' ? { url: target } : target;
  const url = new URL(text);
  const first = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  return {
    url: url.origin,
    place: { index, host: url.hostname, ports: { ...others, [ports[0]!.name]: first }, dataDirectory: '' },
  };
}

export class ElsewhereNode {
  readonly index: number;
  /** Base URL of the first port. */
  readonly url: string;
  readonly place: NodePlace;
  readonly #manifest: SystemManifest;
  readonly #client: NodeClient;
  readonly #urls: readonly string[];
  readonly #signal: AbortSignal;
  #state: NodeState = 'running';

  /** @param signal aborted when the run is interrupted */
  constructor(
    manifest: SystemManifest,
    { url, place }: { readonly url: string; readonly place: NodePlace },
    urls: readonly string[],
    signal: AbortSignal,
  ) {
    this.index = place.index;
    this.#manifest = manifest;
    this.place = place;
    this.url = url;
    this.#urls = urls;
    this.#signal = signal;
    this.#client = new NodeClient(manifest, url);
  }

  /** What the hooks made of it; whether it really runs is for `isReady` to say. */
  get state(): NodeState {
    return this.#state;
  }

  start(): Promise<void> {
    return this.#hook('start', 'running');
  }

  kill(): Promise<void> {
    return this.#hook('kill', 'stopped');
  }

  terminate(): Promise<void> {
    return this.#hook('stop', 'stopped');
  }

  pause(): Promise<void> {
    return this.#hook('pause', 'paused');
  }

  resume(): Promise<void> {
    return this.#hook('resume', 'running');
  }

  readiness(): Promise<true | string> {
    return this.#client.readiness();
  }

  /** A hook that resolves and does nothing would be a fault that never happened. */
  async outOfService(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + OUT_OF_SERVICE_MS;
    while ((await this.#client.readiness()) === true) {
      if (performance.now() > deadline)
        throw new Error(
          `node ${this.index} (${this.url}) is still ready ${OUT_OF_SERVICE_MS / 1000} s after its hook said that it is ${this.#state}`,
        );
      await delay(POLL_MS, undefined, { signal });
    }
  }

  async isReady(): Promise<boolean> {
    return this.#state === 'running' && (await this.#client.isReady());
  }

  serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#client.serves(timeoutMs, signal);
  }

  async hasRole(role: string): Promise<boolean> {
    return this.#state === 'running' && (await this.#client.hasRole(role));
  }

  operate(name: string): Promise<void> {
    return this.#client.operate(name, this.#urls);
  }

  upgrade(): never {
    throw this.#notOurs('upgraded');
  }

  async endsWithin(): Promise<never> {
    throw this.#notOurs('watched until it ends');
  }

  async rejoin(): Promise<never> {
    throw this.#notOurs('taken in again');
  }

  async applyFaults(): Promise<NodeFaultSet> {
    throw this.#notOurs('told to misbehave');
  }

  async #hook(name: Exclude<keyof Elsewhere, 'targets'>, state: NodeState): Promise<void> {
    const { elsewhere } = this.#manifest;
    if (elsewhere?.[name] === undefined) throw new Error(`${this.#manifest.name} has no hook elsewhere.${name}`);
    const work = () => elsewhere[name]!(this.index);
    await this.#limited(`elsewhere.${name}(${this.index})`, work);
    this.#state = state;
  }

  /** A run that was interrupted has seconds left, of which a hook that hangs may not take all; one that is about to come back is waited for. */
  async #limited(what: string, work: () => Promise<void>): Promise<void> {
    const given = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const hurry = (): void => {
      const late = new Error(`${what} has not come back ${HOOK_INTERRUPTED_MS / 1000} s after the run was interrupted`);
      timer = setTimeout(() => given.abort(late), HOOK_INTERRUPTED_MS);
    };
    if (this.#signal.aborted) hurry();
    else this.#signal.addEventListener('abort', hurry, { once: true });
    try {
      await within(HOOK_MS, what, work, given.signal);
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', hurry);
    }
  }

  #notOurs(what: string): Error {
    return new Error(`node ${this.index} (${this.url}) runs elsewhere and cannot be ${what} from here`);
  }
}
