import { createLogger } from '../../../kit/logger.ts';
import { createMetrics } from '../../../kit/metrics.ts';
import { createKvApp, type KvAppOptions } from '../app.ts';
import { FakeNode } from './fake-node.ts';

export const ADMIN_TOKEN = '0123456789abcdef';

/** The application over a test double; nothing listens. */
export async function appOverFake(
  options: { readonly adminToken?: string; readonly faults?: KvAppOptions['faults'] } = {},
) {
  const node = new FakeNode();
  const app = await createKvApp({
    config: { nodeId: 1, adminToken: options.adminToken ?? null, bodyBytesMax: 1_048_576, requestsMax: 100 },
    node,
    logger: createLogger({ level: 'silent', bindings: {} }),
    faults: options.faults ?? null,
    metrics: createMetrics({ info: { system: 'kv', node: '1', version: '0.1.0' }, runtime: false }),
  });
  return { app, node };
}
