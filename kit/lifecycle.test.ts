import { EventEmitter } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { Lifecycle } from './lifecycle.ts';
import { createLogger } from './logger.ts';
import { until } from './until.ts';

function build(timeoutMs = 1000) {
  const lines: Record<string, unknown>[] = [];
  const exits: number[] = [];
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  const logger = createLogger({
    level: 'info',
    bindings: {},
    stream: { write: (line) => void lines.push(JSON.parse(line)) },
  });
  return { lifecycle: new Lifecycle({ logger, timeoutMs, host }), host, exits, lines };
}

describe('Lifecycle', () => {
  test.each(['SIGINT', 'SIGTERM'])(
    '%s closes in reverse order, one after the other, and exits with 0',
    async (signal) => {
      const { lifecycle, host, exits } = build();
      const order: string[] = [];
      for (const name of ['telemetry', 'node', 'app']) {
        lifecycle.opened(name, async () => {
          order.push(`${name} closing`);
          await new Promise((resolve) => setImmediate(resolve));
          order.push(`${name} closed`);
        });
      }
      host.emit(signal);
      await until(() => exits.length > 0);
      expect(order).toEqual(['app', 'node', 'telemetry'].flatMap((name) => [`${name} closing`, `${name} closed`]));
      expect(exits).toEqual([0]);
    },
  );

  test('a part that cannot be closed does not keep the others open, and the exit code says so', async () => {
    const { lifecycle, exits, lines } = build();
    const closed: string[] = [];
    lifecycle.opened('node', () => closed.push('node'));
    lifecycle.opened('app', () => {
      throw new Error('stuck');
    });
    await lifecycle.stop('test');
    expect([closed, exits]).toEqual([['node'], [1]]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'error', closing: 'app', msg: 'could not be closed' }),
    );
  });

  test('what hangs is named when the time is over', async () => {
    const { lifecycle, exits, lines } = build(5);
    lifecycle.opened('app', () => new Promise(() => {}));
    void lifecycle.stop('test');
    await until(() => exits.length > 0);
    expect(exits).toEqual([1]);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', closing: 'app', timeout_ms: 5, msg: 'not closed in time' });
  });

  test('a second signal ends the process at once', () => {
    const { lifecycle, host, exits } = build();
    lifecycle.opened('app', () => new Promise(() => {}));
    host.emit('SIGTERM');
    expect(exits).toEqual([]);
    host.emit('SIGINT');
    expect(exits).toEqual([130]);
  });

  test.each(['uncaughtException', 'unhandledRejection'])('%s is logged and ends the process', (event) => {
    const { host, exits, lines } = build();
    host.emit(event, new Error('bug'));
    expect(exits).toEqual([1]);
    expect(lines[0]).toMatchObject({ level: 'fatal', event, err: { message: 'bug' } });
  });

  test('stop can be called with another exit code, and only once', async () => {
    const { lifecycle, exits } = build();
    await Promise.all([lifecycle.stop('disk full', 1), lifecycle.stop('again')]);
    expect(exits).toEqual([1]);
  });
});
