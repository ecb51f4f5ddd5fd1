/** Which systems a command is about: the project's own, or the one of the manifest that `--system` names. */
import { StandingClusters } from '../cluster/standing.ts';
import { Systems } from '../run/systems.ts';
import { ScenarioCatalogue } from '../scenario/catalogue.ts';
import { type Context, pathWord } from './context.ts';
import { UsageError } from './exit_code.ts';

export interface SystemFlags {
  /** A name, or the path of a manifest. */
  readonly system?: string;
  /** Base URLs of nodes that run elsewhere. */
  readonly targets?: readonly string[];
}

/** A name has neither a separator nor an ending. */
function isPath(word: string): boolean {
  return /[/\\]|\.[cm]?[jt]s$/.test(word);
}

/** The same command on other systems, whose home they bring with them. */
function on(context: Context, systems: Systems): Context {
  const { home, manifestFile } = systems;
  // The project's own list would not have them.
  const listing =
    manifestFile === undefined ? 'gameday list' : `gameday list --system ${pathWord(context, manifestFile)}`;
  return { ...context, systems, catalogue: new ScenarioCatalogue(home, listing) };
}

/**
 * The context of the chosen systems. A name is one of the project's systems, or one that is up from a manifest elsewhere.
 * @throws ManifestError, UnknownSystemError
 */
export async function contextOf(context: Context, { system, targets }: SystemFlags): Promise<Context> {
  const chosen = system === undefined ? context : await contextOfSystem(context, system);
  return targets === undefined ? chosen : on(chosen, await chosen.systems.at(targets));
}

async function contextOfSystem(context: Context, word: string): Promise<Context> {
  if (isPath(word)) return on(context, await Systems.file(word, context.workingDirectory));
  const { manifestFile } = new StandingClusters(context.directories.base).read(word) ?? {};
  if (manifestFile !== undefined) return on(context, await Systems.file(manifestFile, context.workingDirectory));
  await context.systems.manifest(word);
  return context;
}

/** The one system that the command line names, by its name or by its manifest. */
export async function oneSystem(context: Context, word: string): Promise<{ context: Context; name: string }> {
  const chosen = await contextOfSystem(context, word);
  return { context: chosen, name: isPath(word) ? chosen.systems.names()[0]! : word };
}

/** Names of all systems: the project's own, and those that were up from a manifest elsewhere. */
export function knownSystems(context: Context): string[] {
  const standing = new StandingClusters(context.directories.base).names();
  return [...new Set([...context.systems.names(), ...standing])].sort();
}

/** The system that was named, else the only one that is up. @throws UsageError when there is none, or more than one */
export async function standingSystem(
  context: Context,
  word: string | undefined,
): Promise<{ context: Context; name: string }> {
  if (word !== undefined) return oneSystem(context, word);
  const clusters = new StandingClusters(context.directories.base);
  const up = knownSystems(context).filter((name) => clusters.running(name).length > 0);
  if (up.length > 1) throw new UsageError(`say which system: ${up.join(', ')} are up`);
  return oneSystem(context, up[0] ?? context.systems.names()[0]!);
}
