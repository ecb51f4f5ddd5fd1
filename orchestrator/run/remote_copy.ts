/**
 * A copy of everything that a run's Prometheus stores, sent to another one as it comes in (`--remote-write`), with the run's id on every series.
 * The run waits until it is out; whatever the receiver does never touches the verdict.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Document } from 'yaml';
import type { Endpoint } from './endpoint.ts';
import { type RemoteWriteRecord, RUN_FILES } from './record.ts';

/** Of one request; as many may be under way, and nobody knows what becomes of them, when a run ends before the copy is out. */
const SAMPLES_PER_SEND = 2000;
const POLL_MS = 50;

export class RemoteCopy {
  readonly #endpoint: Endpoint;
  readonly #runId: string;
  readonly #runDirectory: string;
  /** Holds what is secret for as long as the run lasts: its configuration stays in the run directory, and names these files only. */
  readonly #secrets: string;

  constructor(endpoint: Endpoint, run: { readonly id: string; readonly path: string }) {
    this.#endpoint = endpoint;
    this.#runId = run.id;
    this.#runDirectory = run.path;
    this.#secrets = mkdtempSync(join(run.path, '.remote-write-'));
  }

  /** Adds the receiver to a Prometheus configuration. */
  configure(document: Document): void {
    const receiver = {
      url: this.#endpoint.url,
      send_native_histograms: true,
      queue_config: {
        batch_send_deadline: '1s',
        max_samples_per_send: SAMPLES_PER_SEND,
        max_backoff: '1s',
        // A receiver that is busy for a moment costs nothing but time.
        retry_on_http_429: true,
      },
      write_relabel_configs: [
        { target_label: 'run_id', replacement: this.#runId },
        // The bases of links in alerts are of no use on every series.
        { action: 'labeldrop', regex: 'dashboard_base|runbook_base' },
      ],
      ...this.#authorization(),
    };
    document.set('remote_write', document.createNode([receiver]));
  }

  #authorization(): object {
    const { credentials } = this.#endpoint;
    if (credentials === null) return {};
    if (credentials.kind === 'bearer')
      return { authorization: { credentials_file: this.#secret('token', credentials.token) } };
    return {
      basic_auth: {
        username_file: this.#secret('user', credentials.user),
        password_file: this.#secret('password', credentials.password),
      },
    };
  }

  #secret(name: string, text: string): string {
    const file = join(this.#secrets, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  /** Waits until everything that is stored by now is out, and says what became of it. @param url of the run's Prometheus */
  async drain(url: string, timeoutMs: number): Promise<RemoteWriteRecord> {
    const deadline = performance.now() + timeoutMs;
    const { stored } = await readQueue(url);
    for (;;) {
      const queue = await readQueue(url);
      const done = queue.attempted - queue.underWay + queue.dropped >= stored;
      if (!done && performance.now() < deadline) {
        await delay(POLL_MS);
        continue;
      }
      const sent = Math.max(0, queue.attempted - queue.failed - queue.underWay);
      const missing = done ? queue.failed + queue.dropped : Math.max(0, stored - sent);
      return {
        url: this.#endpoint.shown,
        sent,
        missing,
        ...(missing > 0 ? { reason: await this.#reason() } : {}),
      };
    }
  }

  /** What Prometheus last said about the receiver. */
  async #reason(): Promise<string> {
    const log = await readFile(join(this.#runDirectory, RUN_FILES.logs, 'prometheus.log'), 'utf8').catch(() => '');
    const line = log.split('\n').findLast((text) => /level=(?:WARN|ERROR).*component=remote/.test(text)) ?? '';
    const said = /\berr="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"');
    return (
      said?.replaceAll(this.#endpoint.url, this.#endpoint.shown) ?? 'it was not fast enough; see logs/prometheus.log'
    );
  }

  /** Deletes what is secret, once Prometheus has ended: a query may hold a key, and Prometheus takes an address from its configuration only. */
  remove(): void {
    rmSync(this.#secrets, { recursive: true, force: true });
    const { search } = new URL(this.#endpoint.url);
    if (search === '') return;
    for (const name of [join(RUN_FILES.prometheus, 'prometheus.yml'), join(RUN_FILES.logs, 'prometheus.log')]) {
      const file = join(this.#runDirectory, name);
      if (existsSync(file)) writeFileSync(file, readFileSync(file, 'utf8').replaceAll(search, ''));
    }
  }
}

/** For a person: what is missing, and why. Null when all is there. */
export function missingSamples({ url, sent, missing, reason }: RemoteWriteRecord): string | null {
  if (missing === 0) return null;
  return `${missing} samples of ${sent + missing} are missing at ${url} (${reason}); the run itself has them all, and its verdict does not depend on the copy`;
}

/** Samples, native histograms included. */
interface Queue {
  readonly stored: number;
  /** Sent, or given up: each counted once, however often it was tried. */
  readonly attempted: number;
  readonly failed: number;
  readonly dropped: number;
  /** At most so many of `attempted` have no answer yet. */
  readonly underWay: number;
}

async function readQueue(url: string): Promise<Queue> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const sum = (what: string) =>
    ['samples', 'histograms']
      .map((kind) => new RegExp(`^prometheus_remote_storage_${kind}_${what}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))
      .flatMap((pattern) => [...text.matchAll(pattern)])
      .reduce((total, match) => total + Number(match[1]), 0);
  const shards = Number(/^prometheus_remote_storage_shards\{[^}]*\} (\S+)$/m.exec(text)?.[1] ?? 1);
  return {
    stored: sum('in_total'),
    attempted: sum('total') - sum('retried_total'),
    failed: sum('failed_total'),
    dropped: sum('dropped_total'),
    underWay: Math.min(sum('pending'), SAMPLES_PER_SEND * shards),
  };
}
