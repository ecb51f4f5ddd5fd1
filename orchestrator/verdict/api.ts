/** Prometheus' HTTP API, as far as the orchestrator uses it. https://prometheus.io/docs/prometheus/latest/querying/api/ */
import { Agent, request } from 'undici';
import type { Grid } from './alert-state.ts';
import { VerdictError } from './errors.ts';

/** A bucket of a native histogram: which ends are included (0 `(]`, 1 `[)`, 2 `()`, 3 `[]`), its edges and its count. */
export type HistogramBucket = readonly [inclusion: number, left: string, right: string, count: string];

export interface NativeHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly HistogramBucket[];
}

/** Times in epoch milliseconds. */
export interface MatrixSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [timeMs: number, value: number])[];
  readonly histograms: readonly (readonly [timeMs: number, histogram: NativeHistogram])[];
}

export interface VectorElement {
  readonly labels: Readonly<Record<string, string>>;
  readonly timeMs: number;
  /** NaN when the element is a native histogram. */
  readonly value: number;
}

/** One rule of `/api/v1/rules`. */
export interface RuleStatus {
  readonly name: string;
  readonly type: 'alerting' | 'recording';
  readonly health: string;
  readonly lastError?: string;
  readonly state?: 'inactive' | 'pending' | 'firing';
}

export interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly value: string;
}

interface RawSeries {
  readonly metric: Record<string, string>;
  readonly values?: [number, string][];
  readonly histograms?: [number, NativeHistogram][];
  readonly value?: [number, string];
  readonly histogram?: [number, NativeHistogram];
}

/** Most steps in one range query; Prometheus refuses more than 11,000. */
const STEPS_MAX = 10_000;

/**
 * Errors are VerdictError QUERY_FAILED, QUERY_TIMEOUT, PROMETHEUS_UNREACHABLE, TSDB_CORRUPT; of a Prometheus that is not our own also
 * PROMETHEUS_FOREIGN (something else answers), PROMETHEUS_REFUSED (401, 403), PROMETHEUS_TLS and QUERY_PARTIAL. None shows what `headers` say.
 */
/** As `/api/v1/targets` has it. */
export interface ScrapeTarget {
  readonly labels: Readonly<Record<string, string>>;
  readonly scrapeUrl: string;
  readonly health: 'up' | 'down' | 'unknown';
  /** Empty when the last scrape succeeded. */
  readonly lastError: string;
}

export class PromApi {
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #whole: boolean;
  // An agent of our own: a proxy from the environment must not stand between two processes on loopback.
  readonly #agent = new Agent({ connections: 8 });

