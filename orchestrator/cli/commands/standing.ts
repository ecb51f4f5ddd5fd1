/** `watch` and `verify` of the nodes that `up` left running. */
import type { SystemManifest } from '../../../kit/system.ts';
import { NodeClient } from '../../cluster/node_client.ts';
import { StandingClusters } from '../../cluster/standing.ts';
import { type AskState, askStatus, verifyCommand } from '../bombarder/verify.ts';
import { watchCommand } from '../bombarder/watch/watch.ts';
import type { Context } from '../context.ts';
import { type ExitCode, UsageError } from '../exit_code.ts';
import { standingSystem } from '../system_choice.ts';

const ANSWER_MS_MAX = 1000;

export async function watchStandingCommand(
  context: Context,
  system: string | undefined,
  flags: { readonly interval: number },
): Promise<ExitCode> {
  const { name, urls, manifest } = await standing(context, system);
  const told = await Promise.all(urls.map(askStatus));
  const answering = await Promise.all(urls.map((url) => new NodeClient(manifest, url).isReady()));
  // To show nodes as gone that merely say nothing of what is shown would be a lie.
  if (told.every((status) => status === undefined) && answering.includes(true))
    throw new UsageError(
      `the nodes of ${name} do not tell what \`watch\` shows (GET /status, /_raft/health): use \`gameday status ${name}\` or \`gameday verify ${name}\``,
    );
  return watchCommand(context, { title: `gameday watch ${name}`, urls, intervalSeconds: flags.interval });
}

export async function verifyStandingCommand(
  context: Context,
  system: string | undefined,
  flags: { readonly json: boolean },
): Promise<ExitCode> {
  const { name, urls, manifest } = await standing(context, system);
  if (manifest.checkers?.state === undefined)
    throw new UsageError(`the manifest of ${name} has no \`checkers.state\`: there is nothing to compare`);
  return verifyCommand(context, urls, flags, askBy(manifest));
}

/** By the node's `/status`, which tells of checkpoints, too; where there is none, by the manifest. */
function askBy({ checkers, roles }: SystemManifest): AskState {
  return async (url, node) => {
    const status = await askStatus(url, node);
    if (status !== undefined) return status;
    const state = await checkers?.state?.(url, AbortSignal.timeout(ANSWER_MS_MAX)).catch(() => undefined);
    if (state === undefined) return undefined;
    const role = roles?.leader === undefined ? '–' : (await roles.leader(url)) ? 'leader' : 'follower';
    const { appliedIndex, hash } = state;
    const none = { index: 0, hash: '' };
    return { node_id: node, role, entries: null, applied_index: appliedIndex, state_hash: hash, checkpoint: none };
  };
}

async function standing(context: Context, word: string | undefined) {
  const { context: chosen, name } = await standingSystem(context, word);
  const clusters = new StandingClusters(context.directories.base);
  if (clusters.running(name).length === 0) throw new UsageError(`${name} is down: gameday up ${name}`);
  const urls = clusters.read(name)!.nodes.map(({ url }) => url);
  return { name, urls, manifest: await chosen.systems.manifest(name) };
}
