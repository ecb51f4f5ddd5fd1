/** The codes that every system may use; a system adds its own in the same spelling. */
export type ErrorCode =
  | 'VALIDATION'
  | 'NOT_JSON'
  | 'BODY_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UNAUTHORIZED'
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'CONFLICT'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'MISDIRECTED'
  | 'OVERLOADED'
  | 'NO_QUORUM'
  | 'TIMEOUT'
  | 'STORAGE_FULL'
  | 'SHUTTING_DOWN'
  | 'INTERNAL';

export interface ServiceErrorOptions {
  /** HTTP status of the answer; the code's usual one if absent. */
  readonly status?: number;
  /** True: the operation certainly had no effect. False: it may still take effect, a retry needs an idempotency key. */
  readonly definite?: boolean;
  readonly retryAfterSeconds?: number;
  readonly details?: unknown;
  readonly cause?: unknown;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  VALIDATION: 400,
  NOT_JSON: 400,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNAUTHORIZED: 401,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  IDEMPOTENCY_KEY_REUSED: 422,
  MISDIRECTED: 421,
  OVERLOADED: 503,
  NO_QUORUM: 503,
  TIMEOUT: 504,
  STORAGE_FULL: 507,
  SHUTTING_DOWN: 503,
  INTERNAL: 500,
};

/** What has passed when a request is sent again; the client waits this long first. */
const RETRY_AFTER_SECONDS: Partial<Readonly<Record<ErrorCode, number>>> = {
  OVERLOADED: 1,
  NO_QUORUM: 1,
  SHUTTING_DOWN: 1,
};

/** Codes whose usual meaning is "nobody knows what became of it". */
const INDEFINITE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['TIMEOUT', 'INTERNAL']);

/** An expected failure of a request: a code for programs, a sentence for people, and whether the outcome is definite. */
export class ServiceError extends Error {
  override name = 'ServiceError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly definite: boolean;
  readonly retryAfterSeconds?: number;
  readonly details?: unknown;

  constructor(code: ErrorCode, message: string, options: ServiceErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.definite = options.definite ?? !INDEFINITE.has(code);
    const retryAfterSeconds = options.retryAfterSeconds ?? RETRY_AFTER_SECONDS[code];
    if (retryAfterSeconds !== undefined) this.retryAfterSeconds = retryAfterSeconds;
    if (options.details !== undefined) this.details = options.details;
  }
}

/** The body of every answer that is an error. */
export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly definite: boolean;
    readonly details?: unknown;
  };
}

export function errorBody(error: ServiceError): ErrorBody {
  const { code, message, definite, details } = error;
  return { error: details === undefined ? { code, message, definite } : { code, message, definite, details } };
}

/** What a person is told of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
