import type { NodeId } from '../core/raft/types.ts';
import { type Disk, replaceFile } from './disk.ts';
import { DataDirectoryError, StorageCorruptError } from './errors.ts';

const FORMAT = 1;
const NAME = 'meta.json';

/** Who a data directory belongs to; `meta.json`. */
export interface Identity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  /** Made when the directory was empty. A node that comes back with another one has lost what it promised. */
  readonly instanceId: string;
  /**
   * Addresses of the first members, each with its instance (`host:port/peerPort#instance`), agreed on by all of them before anyone
   * voted; null until then. For a node that joined later: the members it was given.
   */
  readonly members: Readonly<Record<NodeId, string>> | null;
  /** This node came by `--join`, so it starts as a learner. */
  readonly joined: boolean;
  /** How many times this node has been started with this directory, counting the present time. */
  readonly incarnation: number;
}

/** The identity of a directory, or null when it has none yet. @throws StorageCorruptError DataDirectoryError */
export async function loadIdentity(disk: Disk, directory: string): Promise<Identity | null> {
  const path = `${directory}/${NAME}`;
  let text: string;
  try {
    text = Buffer.from(await disk.readFile(path)).toString('utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StorageCorruptError(path, 0, 'it is not JSON');
  }
  return validate(path, value);
}

function validate(path: string, value: unknown): Identity {
  const meta = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof meta.format === 'number' && meta.format !== FORMAT) {
    throw new DataDirectoryError(
      'VERSION',
      `${path}: format ${meta.format} is not ${FORMAT}: start the version of stress_node that wrote it`,
    );
  }
  const members = meta.members;
  const membersValid =
    members === null ||
    (typeof members === 'object' &&
      Object.entries(members as object).every(([id, address]) => /^\d+$/.test(id) && typeof address === 'string'));
  const valid =
    meta.format === FORMAT &&
    typeof meta.clusterId === 'string' &&
    Number.isSafeInteger(meta.nodeId) &&
    typeof meta.instanceId === 'string' &&
    typeof meta.joined === 'boolean' &&
    Number.isSafeInteger(meta.incarnation) &&
    membersValid;
  if (!valid) throw new StorageCorruptError(path, 0, 'a field is missing or has a wrong type');
  const { format: _, ...identity } = meta;
  return identity as unknown as Identity;
}

/** Durable when it resolves. */
export async function storeIdentity(disk: Disk, directory: string, identity: Identity): Promise<void> {
  await replaceFile(
    disk,
    directory,
    NAME,
    Buffer.from(`${JSON.stringify({ format: FORMAT, ...identity }, null, 2)}\n`),
  );
}
