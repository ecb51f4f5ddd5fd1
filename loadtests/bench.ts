/**
 * The load of `gameday bench kv`, the same for the store and for its peer: what differs is a path and a body. Nothing is measured
 * here beside what k6 measures of every request, so that the load takes as little of the machine as it can.
 *
 * Variables: API `kv` or `etcd`; OPERATION `write`, `read` or `mixed` (nine reads, one write); TARGETS base URLs, asked in turn;
 * KEYS a JSON file with what can be read; RUN a prefix that makes written keys unique; VUS, SECONDS; RATE for an open model, in
 * operations per second; RAMP_SECONDS of the same load before, which are not measured; SUMMARY the file for the result.
 */
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import type { Params, RefinedResponse, ResponseType } from 'k6/http';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import type { Options } from 'k6/options';

const { API, OPERATION, RUN } = __ENV;
const targets = __ENV.TARGETS!.split(',');
const clients = Number(__ENV.VUS);
const duration = `${__ENV.SECONDS}s`;
const rate = Number(__ENV.RATE ?? 0);
const rampSeconds = Number(__ENV.RAMP_SECONDS);
/** Longer than an operation of the ramp takes. */
const STOP_SECONDS = 1;
const loadStart = `${rampSeconds + STOP_SECONDS + 0.5}s`;
const keys = new SharedArray('keys', () => JSON.parse(open(__ENV.KEYS!)) as string[]);

/** 256 bytes. */
const VALUE = 'abcdefghijklmnopqrstuvwxyz012345'.repeat(8);
const VALUE_BASE64 = encoding.b64encode(VALUE);
/** Every so many operations a VU looks into the answer; an odd number, so that reads are among them whatever the mix. */
const LOOK_EVERY = 97;
const WRITE_EVERY = 10;

const failures = new Counter('failures');

export const options: Options = {
  scenarios: {
    // New connections, and the end of those of an earlier k6, have compilers start again: neither is in what is measured.
    // Once the ramp has ended, its users take the load, over the same connections.
    ramp: { executor: 'constant-vus', vus: clients, duration: `${rampSeconds}s`, gracefulStop: `${STOP_SECONDS}s` },
    load:
      rate > 0
        ? {
            executor: 'constant-arrival-rate',
            rate,
            duration,
            preAllocatedVUs: clients,
            gracefulStop: '10s',
            startTime: loadStart,
          }
        : { executor: 'constant-vus', vus: clients, duration, gracefulStop: '10s', startTime: loadStart },
  },
  discardResponseBodies: true,
  systemTags: ['status', 'scenario'],
  summaryTrendStats: ['count', 'avg', 'min', 'med', 'max', 'p(95)', 'p(99)'],
  // k6 keeps a metric by its labels only where a threshold asks for it. These hold always.
  thresholds: Object.fromEntries(
    [
      'http_reqs{scenario:load}',
      ...targets.map((_, node) => `http_reqs{scenario:load,node:${node}}`),
      'dropped_iterations{scenario:load}',
      'failures{scenario:load}',
    ]
      .map((metric) => [metric, ['count>=0']])
      .concat([['http_req_duration{scenario:load}', ['max>=0']]]),
  ),
};

interface Adapter {
  /** The status of an acknowledged write. */
  readonly written: number;
  write(target: string, key: string, params: Params): RefinedResponse<ResponseType | undefined>;
  /** Linearizable. */
  read(target: string, key: string, params: Params): RefinedResponse<ResponseType | undefined>;
  /** What the answer to a read must hold. */
  readonly held: string;
}

const adapters: Readonly<Record<string, Adapter>> = {
  kv: {
    written: 201,
    write: (target, key, params) => http.post(`${target}/api/kv`, `{"key":"${key}","value":"${VALUE}"}`, params),
    read: (target, id, params) => http.get(`${target}/api/kv/${id}`, params),
    held: VALUE,
  },
  etcd: {
    written: 200,
    write: (target, key, params) =>
      http.post(`${target}/v3/kv/put`, `{"key":"${encoding.b64encode(key)}","value":"${VALUE_BASE64}"}`, params),
    read: (target, key, params) => http.post(`${target}/v3/kv/range`, `{"key":"${key}"}`, params),
    held: VALUE_BASE64,
  },
};

const adapter = adapters[API!]!;
const headers = { 'Content-Type': 'application/json' };
const plain = targets.map((_, node): Params => ({ headers, tags: { node: String(node) } }));
const looking = plain.map((params): Params => ({ ...params, responseType: 'text' }));

let count = 0;

export default function operation(): void {
  count += 1;
  const node = (__VU + count) % targets.length;
  if (OPERATION === 'write' || (OPERATION === 'mixed' && count % WRITE_EVERY === 0)) write(node);
  else read(node);
}

function write(node: number): void {
  const { status, error } = adapter.write(targets[node]!, `${RUN}-${__VU}-${count}`, plain[node]!);
  if (status !== adapter.written) fail(`a write at node ${node}: ${status} ${error}`);
}

function read(node: number): void {
  // Consecutive reads of one user are far apart, and no two users read the same.
  const key = keys[(__VU * 7919 + count * 101) % keys.length]!;
  const look = count % LOOK_EVERY === 0;
  const { status, error, body } = adapter.read(targets[node]!, key, look ? looking[node]! : plain[node]!);
  if (status !== 200) fail(`a read at node ${node}: ${status} ${error}`);
  else if (look && !String(body).includes(adapter.held)) fail(`a read at node ${node} without the value: ${body}`);
}

/** k6 writes the reason into its log, and goes on with the next operation. */
function fail(what: string): never {
  failures.add(1);
  throw new Error(what);
}

export function handleSummary(data: unknown): Record<string, string> {
  return { [__ENV.SUMMARY!]: JSON.stringify(data) };
}