  /** @param o `headers` of every request, such as its authorization; `whole` refuses an answer that comes with a warning, since what is missing would be taken for silence */
  constructor(
    url: string,
    o: {
      readonly timeoutMs?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly whole?: boolean;
    } = {},
  ) {
    this.#url = url;
    this.#timeoutMs = o.timeoutMs ?? 60_000;
    this.#headers = o.headers ?? {};
    this.#whole = o.whole ?? false;
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** Instant query; `timeMs` defaults to now. */
  async query(expr: string, timeMs?: number): Promise<VectorElement[]> {
    const data = await this.#post<{ resultType: string; result: unknown }>('query', { query: expr, ...time(timeMs) });
    if (data.resultType === 'scalar') {
      const [seconds, value] = data.result as [number, string];
      return [{ labels: {}, timeMs: Math.round(seconds * 1000), value: parseValue(value) }];
    }
    return (data.result as RawSeries[]).map((series) => {
      const [seconds] = series.value ?? series.histogram ?? [0];
      return {
        labels: series.metric,
        timeMs: Math.round(seconds * 1000),
        value: parseValue(series.value?.[1] ?? 'NaN'),
      };
    });
  }

  /** The stored samples of a selector in (timeMs − rangeMs, timeMs], with their own times. */
  async samples(selector: string, timeMs: number, rangeMs: number): Promise<MatrixSeries[]> {
    const query = `${selector}[${Math.max(1, Math.ceil(rangeMs))}ms]`;
    const data = await this.#post<{ result: RawSeries[] }>('query', { query, ...time(timeMs) });
    return data.result.map(matrixSeries);
  }

  /** Range query at the moments of the grid; longer grids than one request may have are asked for in pieces. */
  async queryRange(expr: string, grid: Grid): Promise<MatrixSeries[]> {
    const merged = new Map<string, MatrixSeries>();
    for (let fromMs = grid.fromMs; fromMs <= grid.toMs; fromMs += STEPS_MAX * grid.stepMs) {
      const toMs = Math.min(grid.toMs, fromMs + (STEPS_MAX - 1) * grid.stepMs);
      const body = {
        query: expr,
        start: String(fromMs / 1000),
        end: String(toMs / 1000),
        step: String(grid.stepMs / 1000),
      };
      for (const raw of (await this.#post<{ result: RawSeries[] }>('query_range', body)).result) {
        const next = matrixSeries(raw);
        const key = JSON.stringify(Object.entries(next.labels).sort());
        const before = merged.get(key);
        merged.set(key, before === undefined ? next : joined(before, next));
      }
    }
    return [...merged.values()];
  }

  /** Label sets of the series that match any of the selectors in the window. */
  async series(selectors: readonly string[], fromMs: number, toMs: number): Promise<Record<string, string>[]> {
    const body = new URLSearchParams(selectors.map((selector) => ['match[]', selector]));
    body.set('start', String(fromMs / 1000));
    body.set('end', String(toMs / 1000));
    return this.#call('series', body);
  }

  async labels(): Promise<string[]> {
    return this.#call('labels', new URLSearchParams());
  }

  /** The rules that this Prometheus evaluates, over all groups. */
  async rules(): Promise<RuleStatus[]> {
    const data = await this.#call<{ groups: { rules: RuleStatus[] }[] }>('rules');
    return data.groups.flatMap((group) => group.rules);
  }

  async alerts(): Promise<ActiveAlert[]> {
    return (await this.#call<{ alerts: ActiveAlert[] }>('alerts')).alerts;
  }

  /** What is scraped now, and how the last scrape of each went. */
  async targets(): Promise<ScrapeTarget[]> {
    return (await this.#call<{ activeTargets: ScrapeTarget[] }>('targets?state=active')).activeTargets;
  }

  /** Sends one remote-write request: snappy-compressed protobuf. */
  async write(body: Uint8Array): Promise<void> {
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'x-prometheus-remote-write-version': '0.1.0',
    };
    const { status, text } = await this.#send('write', 'POST', headers, body);
    if (status >= 300)
      throw new VerdictError('QUERY_FAILED', `Prometheus refused recomputed samples (${status}): ${text.trim()}`);
  }

  #post<T>(path: string, body: Record<string, string>): Promise<T> {
    return this.#call(path, new URLSearchParams(body));
  }

  /** GET without a form, POST with one. */
  async #call<T>(path: string, form?: URLSearchParams): Promise<T> {
    const { status, text } =
      form === undefined
        ? await this.#send(path, 'GET', {})
        : await this.#send(path, 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, form.toString());
    if (status === 401 || status === 403) throw this.#refused(status);
    const answer = parsedAnswer<T>(text);
    if (answer === null) {
      // A query that took too long is a 503 too, but with a body that says so.
      if (status === 503) throw this.#unavailable(status);
      throw this.#foreign(path, status, text);
    }
    if (answer.status === 'success') {
      // What PromQL remarks on an expression is another matter.
      const warnings = (answer.warnings ?? []).filter((warning) => !warning.startsWith('PromQL '));
      if (this.#whole && warnings.length > 0) throw this.#partial(warnings);
      return answer.data;
    }
    const error = answer.error ?? '';
    if (/cannot populate chunk|checksum mismatch|corrupt/.test(error))
      throw new VerdictError('TSDB_CORRUPT', `the stored series are damaged: ${error} (run the scenario again)`);
    const code = answer.errorType === 'timeout' ? 'QUERY_TIMEOUT' : 'QUERY_FAILED';
    throw new VerdictError(code, `${form?.get('query') ?? path}: ${error || `status ${status}`}`);
  }

  #partial(warnings: readonly string[]): VerdictError {
    return new VerdictError(
      'QUERY_PARTIAL',
      `Prometheus at ${this.#url} answers with a warning, so series may be missing from what it says: ${warnings.join('; ').slice(0, 300)}`,
    );
  }

  #refused(status: number): VerdictError {
    const why = status === 401 ? 'it wants to know who asks' : 'these credentials may not ask';
    return new VerdictError('PROMETHEUS_REFUSED', `Prometheus at ${this.#url} refuses (status ${status}): ${why}`);
  }

