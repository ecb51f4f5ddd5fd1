import { join, resolve } from 'node:path';
import {
  type ConfigurationSchema,
  flagOf,
  type Parsed,
  parseConfiguration,
  type Values,
} from '../../kit/configuration.ts';
import { LOG_LEVELS, type LogLevel } from '../../kit/logger.ts';
import {
  AddressError,
  type InitialMember,
  initialMembers,
  type MemberAddress,
  numericLoopback,
  PEER_PORT_OFFSET,
  parseAddresses,
} from './addresses.ts';

/** The flags of `stress_node`, their variables and defaults. Source: requirements/lithair-replication-stress.md. */
export const KV_SCHEMA = {
  command: 'stress_node',
  summary: 'one node of the replicated key-value store',
  environmentPrefix: 'STRESS_NODE_',
  required: ['nodeId', 'port'],
  examples: [
    'stress_node --node-id 0 --port 8080 --peers 8081,8082',
    'stress_node --node-id 3 --port 8083 --join 8080,8081     # a new node in place of one that lost its data',
  ],
  settings: {
    nodeId: {
      type: 'integer',
      minimum: 0,
      maximum: 999_999_999,
      placeholder: 'N',
      description: "This node's number, never reused in a cluster.",
    },
    port: { type: 'integer', minimum: 1, maximum: 65_535, placeholder: 'PORT', description: 'Where clients connect.' },
    peers: {
      type: 'string',
      minLength: 1,
      placeholder: 'LIST',
      description:
        'The other members at the first start: PORT, HOST:PORT or ID@HOST:PORT/PEERPORT, separated by commas. With bare ports the ids are the ranks of the ports.',
    },
    join: {
      type: 'string',
      minLength: 1,
      placeholder: 'LIST',
      description: 'Members of a running cluster to join, instead of --peers.',
    },
    host: {
      type: 'string',
      minLength: 1,
      default: '127.0.0.1',
      placeholder: 'HOST',
      description: 'The interface of both listeners.',
    },
    advertiseHost: {
      type: 'string',
      minLength: 1,
      placeholder: 'HOST',
      description: 'Under which name the other members reach this one; the host unless given.',
    },
    peerPort: {
      type: 'integer',
      minimum: 1,
      maximum: 65_535,
      placeholder: 'PORT',
      description: `Where the other members connect; the port + ${PEER_PORT_OFFSET} unless given.`,
    },
    dataDir: {
      type: 'string',
      minLength: 1,
      placeholder: 'PATH',
      description: 'Log and snapshots; $STRESS_TEST_DATA/node_<id> unless given.',
    },
    baseDir: {
      type: 'string',
      minLength: 1,
      default: 'data',
      environment: ['STRESS_TEST_DATA'],
      placeholder: 'PATH',
      description: 'Holds ca/ (shared by all nodes) and the data directories.',
    },
    logLevel: {
      type: 'string',
      enum: LOG_LEVELS,
      default: 'info',
      environment: ['LOG_LEVEL', 'RUST_LOG'],
      placeholder: 'LEVEL',
      description: 'How much is logged.',
    },
    faults: {
      type: 'boolean',
      default: false,
      description: 'Open the admin endpoints /_raft/transfer-leadership and /_raft/members.',
    },
    adminToken: {
      type: 'string',
      minLength: 16,
      secret: true,
      environment: ['GAMEDAY_ADMIN_TOKEN'],
      placeholder: 'TOKEN',
      description: 'What the admin endpoints ask for; better in the environment, where `ps` does not show it.',
    },
    tickMs: {
      type: 'integer',
      minimum: 1,
      maximum: 1000,
      default: 20,
      placeholder: 'MS',
      description: "Raft's unit of time.",
    },
    heartbeatTicks: {
      type: 'integer',
      minimum: 1,
      default: 3,
      placeholder: 'N',
      description: 'A leader is heard from this often.',
    },
    electionTicks: {
      type: 'integer',
      minimum: 2,
      default: 25,
      placeholder: 'N',
      description: 'A follower waits between one and two times this long before it stands for election.',
    },
    snapshotEntries: {
      type: 'integer',
      minimum: 1,
      default: 20_000,
      placeholder: 'N',
      description: 'Entries applied between two snapshots.',
    },
    keptEntries: {
      type: 'integer',
      minimum: 0,
      default: 5_000,
      placeholder: 'N',
      description: 'Entries kept behind a snapshot, so that a slow follower need not take it.',
    },
    segmentBytes: {
      type: 'integer',
      minimum: 4096,
      default: 16_777_216,
      placeholder: 'BYTES',
      description: 'Size of one file of the write-ahead log.',
    },
    bodyBytesMax: {
      type: 'integer',
      minimum: 64,
      maximum: 16_777_216,
      default: 1_048_576,
      placeholder: 'BYTES',
      description: 'Largest request body.',
    },
    requestsMax: {
      type: 'integer',
      minimum: 1,
      default: 2_000,
      placeholder: 'N',
      description: 'Requests worked on at once; more are refused with OVERLOADED.',
    },
    shutdownSeconds: {
      type: 'number',
      minimum: 0.1,
      maximum: 300,
      default: 10,
      placeholder: 'S',
      description: 'Most time for an orderly end after SIGTERM or SIGINT.',
    },
    otlpEndpoint: {
      type: 'string',
      minLength: 1,
      environment: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
      placeholder: 'URL',
      description: 'OTLP/HTTP receiver of traces; none are made unless given.',
    },
    traceRatio: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.05,
      environment: ['OTEL_TRACES_SAMPLER_ARG'],
      placeholder: 'R',
      description: 'Share of requests that start a trace; a caller that traces is always followed.',
    },
  },
} as const satisfies ConfigurationSchema;

