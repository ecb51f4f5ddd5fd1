import { catalogue, type Distribution, distributionOf, type ToolName, toolNames, variableOf } from './catalogue.ts';
import { type Attempt, findOnPath, type LocatedTool, locate } from './locate.ts';
import { releaseUrl, type Surroundings, thisMachine } from './surroundings.ts';

/** A row of `gameday doctor`. */
export interface SurveyRow {
  readonly name: ToolName;
  readonly variable: string;
  /** semver range that is accepted. */
  readonly accepts: string;
  readonly found?: LocatedTool;
  /** Where it was looked for in vain before it was found. */
  readonly attempts: readonly Attempt[];
  /** What `obtain` would do next, in order; empty when it was found. */
  readonly next: readonly string[];
  /** It is here, or one of `next` can get it. */
  readonly obtainable: boolean;
}

/** Where each tool of the catalogue is, without obtaining anything. */
export async function survey(surroundings: Surroundings = thisMachine()): Promise<SurveyRow[]> {
  const go = await findOnPath('go', surroundings);
  return Promise.all(
    catalogue.flatMap(toolNames).map(async (name) => {
      const distribution = distributionOf(name);
      const { tool, attempts, final } = await locate(name, surroundings);
      const row = { name, variable: variableOf(name), accepts: distribution.accepts, attempts };
      if (tool) return { ...row, found: tool, next: [], obtainable: true };
      if (final) return { ...row, next: [`unset ${row.variable}`], obtainable: false };
      const obtainable = go !== undefined || distribution.release.archives[surroundings.platform] !== undefined;
      return { ...row, next: ways(distribution, surroundings, go), obtainable };
    }),
  );
}

function ways(distribution: Distribution, surroundings: Surroundings, go: string | undefined): string[] {
  const archive = distribution.release.archives[surroundings.platform];
  return [
    archive
      ? `download ${releaseUrl(distribution, archive, surroundings)}`
      : `no release for ${surroundings.platform}: nothing to download`,
    go
      ? `${go} build, about ${distribution.build.seconds} s`
      : 'no Go to build it with: install it from https://go.dev/dl',
  ];
}
