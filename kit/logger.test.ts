import { afterEach, describe, expect, test } from '@jest/globals';
import { type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { createLogger, type LogLevel } from './logger.ts';

function capture(level: LogLevel = 'info') {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { lines, logger: createLogger({ level, bindings: { system: 'kv', node: 2 }, stream }) };
}

describe('createLogger', () => {
  afterEach(() => context.disable());

  test('a line has time, level by name and the bindings', () => {
    const { lines, logger } = capture();
    logger.warn({ peer: 1 }, 'lost');
    logger.debug('not shown');
    expect(lines).toEqual([
      { level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), system: 'kv', node: 2, peer: 1, msg: 'lost' },
    ]);
  });

  test('secrets never reach a line, however they are nested', () => {
    const { lines, logger } = capture();
    logger.info({
      token: 's3cret',
      request: { headers: { authorization: 'Bearer s3cret' } },
      config: { adminToken: 's3cret' },
    });
    expect(JSON.stringify(lines)).not.toContain('s3cret');
    expect(JSON.stringify(lines)).toContain('[redacted]');
  });

  test('an active span puts its ids on the line', () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const spanId = 'b7ad6b7169203331';
    const active = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: 1 });
    const manager: ContextManager = {
      active: () => active,
      with: (_context, fn, thisArg, ...parameters) => fn.call(thisArg as never, ...parameters),
      bind: (_context, target) => target,
      enable: () => manager,
      disable: () => manager,
    };
    const { lines, logger } = capture();
    logger.info('outside');
    context.setGlobalContextManager(manager);
    logger.info('inside');
    expect(lines[0]).not.toHaveProperty('trace_id');
    expect(lines[1]).toMatchObject({ trace_id: traceId, span_id: spanId });
  });
});