  #foreign(path: string, status: number, text: string): VerdictError {
    const beginning = text.replaceAll(/\s+/g, ' ').trim().slice(0, 80);
    const what = beginning === '' ? 'nothing more' : `\`${beginning}\``;
    return new VerdictError(
      'PROMETHEUS_FOREIGN',
      `${this.#url} is no Prometheus: /api/v1/${path} answers with status ${status} and ${what}, not in its API's JSON; give the address under which /api/v1/query is, with its path prefix if it has one`,
    );
  }

  #unavailable(status: number): VerdictError {
    return new VerdictError(
      'PROMETHEUS_UNREACHABLE',
      `Prometheus at ${this.#url} is starting or stopping (status ${status}): see its log`,
    );
  }

  async #send(
    path: string,
    method: 'GET' | 'POST',
    headers: Record<string, string>,
    body?: string | Uint8Array,
  ): Promise<{ status: number; text: string }> {
    try {
      const response = await request(`${this.#url}/api/v1/${path}`, {
        method,
        headers: { ...headers, ...this.#headers },
        body: body ?? null,
        dispatcher: this.#agent,
        headersTimeout: this.#timeoutMs,
        bodyTimeout: this.#timeoutMs,
      });
      return { status: response.statusCode, text: await response.body.text() };
    } catch (cause) {
      const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException;
      if (TLS_ERROR.test(code))
        throw new VerdictError(
          'PROMETHEUS_TLS',
          `TLS to ${this.#url} fails: ${message.split('\n', 1)[0]} (${code}); NODE_EXTRA_CA_CERTS=<file> adds an authority to trust, and a port without TLS is http://`,
          { cause },
        );
      if (/TIMEOUT|TIMEDOUT/.test(code))
        throw new VerdictError(
          'QUERY_TIMEOUT',
          `Prometheus at ${this.#url} did not answer ${path} in ${this.#timeoutMs} ms`,
          { cause },
        );
      throw new VerdictError('PROMETHEUS_UNREACHABLE', `no answer from Prometheus at ${this.#url}: ${message}`, {
        cause,
      });
    }
  }
}

/** Codes that Node and OpenSSL give to a certificate that is not trusted, and to a port that does not speak TLS. */
const TLS_ERROR = /CERT|^ERR_TLS|^ERR_SSL|SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|^EPROTO$/;

interface Answer<T> {
  readonly status: 'success' | 'error';
  readonly data: T;
  readonly errorType?: string;
  readonly error?: string;
  /** What is wrong with the data although it is a success: a store behind it that did not answer, say. */
  readonly warnings?: readonly string[];
}

/** Null for anything that is not an answer in the form of Prometheus' API. */
function parsedAnswer<T>(text: string): Answer<T> | null {
  try {
    const answer = JSON.parse(text) as Answer<T> | null;
    return answer?.status === 'success' || answer?.status === 'error' ? answer : null;
  } catch {
    return null;
  }
}

function time(timeMs: number | undefined): Record<string, string> {
  return timeMs === undefined ? {} : { time: String(timeMs / 1000) };
}

function matrixSeries(raw: RawSeries): MatrixSeries {
  return {
    labels: raw.metric,
    points: (raw.values ?? []).map(([seconds, value]) => [Math.round(seconds * 1000), parseValue(value)]),
    histograms: (raw.histograms ?? []).map(([seconds, histogram]) => [Math.round(seconds * 1000), histogram]),
  };
}

function joined(before: MatrixSeries, next: MatrixSeries): MatrixSeries {
  return {
    labels: before.labels,
    points: [...before.points, ...next.points],
    histograms: [...before.histograms, ...next.histograms],
  };
}

/** Prometheus writes the infinities as `+Inf` and `-Inf`. */
export function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  return Number(text);
}
