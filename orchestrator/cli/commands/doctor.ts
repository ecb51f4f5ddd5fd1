/** `doctor`: what this machine has, and what follows from it. */
import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, release, totalmem, type } from 'node:os';
import { survey } from '../../../tools/survey.ts';
import { holderOf } from '../../cluster/port_holder.ts';
import { isPortFree } from '../../cluster/ports.ts';
import { netemAvailable } from '../../faults/netem.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { columns } from '../terminal.ts';

interface Finding {
  readonly subject: string;
  readonly state: 'ok' | 'note' | 'missing';
  readonly detail: string;
}

/** Enough for tools built from source (3 GB with Go's caches) and some runs. */
const DISK_BYTES_MIN = 5e9;

export async function doctorCommand(context: Context, flags: { readonly json: boolean }): Promise<ExitCode> {
  const findings = [
    ...(await tools()),
    runtime(),
    await disk(context),
    ...(await ports(context)),
    ...kernel(),
    ...faults(),
  ];
  if (flags.json) printJson(context, { findings });
  else print(context, table(context, findings));
  const missing = findings.filter(({ state }) => state === 'missing').map(({ subject }) => subject);
  if (missing.length > 0) note(context, `no run is possible without ${missing.join(', ')}`);
  return missing.length > 0 ? EXIT.fail : EXIT.pass;
}

/** A tool that the first run will obtain is a note; one that nothing here can obtain is missing. */
async function tools(): Promise<Finding[]> {
  return (await survey()).map(({ name, found, next, variable, accepts, obtainable }) =>
    found
      ? { subject: name, state: 'ok', detail: `${found.version} (${found.source}) ${found.path}` }
      : {
          subject: name,
          state: obtainable ? 'note' : 'missing',
          detail: `not here (${accepts}); next: ${[...next, `set ${variable}`].join(', or ')}`,
        },
  );
}

function runtime(): Finding {
  return { subject: 'node', state: 'ok', detail: `${process.version} ${process.execPath}` };
}

async function disk(context: Context): Promise<Finding> {
  const { bavail, bsize } = await statfs(context.root);
  const free = bavail * bsize;
  return { subject: 'disk', state: free < DISK_BYTES_MIN ? 'note' : 'ok', detail: `${gigabytes(free)} GB free` };
}

async function ports(context: Context): Promise<Finding[]> {
  const manifests = await Promise.all(context.systems.names().map((name) => context.systems.manifest(name)));
  return Promise.all(
    manifests.map(async ({ name, ports: plans, nodes }): Promise<Finding> => {
      const all = plans.flatMap(({ first }) => Array.from({ length: nodes.default }, (_, node) => first + node));
      const free = await Promise.all(all.map(isPortFree));
      const taken = all.filter((_, index) => !free[index]).map((port) => `${port} by ${holder(port)}`);
      const subject = `ports of ${name}`;
      if (taken.length === 0) return { subject, state: 'ok', detail: `${all.join(', ')} are free` };
      return { subject, state: 'note', detail: `held: ${taken.join('; ')} (only \`up\` needs them)` };
    }),
  );
}

function holder(port: number): string {
  const found = holderOf(port);
  return found ? `process ${found.pid} (${found.command.slice(0, 60)})` : 'a process that cannot be seen from here';
}

function kernel(): Finding[] {
  const cores = availableParallelism();
  const memory = `${gigabytes(freemem())} of ${gigabytes(totalmem())} GB memory free`;
  const facts: Finding[] = [
    {
      subject: 'machine',
      state: cores < 2 ? 'note' : 'ok',
      detail: `${type()} ${release()}, ${cores} cores, ${memory}`,
    },
  ];
  if (process.platform !== 'linux') return facts;
  const files = /Max open files\s+(\d+)/.exec(readText('/proc/self/limits'))?.[1] ?? 'unknown';
  return [
    ...facts,
    { subject: 'open files', state: Number(files) < 1024 ? 'note' : 'ok', detail: `at most ${files} a process` },
  ];
}

/** Only what depends on the machine: the rest is up to the system, and to how its cluster was started. */
function faults(): Finding[] {
  const pause = process.platform === 'win32' ? 'Windows has no SIGSTOP' : true;
  const rows = { pause, packet_loss: netemAvailable() };
  return Object.entries(rows).map(
    ([kind, available]): Finding => ({
      subject: `fault ${kind}`,
      state: available === true ? 'ok' : 'note',
      detail: available === true ? 'available' : String(available),
    }),
  );
}

function table(context: Context, findings: readonly Finding[]): string {
  const { outColors } = context.terminal;
  const paint = { ok: outColors.green, note: outColors.yellow, missing: outColors.red };
  const rows = findings.map(({ subject, state, detail }) => [subject, state, detail]);
  return columns(rows, (cell, column, row) => (column === 1 ? paint[findings[row]!.state](cell) : cell));
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
