/** A process with an application of the kit and one slow route, for the test of an orderly end. Prints its URL; `release` on stdin lets go. */
import { once } from 'node:events';
import { createApp } from '../http.ts';
import { Lifecycle } from '../lifecycle.ts';
import { createLogger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';

const logger = createLogger({ level: 'info', bindings: { system: 'slow' } });
const lifecycle = new Lifecycle({ logger, timeoutMs: Number(process.argv[2]) });
lifecycle.opened('store', () => logger.info('store closed'));
const metrics = createMetrics({ info: { system: 'slow', node: '0', version: '1' }, runtime: false });
const app = await createApp({ logger, metrics, ready: () => ({ ready: true }) });
const released = once(process.stdin, 'data');
app.get('/slow', async () => {
  logger.info('request arrived');
  await released;
  return { done: true };
});
app.get('/bug', () => {
  queueMicrotask(() => {
    throw new Error('a bug');
  });
  return {};
});
lifecycle.opened('app', () => app.close());
logger.info({ url: await app.listen({ host: '127.0.0.1', port: 0 }) }, 'listening');
