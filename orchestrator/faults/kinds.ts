/** Every fault that there is, as this machine and this cluster can do it. */
import type { SystemManifest } from '../../kit/system.ts';
import { type LinkOptions, linkFaults } from './links.ts';
import { type NetemOptions, netemAvailable, packetLoss } from './netem.ts';
import { NodeFaultDesk, nodeFaults } from './node_faults.ts';
import { type Silencers, silence } from './observation.ts';
import { operate } from './operations.ts';
import { processFaults } from './process.ts';
import type { Faults } from './types.ts';

export interface FaultsOptions {
  readonly manifest: SystemManifest;
  /** Undefined when the nodes dial each other directly. */
  readonly links?: LinkOptions;
  readonly netem?: NetemOptions;
  /** Undefined where nothing observes. */
  readonly silencers?: Silencers;
  /** Whether the nodes were started with a token for their fault endpoints. */
  readonly nodesObey: boolean;
  /** A desk that knows what earlier commands told the nodes. */
  readonly desk?: NodeFaultDesk;
  /** What to do when links or nodes were not prepared for faults. */
  readonly remedy: { readonly links: string; readonly nodes: string };
}

export function createFaults({
  manifest,
  links,
  netem,
  silencers,
  nodesObey,
  remedy,
  desk = new NodeFaultDesk(),
}: FaultsOptions): Faults {
  const { name } = manifest;
  return {
    ...processFaults(desk),
    operate,
    silence: silence(silencers),
    ...linkFaults(links, manifest.links ? remedy.links : `${name} does not let anything stand between its nodes`),
    packet_loss: packetLoss(netem, () =>
      manifest.links ? netemAvailable() : `${name} does not say where its peers listen`,
    ),
    ...nodeFaults({
      desk,
      available: (kind) => {
        if (!manifest.nodeFaults?.kinds.includes(kind)) return `${name} has no fault "${kind}"`;
        if (kind === 'flipped_bit' && manifest.rejoin === undefined) return `${name} cannot take a node in again`;
        return nodesObey ? true : remedy.nodes;
      },
    }),
  };
}
