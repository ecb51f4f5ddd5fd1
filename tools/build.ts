import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { type Distribution, toolNames } from './catalogue.ts';
import { findOnPath } from './locate.ts';
import { Patience } from './patience.ts';
import type { Surroundings } from './surroundings.ts';

export interface BuildOptions {
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  /** Last thing that Go said, e.g. the module that it downloads, and how many packages are compiled. */
  readonly onStep: (step: string) => void;
}

/**
 * Builds the distribution's tools into `directory` from the module that `tools/<name>/go.mod` and `go.sum` pin. Throws an
 * Error that says why it cannot; the caller removes the directory.
 */
export async function goBuild(distribution: Distribution, directory: string, options: BuildOptions): Promise<void> {
  const { surroundings, signal } = options;
  const module = join(import.meta.dirname, distribution.name);
  await access(join(module, 'go.mod'));
  const go = await findOnPath('go', surroundings);
  if (!go) throw new Error('Go is not installed: get it from https://go.dev/dl');

  const { tags, ldflags } = distribution.build;
  const packages = toolNames(distribution).map((tool) => distribution.tools[tool]?.goPackage ?? '');
  const flags = ['-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-tags', tags.join(','), '-ldflags', ldflags];
  // With several packages `-o` must be a directory and binaries take the package's name; with one it is the file.
  const output = packages.length > 1 ? directory + sep : join(directory, toolNames(distribution)[0] ?? '');
  const limit = surroundings.limits.build;
  const patience = new Patience(signal, limit, `not built within ${limit / 60_000} minutes`);
  try {
    // Go's own children (compile, link) share its process group, so that an abort ends them all.
    const child = spawn(go, ['build', ...flags, '-o', output, ...packages], {
      cwd: module,
      env: { ...surroundings.environment, CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    const end = () => child.pid && endGroup(child.pid);
    patience.signal.addEventListener('abort', end, { once: true });
    const complaints = follow(createInterface({ input: child.stderr }), options.onStep);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    patience.signal.throwIfAborted();
    if (code !== 0) throw new Error(`go build in ${module} failed: ${(await complaints).slice(-5).join(' | ')}`);
  } finally {
    patience.end();
  }
}

/** Reports steps, and resolves with the lines that are neither a download nor a package. */
async function follow(lines: AsyncIterable<string>, onStep: (step: string) => void): Promise<string[]> {
  const complaints: string[] = [];
  let compiled = 0;
  for await (const line of lines) {
    if (line.startsWith('go: downloading ')) onStep(line.slice('go: '.length));
    else if (/^[\w.~-]+(\/[\w.~-]+)*$/.test(line)) onStep(`${++compiled} packages compiled`);
    else if (line.trim()) complaints.push(line.trim());
  }
  return complaints;
}

function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}
