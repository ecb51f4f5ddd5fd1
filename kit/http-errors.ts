import type { Socket } from 'node:net';
import type { FastifyReply, FastifySchemaValidationError } from 'fastify';
import { errorBody, ServiceError } from './errors.ts';
import { describeViolation } from './schema.ts';

/** What Fastify calls the parts of a request, and what a client calls them. */
const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', headers: 'header' };

/** The first broken rule of a request's schema, as the error that is sent. */
export function schemaError(errors: readonly FastifySchemaValidationError[], part: string): ServiceError {
  const error = errors[0]! as Parameters<typeof describeViolation>[0];
  return new ServiceError('VALIDATION', describeViolation(error, PARTS[part] ?? part));
}

/**
 * Whatever was thrown while a request was handled, as the error that is sent. Only a ServiceError and what Fastify says about the
 * request itself are shown to the client; anything else is INTERNAL, and its text stays in the log.
 */
export function toServiceError(error: unknown, bodyBytesMax: number): ServiceError {
  if (error instanceof ServiceError) return error;
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ServiceError('BODY_TOO_LARGE', `the body is too large: requires at most ${bodyBytesMax} bytes`);
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ServiceError(
        'UNSUPPORTED_MEDIA_TYPE',
        'the body has no usable type: send the header "Content-Type: application/json"',
      );
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ServiceError('NOT_JSON', 'the body is not JSON: send one JSON document in UTF-8');
  }
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new ServiceError('VALIDATION', (error as Error).message, { status: statusCode });
  }
  return new ServiceError('INTERNAL', 'an internal error; the log of this node says more', { cause: error });
}

export function sendError(reply: FastifyReply, error: ServiceError): FastifyReply {
  if (error.retryAfterSeconds !== undefined) reply.header('Retry-After', String(error.retryAfterSeconds));
  return reply.code(error.status).send(errorBody(error));
}

/** Answers what is not even HTTP, on the bare socket. */
export function answerUnparsable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code !== 'ECONNRESET' && socket.writable) {
    const answer = unparsable(error.code);
    const body = JSON.stringify(errorBody(answer));
    // Without a reason phrase (RFC 9112, section 4): importing `node:http` for its names costs every node 3 MB of what that drags in.
    socket.write(
      `HTTP/1.1 ${answer.status} \r\nConnection: close\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}

function unparsable(code: string | undefined): ServiceError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ServiceError('TIMEOUT', 'the request did not arrive in time', { status: 408, definite: true });
    case 'HPE_HEADER_OVERFLOW':
      return new ServiceError('VALIDATION', 'the headers are too large', { status: 431 });
    default:
      return new ServiceError('VALIDATION', 'the request is not HTTP/1.1');
  }
}
