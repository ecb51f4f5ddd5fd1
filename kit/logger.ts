import { trace } from '@opentelemetry/api';
import { type DestinationStream, destination, type LevelWithSilent, type Logger, pino } from 'pino';

export type { Logger } from 'pino';
export type LogLevel = LevelWithSilent;

export const LOG_LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** On every line, e.g. `{ system: 'kv', node: 2 }`. */
  readonly bindings: Readonly<Record<string, string | number>>;
  /** Where lines go; standard output if absent. */
  readonly stream?: DestinationStream;
}

/** Field names whose values never reach a log, at the top and up to two levels down. */
const SECRET_FIELDS = ['authorization', 'cookie', 'token', 'adminToken', 'password', 'secret', 'privateKey', 'key_pem'];

/**
 * JSON lines, one event each, with ISO time and a level by name; trace_id and span_id while a span is active.
 * Standard output is written synchronously: what a killed process said last is what a game day wants to read.
 */
export function createLogger({ level, bindings, stream }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: bindings,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: activeTrace,
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    },
    stream ?? destination({ dest: 1, sync: true }),
  );
}

function activeTrace(): object {
  const context = trace.getActiveSpan()?.spanContext();
  return context === undefined ? {} : { trace_id: context.traceId, span_id: context.spanId };
}
