import type { IncomingHttpHeaders } from 'node:http';
import { ServiceError } from '../../../kit/errors.ts';

/** Every stream and every call between members says which version of the peer protocol its sender speaks: `MAJOR.MINOR`. */
export const PROTOCOL_HEADER = 'x-gameday-protocol';

/**
 * Members with the same major version understand each other, also while a cluster is upgraded node by node. Whatever an older member
 * could not read (a new kind of message or entry, a new field) takes a new major; a new call, which an older one answers with
 * NOT_FOUND, a new minor.
 */
export const PROTOCOL = { major: 1, minor: 0 } as const;

export const PROTOCOL_HEADERS: Readonly<Record<string, string>> = {
  [PROTOCOL_HEADER]: `${PROTOCOL.major}.${PROTOCOL.minor}`,
};

/**
 * Refuses a peer that speaks another major version. One that says nothing speaks the first, which did not say.
 * @throws ServiceError CONFLICT
 */
export function refuseOtherProtocol(node: number, headers: IncomingHttpHeaders): void {
  const said = String(headers[PROTOCOL_HEADER] ?? '1.0');
  const major = Number(/^(\d{1,9})\.\d{1,9}$/.exec(said)?.[1] ?? Number.NaN);
  if (major === PROTOCOL.major) return;
  const advice = major > PROTOCOL.major ? 'upgrade this node' : `upgrade node ${node}`;
  throw new ServiceError(
    'CONFLICT',
    `node ${node} speaks version ${said} of the peer protocol, this node ${PROTOCOL.major}.${PROTOCOL.minor}: requires the same major version; ${advice}`,
  );
}
