/** Homes of the system `bare` in folders of a test's own, each with a manifest that differs from it as the test says. */
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const HERE = import.meta.dirname;

export class Homes {
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-homes-')));

  /** @param change fields of the manifest, as TypeScript, after which `base` no longer has them @returns the path of the manifest */
  with(name: string, change: string): string {
    return this.file(
      name,
      `import base from ${JSON.stringify(join(HERE, 'system.ts'))};\nexport default { ...base, ${change} };\n`,
    );
  }

  /** @returns the path of a manifest with this text */
  file(name: string, text: string): string {
    const home = join(this.directory, name);
    mkdirSync(home);
    for (const part of ['scenarios', 'loadtests', 'rules', 'runbooks'])
      cpSync(join(HERE, part), join(home, part), { recursive: true });
    const file = join(home, 'system.ts');
    writeFileSync(file, text);
    return file;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A change that starts the nodes with something wrong: `BARE_*` by node. */
export function faulty(variables: string): string {
  return `start: (node, plan) => {
    const command = base.start(node, plan);
    return { ...command, environment: { ...command.environment, ...(${variables})(node.index) } };
  }`;
}
