/** `gameday open`: serves a finished run's report and its stored data on loopback, read-only, until it is told to stop. */

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { messageOf } from '../../kit/errors.ts';
import { RUN_FILES, type RunRecord } from '../run/record.ts';
import { type Grafana, startGrafana } from './grafana.ts';
import { shownWindowOf } from './input.ts';

/** Everything that is served; no path of a request ever becomes a path of a file. */
const SERVED: Readonly<Record<string, readonly [file: string, type: string]>> = {
  '/': [RUN_FILES.reportHtml, 'text/html; charset=utf-8'],
  '/report.md': [RUN_FILES.reportMarkdown, 'text/markdown; charset=utf-8'],
  '/junit.xml': [RUN_FILES.junit, 'application/xml; charset=utf-8'],
  '/run.json': [RUN_FILES.record, 'application/json; charset=utf-8'],
  '/k6-summary.json': [RUN_FILES.k6Summary, 'application/json; charset=utf-8'],
};

export interface StoredData {
  /** Base URL of a Prometheus that has the run's data. */
  readonly url: string;
  stop(): Promise<unknown>;
}

export interface OpenOptions {
  /** On 127.0.0.1; a free one unless given. */
  readonly port?: number;
  /** Aborting closes everything. */
  readonly signal: AbortSignal;
  /** Starts a Prometheus on (a copy of) the run's stored data; left out, only the report is served. */
  readonly openData?: (runDirectory: string, signal: AbortSignal) => Promise<StoredData>;
  /** Path of a Grafana executable, see `findGrafana`. */
  readonly grafana?: string | null;
}

export interface OpenedRun {
  readonly url: string;
  readonly prometheusUrl: string | null;
  /** The overview dashboard at the run's window. */
  readonly grafanaUrl: string | null;
  /** What to print: only addresses that answer, and why others are missing. */
  readonly lines: readonly string[];
  /** Harmless when called again. */
  close(): Promise<void>;
}

function server(runDirectory: string): FastifyInstance {
  const app = Fastify({ logger: false, forceCloseConnections: true });
  app.addHook('onRequest', async (request, reply) => {
    // A page elsewhere that resolves its own name to 127.0.0.1 must not read the run.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.host)) {
      return reply.code(421).send({
        error: { code: 'MISDIRECTED', message: `this server is 127.0.0.1, not ${request.host}`, definite: true },
      });
    }
    reply.headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
    });
  });
  for (const [url, [file, type]] of Object.entries(SERVED)) {
    app.get(url, async (_, reply) => {
      const text = await readFile(path.join(runDirectory, file)).catch(() => null);
      if (text === null)
        return reply
          .code(404)
          .send({ error: { code: 'NOT_FOUND', message: `this run has no ${file}`, definite: true } });
      return reply.type(type).send(text);
    });
  }
  app.setNotFoundHandler(async (_, reply) =>
    reply.code(404).send({
      error: { code: 'NOT_FOUND', message: `there is only ${Object.keys(SERVED).join(', ')}`, definite: true },
    }),
  );
  return app;
}

function exampleQuery(prometheusUrl: string, record: RunRecord): string {
  const { from, to } = shownWindowOf(record);
  return `curl -s '${prometheusUrl}/api/v1/query_range?query=up&start=${from / 1000}&end=${to / 1000}&step=5'`;
}

/** Rejects when the directory holds no run or the port is taken; what else does not start is said in `lines`. */
export async function openRun(runDirectory: string, options: OpenOptions): Promise<OpenedRun> {
  const record = JSON.parse(await readFile(path.join(runDirectory, RUN_FILES.record), 'utf8')) as RunRecord;
  const app = server(runDirectory);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const lines = [`Report      ${url}/`];
  let data: StoredData | null = null;
  let grafana: Grafana | null = null;
  try {
    data = (await options.openData?.(runDirectory, options.signal)) ?? null;
    if (data !== null)
      lines.push(
        `Prometheus  ${data.url}/api/v1/ (an API without pages), for example:`,
        `            ${exampleQuery(data.url, record)}`,
      );
  } catch (error) {
    lines.push(`Prometheus  is not there: ${messageOf(error)}`);
  }
  let grafanaUrl: string | null = null;
  if (data !== null && options.grafana != null) {
    try {
      grafana = await startGrafana({ binary: options.grafana, prometheusUrl: data.url, signal: options.signal });
      const { from, to } = shownWindowOf(record);
      grafanaUrl = `${grafana.url}/d/gameday-overview?from=${from}&to=${to}`;
      lines.push(`Grafana     ${grafanaUrl}`);
    } catch (error) {
      lines.push(`Grafana     is not there: ${messageOf(error)}`);
    }
  } else if (data !== null) {
    lines.push(
      'For Grafana, install it or set GAMEDAY_GRAFANA to its executable (https://grafana.com/grafana/download).',
    );
  }
  let closing: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closing ??= Promise.allSettled([app.close(), grafana?.stop(), data?.stop()]).then(() => undefined);
    return closing;
  };
  if (options.signal.aborted) await close();
  else options.signal.addEventListener('abort', () => void close(), { once: true });
  return { url, prometheusUrl: data?.url ?? null, grafanaUrl, lines, close };
}
