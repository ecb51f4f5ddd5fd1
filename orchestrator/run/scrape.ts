/** The nodes as targets of the run's Prometheus, and why it may not get anything from one. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodePlace, SystemMetrics } from '../../kit/system.ts';
import type { PromApi, ScrapeTarget } from '../verdict/api.ts';
import type { TargetGroup } from './prometheus_files.ts';

const SCRAPED_TIMEOUT_MS = 15_000;
/** A node that answers, and cannot be understood so long after its first scrape, will not be: the seconds hold several scrapes. */
const DEFINITE_MS = 3000;
const POLL_MS = 100;

/** Prometheus does not get the metrics of a node, or of the orchestrator itself. */
export class TelemetryError extends Error {
  readonly code = 'TELEMETRY_MISSING';
  constructor(up: number, expected: number, down: readonly ScrapeTarget[]) {
    const lacking = down.map((target) => `${nameOf(target)}: ${reasonOf(target)}`);
    super(
      [
        `Prometheus gets metrics from ${up} of ${expected} targets: correct what the others answer, or \`metrics\` in the manifest`,
        ...lacking,
      ].join('\n'),
    );
    this.name = 'TelemetryError';
  }
}

/** `node` as `file_sd` has it. Its instance is the node's first port, whatever port its metrics are on. */
export function nodeTarget(
  { index, url, place }: { readonly index: number; readonly url: string; readonly place: NodePlace },
  { path, port }: SystemMetrics,
  system: string,
): TargetGroup {
  const { protocol, hostname, host } = new URL(url);
  const own = port === undefined ? undefined : place.ports[port];
  const address = own === undefined ? host : `${hostname}:${own}`;
  return {
    targets: [address],
    labels: {
      ...{ job: system, node: String(index), instance: host, __metrics_path__: path },
      ...(protocol === 'https:' ? { __scheme__: 'https' } : {}),
    },
  };
}

/** Resolves when so many targets have been scraped with success. @throws TelemetryError, which says why each of the others was not */
export async function untilScraped(api: PromApi, expected: number, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const targets = await api.targets();
    const down = targets.filter(({ health }) => health !== 'up');
    const up = targets.length - down.length;
    if (up >= expected) return;
    const waitedMs = performance.now() - startedAt;
    const isDefinite = targets.length >= expected && down.some(isNotUnderstood);
    if (waitedMs > SCRAPED_TIMEOUT_MS || (isDefinite && waitedMs > DEFINITE_MS))
      throw new TelemetryError(up, expected, down);
    await delay(POLL_MS, undefined, { signal });
  }
}

/** It answered: with something else than metrics, or not with 2xx. What a node that is still starting does is another matter. */
function isNotUnderstood({ lastError }: ScrapeTarget): boolean {
  return lastError !== '' && !/^Get "|HTTP status 5|context (deadline|canceled)/.test(lastError);
}

function nameOf({ labels, scrapeUrl }: ScrapeTarget): string {
  return `${labels.node === undefined ? 'the orchestrator' : `node ${labels.node}`} (${scrapeUrl})`;
}

function reasonOf(target: ScrapeTarget): string {
  const { lastError } = target;
  if (lastError === '') return 'not scraped yet';
  const isStatus = lastError.startsWith('server returned HTTP status');
  return isNotUnderstood(target) && !isStatus ? `its metrics do not parse: ${lastError}` : lastError;
}
