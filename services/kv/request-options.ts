import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from '../../kit/errors.ts';
import type { RequestOptions } from './api.ts';

const TIMEOUT_SECONDS_DEFAULT = 5;
const TIMEOUT_SECONDS_MAX = 30;

/**
 * What the headers `Request-Timeout` (seconds, decimal) and `Idempotency-Key` (1–128 printable ASCII characters) ask for.
 * @param nowMs when the request arrived, on the clock of `performance.now()`
 */
export function requestOptions(headers: IncomingHttpHeaders, nowMs: number): RequestOptions {
  const deadlineMs = nowMs + 1000 * timeoutSeconds(headers['request-timeout']);
  const idempotencyKey = headers['idempotency-key'];
  if (idempotencyKey === undefined) return { deadlineMs };
  if (typeof idempotencyKey !== 'string' || !/^[\x20-\x7e]{1,128}$/.test(idempotencyKey)) {
    throw new ServiceError('VALIDATION', 'header Idempotency-Key: requires 1 to 128 printable ASCII characters');
  }
  return { deadlineMs, idempotencyKey };
}

function timeoutSeconds(header: string | readonly string[] | undefined): number {
  if (header === undefined) return TIMEOUT_SECONDS_DEFAULT;
  const seconds = typeof header === 'string' && /^\d{1,9}(\.\d{1,9})?$/.test(header) ? Number(header) : Number.NaN;
  if (seconds > 0 && seconds <= TIMEOUT_SECONDS_MAX) return seconds;
  throw new ServiceError(
    'VALIDATION',
    `header Request-Timeout = ${JSON.stringify(header).slice(0, 60)}: requires seconds > 0 and <= ${TIMEOUT_SECONDS_MAX}`,
  );
}
