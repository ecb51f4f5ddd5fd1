export type VerdictErrorCode =
  | 'EXPRESSION_INVALID'
  | 'EXPRESSION_UNSUPPORTED'
  | 'RULES_INVALID'
  | 'RULES_CYCLE'
  | 'RULES_MISSING'
  | 'RUN_DIRECTORY_FOREIGN'
  | 'RUN_INCOMPLETE'
  | 'TSDB_MISSING'
  | 'TSDB_CORRUPT'
  | 'PROMETHEUS_NOT_STARTED'
  | 'PORT_IN_USE'
  | 'PROMETHEUS_UNREACHABLE'
  | 'PROMETHEUS_FOREIGN'
  | 'PROMETHEUS_REFUSED'
  | 'PROMETHEUS_TLS'
  | 'SAMPLES_TOO_MANY'
  | 'QUERY_FAILED'
  | 'QUERY_PARTIAL'
  | 'QUERY_TIMEOUT'
  | 'RESULT_UNSUPPORTED'
  | 'ABORTED';

/** An expected failure on the way to a verdict. The message says what is wrong, with the values, and the next step. */
export class VerdictError extends Error {
  override name = 'VerdictError';
  readonly code: VerdictErrorCode;
  constructor(code: VerdictErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
