/** Builds the peers that are written in Go. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { findOnPath } from '../tools/locate.ts';
import { cacheDirectory, thisMachine } from '../tools/surroundings.ts';

/**
 * Builds `benchmarks/<name>` into the tool cache, once for each state of its source. Returns the binary's path, or null where there
 * is no Go. Throws with Go's own words when it does not build.
 * @param version of what the module is about, for the cache's directory
 */
export async function buildGoModule(name: string, version: string): Promise<string | null> {
  const surroundings = thisMachine();
  const go = await findOnPath('go', surroundings);
  if (!go) return null;
  const module = join(import.meta.dirname, name);
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(await readFile(join(module, file)));
  const state = `${version}-${hash.digest('hex').slice(0, 12)}`;
  const directory = join(cacheDirectory(surroundings), name.replaceAll('_', '-'), state);
  const binary = join(directory, name);
  if (
    await access(binary).then(
      () => true,
      () => false,
    )
  )
    return binary;
  await mkdir(directory, { recursive: true });
  // Two builds at once each make their own file, and the later one takes the place of the equal earlier one.
  const fresh = `${binary}.${process.pid}`;
  await run(go, ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', fresh, '.'], module);
  await rename(fresh, binary);
  return binary;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' };
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece) => {
    said += piece;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} failed: ${said.trim()}`);
}
