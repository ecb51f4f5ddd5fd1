/** Which version each node says it is, and whether those may be tested together. */
import { satisfies, valid } from 'semver';
import { messageOf } from '../../kit/errors.ts';
import type { SystemRelease } from '../../kit/system.ts';
import { within } from './within.ts';

const RELEASE_MS = 10_000;

/** Nodes that are not of one version, or not of one that the manifest accepts. */
export class ReleaseError extends Error {
  readonly code = 'RELEASE_MISMATCH';
  constructor(message: string) {
    super(message);
    this.name = 'ReleaseError';
  }
}

/** The one version of all nodes. @throws ReleaseError, which names each node's */
export async function releaseOf(
  nodes: readonly { readonly index: number; readonly url: string }[],
  release: SystemRelease,
  signal?: AbortSignal,
): Promise<string> {
  const versions = await Promise.all(
    nodes.map(async ({ index, url }) => {
      const version = await within(RELEASE_MS, '`release.of`', () => release.of(url), signal).catch(
        (error: unknown) => {
          signal?.throwIfAborted();
          throw new ReleaseError(`node ${index} (${url}) does not say its version: ${messageOf(error)}`);
        },
      );
      return { who: `node ${index} (${url})`, version };
    }),
  );
  const each = versions.map(({ who, version }) => `${who} is ${version}`).join('\n');
  const [first] = versions;
  if (versions.some(({ version }) => version !== first!.version))
    throw new ReleaseError(`the nodes are of different versions: bring them to one\n${each}`);
  if (valid(first!.version) === null)
    throw new ReleaseError(
      `\`release.of\` of the manifest answers "${first!.version}": expected a version such as 3.6.8\n${each}`,
    );
  if (!satisfies(first!.version, release.accepts, { includePrerelease: true }))
    throw new ReleaseError(
      `the manifest accepts versions ${release.accepts}: start one of those, or widen \`release.accepts\`\n${each}`,
    );
  return first!.version;
}
