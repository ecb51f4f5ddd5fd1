/** How the checkers look at the store once the load is over: all entries by linearizable reads, and the hash of a node's state. */
import type { SystemCheckers } from '../../kit/system.ts';
import type { KVEntry, NodeStatus } from './api.ts';

const PAGE_ENTRIES = 1000;
const ANSWER_MS_MAX = 5000;
/** `</api/kv?limit=1000&after=…>; rel="next"` */
const NEXT = /<([^>]+)>; rel="next"/;

async function ask(url: string, signal: AbortSignal): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]) });
  if (response.ok) return response;
  throw new Error(`GET ${url} was answered with ${response.status}: ${(await response.text()).slice(0, 200)}`);
}

export const checkers: SystemCheckers = {
  model: 'register',
  async *readAll(nodeUrl, signal) {
    let path: string | undefined = `/api/kv?limit=${PAGE_ENTRIES}`;
    while (path !== undefined) {
      const response: Response = await ask(nodeUrl + path, signal);
      for (const { id, value } of (await response.json()) as KVEntry[]) yield { key: id, value };
      path = NEXT.exec(response.headers.get('link') ?? '')?.[1];
    }
  },
  async state(nodeUrl, signal) {
    const response = await ask(`${nodeUrl}/status`, signal);
    const { applied_index, state_hash } = (await response.json()) as NodeStatus;
    return { appliedIndex: applied_index, hash: state_hash };
  },
};
