/** Asks one node of the key-value store over HTTP. Each question has a connection of its own: a node may be another process by now. */
import { request } from 'node:http';
import type { NodeStatus, RaftHealth, ResyncAccepted, ResyncStats, SyncStatus } from '../../../services/kv/api.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const ANSWER_TIMEOUT_MS = 1000;
/** A forced resync first takes a snapshot. */
const RESYNC_TIMEOUT_MS = 10_000;

export class NodeClient {
  readonly url: string;
  /** `127.0.0.1:8080`. */
  readonly address: string;
  readonly #timeoutMs: number;

  constructor(url: string, timeoutMs = ANSWER_TIMEOUT_MS) {
    this.url = url;
    this.address = new URL(url).host;
    this.#timeoutMs = timeoutMs;
  }

  /** This and the following are undefined when the node does not answer, or not with what was asked for. */
  status(): Promise<NodeStatus | undefined> {
    return this.#json('/status');
  }

  health(): Promise<RaftHealth | undefined> {
    return this.#json('/_raft/health');
  }

  /** As the leader sees it, whichever node is asked. */
  syncStatus(): Promise<SyncStatus | undefined> {
    return this.#json('/_raft/sync-status');
  }

  resyncStats(): Promise<ResyncStats | undefined> {
    return this.#json('/_raft/resync_stats');
  }

  /** Client requests answered since the node started. */
  async requests(): Promise<number | undefined> {
    const answer = await this.#ask('GET', '/metrics', this.#timeoutMs);
    return answer?.status === 200 ? clientRequests(answer.body) : undefined;
  }

  /** What the node says, an error as well; undefined when it says nothing. */
  async forceResync(target: string): Promise<ResyncAccepted | { readonly error: string } | undefined> {
    const path = `/_raft/force-resync?target=${encodeURIComponent(target)}`;
    const answer = await this.#ask('POST', path, RESYNC_TIMEOUT_MS);
    if (answer === undefined) return undefined;
    if (answer.status === 202) return JSON.parse(answer.body) as ResyncAccepted;
    return { error: errorOf(answer) };
  }

  async #json<T>(path: string): Promise<T | undefined> {
    const answer = await this.#ask('GET', path, this.#timeoutMs);
    if (answer?.status !== 200) return undefined;
    try {
      return JSON.parse(answer.body) as T;
    } catch {
      return undefined; // Something else listens there.
    }
  }

  #ask(method: string, path: string, timeoutMs: number): Promise<Answer | undefined> {
    return new Promise((resolve) => {
      // The node is told how long it may take: a follower that has to find a leader first would wait for longer.
      const headers = { 'request-timeout': String(timeoutMs / 1000) };
      const options = { method, headers, agent: false, signal: AbortSignal.timeout(timeoutMs) };
      const asked = request(this.url + path, options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
        });
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
        response.once('error', () => resolve(undefined));
      });
      asked.once('error', () => resolve(undefined));
      asked.end();
    });
  }
}

function errorOf({ status, body }: Answer): string {
  try {
    const { error } = JSON.parse(body) as { error: { code: string; message: string } };
    return `${error.message} (${error.code})`;
  } catch {
    return `HTTP ${status}`;
  }
}

/** The sum of `http_requests_total` over the routes under /api/, from the Prometheus text format. */
export function clientRequests(metrics: string): number {
  const samples = metrics.matchAll(/^http_requests_total\{[^}]*route="\/api\/[^}]*\} (\S+)$/gm);
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}
