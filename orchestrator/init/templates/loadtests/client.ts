/** Decide: how one value is written and read. Retries, other nodes, metrics and the history are looked after by `steady.ts`. */
import http from 'k6/http';
import type { RegisterClient } from '../../../../loadtests/lib/register.ts';

/** Metrics are filed under this name: the URL would make one series for each key. */
const tags = { name: '/registers/:key' };

export const client: RegisterClient = {
  write({ url, key, value, timeout }) {
    return reply(http.put(`${url}/registers/${key}`, value, { timeout, tags }));
  },

  read({ url, key, timeout }) {
    const response = http.get(`${url}/registers/${key}`, { timeout, tags, responseType: 'text' });
    return { ...reply(response), value: response.status === 200 ? response.body : null };
  },
};

interface Answer {
  readonly status: number;
  readonly error_code: number;
  readonly timings: { readonly blocked: number; readonly connecting: number; readonly duration: number };
}

/** 2xx: it is done. 404: there is no such key. 5xx, and status 0 for no answer: another node is asked. */
function reply({ status, error_code: errorCode, timings }: Answer) {
  return { status, errorCode, seconds: (timings.blocked + timings.connecting + timings.duration) / 1000 };
}
