import { get } from 'node:http';
import { get as getSecurely } from 'node:https';

/**
 * Status of a GET, or undefined when there was no answer in time. No connection is kept and no proxy is used: what is asked is
 * whether this node, now, answers a client that knows nothing of it.
 */
export async function httpStatus(url: string, timeoutMs: number, signal?: AbortSignal): Promise<number | undefined> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const ask = url.startsWith('https:') ? getSecurely : get;
  return new Promise((resolve) => {
    const request = ask(
      url,
      { agent: false, signal: signal ? AbortSignal.any([signal, deadline]) : deadline },
      (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
        response.once('error', () => resolve(undefined));
      },
    );
    request.once('error', () => resolve(undefined));
  });
}

export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}
