import { join, resolve } from 'node:path';
import { flagOf, type Parsed, parseConfiguration, type Values } from '../../kit/configuration.ts';
import type { LogLevel } from '../../kit/logger.ts';
import {
  AddressError,
  type InitialMember,
  initialMembers,
  type MemberAddress,
  numericLoopback,
  PEER_PORT_OFFSET,
  parseAddresses,
  parseDial,
} from './addresses.ts';
import { KV_SCHEMA } from './flags.ts';

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
  /** Where members are dialled instead of at their own peer addresses, by id. */
  readonly dial: ReadonlyMap<number, { readonly host: string; readonly peerPort: number }>;
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
  const { baseDir, dataDir, peers, join: joined, dial, faults, adminToken, ...others } = values;
  const { advertiseHost, otlpEndpoint, ...rest } = others;
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
    dial: dial === undefined ? new Map() : parseDial(dial, values.nodeId),
    dataDirectory: resolve(dataDir ?? join(baseDir, `node_${values.nodeId}`)),
    certificateDirectory: resolve(baseDir, 'ca'),
    adminToken: faults ? (adminToken ?? null) : null,
    otlpEndpoint: otlpEndpoint ?? null,
  };
}
