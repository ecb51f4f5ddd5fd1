/** `watch` and `verify` of the nodes that `up` left running. */
import { StandingClusters } from '../../cluster/standing.ts';
import { verifyCommand } from '../bombarder/verify.ts';
import { watchCommand } from '../bombarder/watch/watch.ts';
import type { Context } from '../context.ts';
import { type ExitCode, UsageError } from '../exit_code.ts';

export async function watchStandingCommand(
  context: Context,
  system: string | undefined,
  flags: { readonly interval: number },
): Promise<ExitCode> {
  const { name, urls } = await standing(context, system);
  return watchCommand(context, { title: `gameday watch ${name}`, urls, intervalSeconds: flags.interval });
}

export async function verifyStandingCommand(
  context: Context,
  system: string | undefined,
  flags: { readonly json: boolean },
): Promise<ExitCode> {
  const { urls } = await standing(context, system);
  return verifyCommand(context, urls, flags);
}

/** The system that was named, else the only one that is up. */
async function standing(context: Context, system: string | undefined) {
  if (system !== undefined) await context.systems.manifest(system);
  const clusters = new StandingClusters(context.directories.base);
  const names = context.systems.names().filter((name) => clusters.running(name).length > 0);
  const name = system ?? names[0];
  if (name === undefined || !names.includes(name)) {
    const wanted = name ?? context.systems.names()[0];
    throw new UsageError(`${wanted} is down: gameday up ${wanted}`);
  }
  if (system === undefined && names.length > 1) throw new UsageError(`say which system: ${names.join(', ')} are up`);
  return { name, urls: clusters.read(name)!.nodes.map(({ url }) => url) };
}
