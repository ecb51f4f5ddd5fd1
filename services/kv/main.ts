/** The program `stress_node`: the only file of this system that reads the environment, handles signals and listens. */

import { randomInt } from 'node:crypto';
import { flushCompileCache } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { Lifecycle } from '../../kit/lifecycle.ts';
import { createLogger, type Logger } from '../../kit/logger.ts';
import { createMetrics, type Metrics } from '../../kit/metrics.ts';
import { Prng } from '../../kit/prng.ts';
import { startTelemetry } from '../../kit/telemetry.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { createKvApp } from './app.ts';
import { type KvConfig, parseKvConfig } from './config.ts';
import { FaultSwitches } from './faults/fault-switches.ts';
import { KvNode } from './node.ts';
import { startFailure } from './start-failure.ts';

const EXIT_USAGE = 2;
/** As everywhere in Gameday: a port, a directory or a file stood in the way. */
const EXIT_COULD_NOT_RUN = 4;

/**
 * Per cent of what is alive after a full collection by which the heap may grow before the next one. V8's own choice, up to 300 on a large
 * machine, makes four times as much memory of a state that hardly changes in size; what is alive is little, so collecting it costs little.
 */
setFlagsFromString('--heap-growing-percent=100');

const parsed = parseKvConfig(process.argv.slice(2), process.env);
switch (parsed.kind) {
  case 'help':
    process.stdout.write(parsed.text);
    break;
  case 'version':
    process.stdout.write(`stress_node ${packageJson.version}\n`);
    break;
  case 'invalid':
    complain(parsed.message);
    process.exitCode = EXIT_USAGE;
    break;
  case 'config':
    await run(parsed.config);
}

async function run(config: KvConfig): Promise<void> {
  nameProcess(config);
  const logger = createLogger({ level: config.logLevel, bindings: { system: 'kv', node: config.nodeId } });
  const lifecycle = new Lifecycle({ logger, timeoutMs: config.shutdownSeconds * 1000 });
  try {
    await open(config, logger, lifecycle);
  } catch (error) {
    await giveUp(error as Error, { config, logger, lifecycle });
  }
}

/** What `ps` shows and `pkill -f "stress_node.*--port 8082"` finds, however the program was started; no token stands in it. */
function nameProcess({ nodeId, port }: KvConfig): void {
  const title = `stress_node --node-id ${nodeId} --port ${port}`;
  process.title = title;
  // The system keeps no more than the command line had room for, and a port cut short would name another node.
  if (process.title !== title) process.title = 'stress_node';
}

async function open(config: KvConfig, logger: Logger, lifecycle: Lifecycle): Promise<void> {
  const version = packageJson.version;
  const instance = String(config.nodeId);
  const telemetry = await startTelemetry({
    endpoint: config.otlpEndpoint,
    ratio: config.traceRatio,
    logger,
    service: { name: 'gameday-kv', instance, version },
  });
  lifecycle.opened('telemetry', () => telemetry.stop());
  const metrics = createMetrics({ info: { system: 'kv', node: instance, version } });
  const faults = config.adminToken === null ? null : createFaults(config, logger, metrics);
  const node = await KvNode.open(config, {
    logger,
    metrics,
    version,
    ...(faults === null ? {} : { decorators: faults.decorators }),
    onFailure: (error) => void giveUp(error, { config, logger, lifecycle }),
  });
  lifecycle.opened('node', () => node.close());
  const app = await createKvApp({ config, node, logger, metrics, tracing: telemetry.tracing, faults });
  lifecycle.opened('app', () => app.close());
  const url = await app.listen({ host: config.host, port: config.port });
  logger.info({ url, peer_port: config.peerPort, data: config.dataDirectory }, 'listening');
  // A node may be killed at any time; the next start is to find the compiled programs all the same.
  flushCompileCache();
}

function createFaults({ dataDirectory }: KvConfig, logger: Logger, metrics: Metrics): FaultSwitches {
  const seed = randomInt(2 ** 32);
  logger.warn({ seed }, 'faults can be made at this node: PUT /_gameday/faults');
  return new FaultSwitches({
    logger,
    metrics,
    dataDirectory,
    random: new Prng(seed),
    die: () => process.kill(process.pid, 'SIGKILL'),
  });
}

interface Running {
  readonly config: KvConfig;
  readonly logger: Logger;
  readonly lifecycle: Lifecycle;
}

/** Says on standard error, for a person, what stands in the way, and ends in order; the log has the stack. */
async function giveUp(error: Error, { config, logger, lifecycle }: Running): Promise<void> {
  const message = await startFailure(error, config);
  complain(message);
  logger.fatal({ err: error }, 'cannot go on');
  await lifecycle.stop(message, EXIT_COULD_NOT_RUN);
}

function complain(message: string): void {
  process.stderr.write(`stress_node: ${message}\n`);
}
