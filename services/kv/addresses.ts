/** Where a member listens. Written `HOST:PORT/PEERPORT`; that text is what Raft's membership carries. */
export interface MemberAddress {
  readonly host: string;
  /** Clients. */
  readonly port: number;
  /** The other members, with mutual TLS. */
  readonly peerPort: number;
}

/** A member of the first configuration. */
export interface InitialMember extends MemberAddress {
  readonly id: number;
}

export const PEER_PORT_OFFSET = 1000;

/** Thrown with a message for a person when a list of addresses cannot be used. */
export class AddressError extends Error {
  override name = 'AddressError';
}

export function formatAddress({ host, port, peerPort }: MemberAddress): string {
  return `${host}:${port}/${peerPort}`;
}

/** What clients write: `HOST:PORT`. */
export function clientAddress({ host, port }: MemberAddress): string {
  return `${host}:${port}`;
}

/**
 * One element of a list: `8081`, `HOST:8081`, `HOST:8081/9081` or, with an id before it, `2@HOST:8081/9081`.
 * @param defaultHost for a bare port
 */
export function parseAddress(text: string, defaultHost: string): MemberAddress & { readonly id: number | null } {
  const match = /^(?:(?<id>\d{1,9})@)?(?:(?<host>[A-Za-z0-9.-]+):)?(?<port>\d{1,5})(?:\/(?<peer>\d{1,5}))?$/.exec(text);
  if (match === null) {
    throw new AddressError(`"${text}" is no address: requires PORT, HOST:PORT or ID@HOST:PORT/PEERPORT`);
  }
  const { id, host, port, peer } = match.groups as Record<string, string | undefined>;
  const address = {
    id: id === undefined ? null : Number(id),
    host: host === undefined ? defaultHost : numericLoopback(host),
    port: Number(port),
    peerPort: peer === undefined ? Number(port) + PEER_PORT_OFFSET : Number(peer),
  };
  for (const value of [address.port, address.peerPort]) {
    if (value < 1 || value > 65_535) {
      throw new AddressError(
        `"${text}" uses port ${value}: requires 1 to 65535 (the peer port is the port + ${PEER_PORT_OFFSET} unless written HOST:PORT/PEERPORT)`,
      );
    }
  }
  return address;
}

/** `localhost` may mean ::1 to one resolver and 127.0.0.1 to another; members have to agree on one spelling. */
export function numericLoopback(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}

/** `8081,8082` → addresses; empty elements are refused. */
export function parseAddresses(list: string, defaultHost: string) {
  return list.split(',').map((text) => parseAddress(text.trim(), defaultHost));
}

/**
 * `--dial`: where members are dialled, by id: `1=127.0.0.1:45001,2=localhost:45002`.
 * @param self this node's id, which it never dials
 */
export function parseDial(list: string, self: number): Map<number, { host: string; peerPort: number }> {
  const places = new Map<number, { host: string; peerPort: number }>();
  for (const text of list.split(',').map((element) => element.trim())) {
    const match = /^(?<id>\d{1,9})=(?<host>[A-Za-z0-9.-]+):(?<port>\d{1,5})$/.exec(text);
    if (match === null) throw new AddressError(`--dial ${list}: "${text}" is none: requires ID=HOST:PORT`);
    const { id, host, port } = match.groups as { id: string; host: string; port: string };
    const peerPort = Number(port);
    if (peerPort < 1 || peerPort > 65_535)
      throw new AddressError(`--dial ${text} uses port ${port}: requires 1 to 65535`);
    if (Number(id) === self)
      throw new AddressError(`--dial ${text}: this is node ${self}, and it does not dial itself`);
    if (places.has(Number(id))) throw new AddressError(`--dial ${list} has node ${id} twice`);
    places.set(Number(id), { host: numericLoopback(host), peerPort });
  }
  return places;
}

/**
 * All members of a new cluster in ascending order of id, from this node's own place and its `--peers`.
 *
 * Either every peer has an explicit id, or none has; then the ids are the ranks of the ports in ascending order, which every node
 * works out alike as long as all are on one host. A list with explicit ids may name this node too: one list for everybody.
 */
export function initialMembers(self: InitialMember, peers: string): readonly InitialMember[] {
  const parsed = parseAddresses(peers, self.host);
  const explicit = parsed.filter((peer) => peer.id !== null).length;
  if (explicit > 0 && explicit < parsed.length) {
    throw new AddressError(`--peers ${peers}: requires an id for every peer (ID@HOST:PORT) or for none`);
  }
  const members =
    explicit === 0 ? rankByPort(self, parsed, peers) : withExplicitIds(self, parsed as InitialMember[], peers);
  refuseSharedPorts(members);
  return members;
}

function rankByPort(self: InitialMember, parsed: readonly MemberAddress[], peers: string): readonly InitialMember[] {
  const foreign = parsed.find((peer) => peer.host !== self.host);
  if (foreign !== undefined) {
    throw new AddressError(
      `--peers ${peers}: ${clientAddress(foreign)} is not on this node's host ${self.host}; ids follow from ports on one host only. Write ID@HOST:PORT for every peer.`,
    );
  }
  if (parsed.some((peer) => peer.port === self.port)) {
    throw new AddressError(`--peers ${peers} names this node's own port ${self.port}: list the other nodes only`);
  }
  const places = [self, ...parsed].sort((a, b) => a.port - b.port);
  const members = places.map(({ host, port, peerPort }, id) => ({ id, host, port, peerPort }));
  const own = members.find((member) => member.port === self.port)!;
  if (own.id !== self.id) throw new AddressError(wrongId(self, own, members, peers));
  return members;
}

function wrongId(self: InitialMember, own: InitialMember, members: readonly InitialMember[], peers: string): string {
  const table = members.map((m) => `  node ${m.id}  ${clientAddress(m)}${m === own ? '  <- this one' : ''}`);
  return [
    `--node-id ${self.id} with --port ${self.port} and --peers ${peers}: ids are the ranks of the ports in ascending order, so this is node ${own.id}:`,
    ...table,
    `Start it with --node-id ${own.id}, or choose the ids yourself: --peers ID@HOST:PORT,…`,
  ].join('\n');
}

function withExplicitIds(
  self: InitialMember,
  parsed: readonly InitialMember[],
  peers: string,
): readonly InitialMember[] {
  const listed = parsed.find((peer) => peer.id === self.id);
  if (listed !== undefined && formatAddress(listed) !== formatAddress(self)) {
    throw new AddressError(
      `--peers ${peers} has node ${self.id} at ${formatAddress(listed)}, but this node ${self.id} is at ${formatAddress(self)}`,
    );
  }
  const members = listed === undefined ? [self, ...parsed] : [...parsed];
  const repeated = members.find((member, i) => members.findIndex((other) => other.id === member.id) !== i);
  if (repeated !== undefined) throw new AddressError(`--peers ${peers} has node ${repeated.id} twice`);
  return members.sort((a, b) => a.id - b.id);
}

function refuseSharedPorts(members: readonly InitialMember[]): void {
  const owners = new Map<string, string>();
  for (const { id, host, port, peerPort } of members) {
    for (const [number, use] of [
      [port, 'port'],
      [peerPort, 'peer port'],
    ] as const) {
      const owner = `node ${id}'s ${use}`;
      const place = `${host}:${number}`;
      const other = owners.get(place);
      if (other !== undefined) throw new AddressError(`${place} is both ${other} and ${owner}: choose other ports`);
      owners.set(place, owner);
    }
  }
}
