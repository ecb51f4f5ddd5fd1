import type { FastifyPluginCallback } from 'fastify';
import type { Logger } from './logger.ts';

export interface TelemetryOptions {
  /** Base URL of an OTLP/HTTP receiver, e.g. `http://127.0.0.1:4318`; null turns tracing off. */
  readonly endpoint: string | null;
  /** Share of requests that start a trace, 0 to 1. A request that belongs to a trace follows its parent's decision. */
  readonly ratio: number;
  readonly logger: Logger;
  readonly service: { readonly name: string; readonly instance: string; readonly version: string };
}

export interface Telemetry {
  /** For `createApp`; null when off. */
  readonly tracing: FastifyPluginCallback | null;
  /** Sends what is still waiting; what cannot be sent within two seconds is given up. */
  stop(): Promise<void>;
}

/** No answer from a receiver may hold up the end of the process for longer. */
const EXPORT_TIMEOUT_MS = 2000;

/**
 * Tracing by OpenTelemetry, W3C context. When off, neither the SDK nor the instrumentation is even imported: together they cost
 * hundreds of milliseconds at start-up. When on, one span for each HTTP request and none inside consensus.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { endpoint, ratio, service, logger } = options;
  if (endpoint === null) return { tracing: null, stop: async () => {} };
  const [
    { NodeSDK },
    { OTLPTraceExporter },
    { ParentBasedSampler, TraceIdRatioBasedSampler },
    { resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/sdk-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/resources'),
  ]);
  const sdk = new NodeSDK({
    traceExporter: new OTLPTraceExporter({
      url: `${endpoint.replace(/\/+$/, '')}/v1/traces`,
      timeoutMillis: EXPORT_TIMEOUT_MS,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    resource: resourceFromAttributes({
      'service.name': service.name,
      'service.instance.id': service.instance,
      'service.version': service.version,
    }),
    // The detectors would send the command line, which may hold a token.
    autoDetectResources: false,
    // Metrics and logs have their own ways out.
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  const lost = (error: unknown) => logger.warn({ err: error }, 'the last spans could not be sent');
  return { tracing: await fastifyTracing(), stop: () => sdk.shutdown().catch(lost) };
}

async function fastifyTracing(): Promise<FastifyPluginCallback> {
  const { FastifyOtelInstrumentation } = await import('@fastify/otel');
  const instrumentation = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    instrumentHandler: false,
    recordExceptions: false,
    requestHook: (span, request) => {
      const route = request.routeOptions.url;
      span.updateName(route === undefined ? request.method : `${request.method} ${route}`);
      // The instrumentation puts the query in as well, which may hold what users store.
      span.setAttribute('url.path', request.url.split('?', 1)[0]!);
    },
  });
  return instrumentation.plugin();
}