/** Everything a node needs to know, checked. */
export interface KvConfig {
  readonly nodeId: number;
  /** The interface of both listeners. */
  readonly host: string;
  readonly port: number;
  readonly peerPort: number;
  /** Where the others and the clients find this node; the same as in `members`. */
  readonly address: MemberAddress;
  /** The configuration of a new cluster in ascending order of id, this node included; null when joining. */
  readonly members: readonly InitialMember[] | null;
  /** Whom to ask for membership; null unless `--join` was given. */
  readonly join: readonly MemberAddress[] | null;
  /** Absolute paths. */
  readonly dataDirectory: string;
  readonly certificateDirectory: string;
  readonly logLevel: LogLevel;
  /** Null: there are no admin endpoints. */
  readonly adminToken: string | null;
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  readonly electionTicks: number;
  readonly snapshotEntries: number;
  readonly keptEntries: number;
  readonly segmentBytes: number;
  readonly bodyBytesMax: number;
  readonly requestsMax: number;
  readonly shutdownSeconds: number;
  readonly otlpEndpoint: string | null;
  readonly traceRatio: number;
}

/** `RUST_LOG` may hold more than a level (`info,hyper=warn`); only its bare level means something here. */
export function kvEnvironment(environment: Readonly<Record<string, string | undefined>>) {
  const bare = environment.RUST_LOG?.split(',')
    .find((directive) => !directive.includes('='))
    ?.toLowerCase();
  return { ...environment, RUST_LOG: bare === 'off' ? 'silent' : bare };
}

export type ParsedKvConfig =
  | { readonly kind: 'config'; readonly config: KvConfig }
  | Exclude<Parsed<typeof KV_SCHEMA>, { kind: 'values' }>;

/** Flags over environment over defaults, checked and completed. */
export function parseKvConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ParsedKvConfig {
  const parsed = parseConfiguration(KV_SCHEMA, argv, levelOfRustLog(environment));
  if (parsed.kind !== 'values') return parsed;
  const broken = validate(parsed.values);
  if (broken !== null) return { kind: 'invalid', message: broken };
  try {
    return { kind: 'config', config: withDefaults(parsed.values) };
  } catch (error) {
    if (error instanceof AddressError) return { kind: 'invalid', message: error.message };
    throw error;
  }
}

type KvValues = Values<typeof KV_SCHEMA>;

/** `RUST_LOG` may hold more than a level (`info,hyper=warn`); only its bare level means something here. */
function levelOfRustLog(environment: Readonly<Record<string, string | undefined>>) {
  const bare = environment.RUST_LOG?.split(',').find((directive) => !directive.includes('='));
  return { ...environment, RUST_LOG: bare === 'off' ? 'silent' : bare?.toLowerCase() };
}

/** The first rule between settings that is broken, with its values; null when all hold. */
export function validate(values: KvValues): string | null {
  const { host, advertiseHost, port, peers, join: joined, heartbeatTicks, electionTicks } = values;
  if (peers !== undefined && joined !== undefined) {
    return `--peers ${peers} and --join ${joined}: a node founds a cluster or joins one, give only one of them`;
  }
  if (heartbeatTicks >= electionTicks) {
    return `--heartbeat-ticks ${heartbeatTicks}, --election-ticks ${electionTicks}: requires heartbeat-ticks < election-ticks`;
  }
  for (const name of ['host', 'advertiseHost'] as const) {
    const value = values[name];
    if (value !== undefined && !/^[A-Za-z0-9.-]+$/.test(value)) {
      return `${flagOf(name)} ${value}: requires a host name or an IPv4 address`;
    }
  }
  if (host === '0.0.0.0' && advertiseHost === undefined && (peers ?? joined) !== undefined) {
    return '--host 0.0.0.0: the other members cannot reach that address; give --advertise-host as well';
  }
  const peerPort = peerPortOf(values);
  if (peerPort > 65_535)
    return `--port ${port} makes the peer port ${peerPort}: requires at most 65535; give --peer-port`;
  if (peerPort === port) return `--port ${port}, --peer-port ${peerPort}: requires two different ports`;
  if (values.faults && values.adminToken === undefined) {
    return '--faults opens the admin endpoints: requires --admin-token or $GAMEDAY_ADMIN_TOKEN';
  }
  return null;
}

function peerPortOf({ port, peerPort }: KvValues): number {
  return peerPort ?? port + PEER_PORT_OFFSET;
}

/** Fills in what follows from other settings. Throws AddressError for addresses that cannot be used. */
export function withDefaults(values: KvValues): KvConfig {
  const { baseDir, dataDir, peers, join: joined, faults, adminToken, advertiseHost, otlpEndpoint, ...rest } = values;
  const host = numericLoopback(values.host);
  const address = { host: numericLoopback(advertiseHost ?? host), port: values.port, peerPort: peerPortOf(values) };
  const self = { id: values.nodeId, ...address };
  const members = peers === undefined ? [self] : initialMembers(self, peers);
  return {
    ...rest,
    host,
    peerPort: address.peerPort,
    address,
    members: joined === undefined ? members : null,
    join: joined === undefined ? null : parseAddresses(joined, address.host),
    dataDirectory: resolve(dataDir ?? join(baseDir, `node_${values.nodeId}`)),
    certificateDirectory: resolve(baseDir, 'ca'),
    adminToken: faults ? (adminToken ?? null) : null,
    otlpEndpoint: otlpEndpoint ?? null,
  };
}
