/** Reads V8's CPU profiles: self time by room and file of the project, and by what is not the project's. */

/** https://chromedevtools.github.io/devtools-protocol/tot/Profiler/#type-Profile; times in microseconds of the monotonic clock. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly startTime: number;
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  /** Of the time in which the thread was busy. */
  readonly share: number;
}

export interface ProfileSummary {
  readonly seconds: number;
  /** Share of the time in which the thread waited for something to do. */
  readonly idle: number;
  /** Greatest first, here and below. */
  readonly rooms: readonly Share[];
  readonly files: readonly Share[];
  readonly functions: readonly Share[];
}

export interface Window {
  readonly fromUs: number;
  readonly untilUs: number;
}

const IDLE = '(idle)';
/** What is less is left out of the tables. */
const SHARE_MIN = 0.01;
const FILES_MAX = 15;
const FUNCTIONS_MAX = 20;

/** @param root directory of the project, with a separator at its end */
export function summaryOf(profile: CpuProfile, window: Window, root: string): ProfileSummary {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const totals = {
    rooms: new Map<string, number>(),
    files: new Map<string, number>(),
    functions: new Map<string, number>(),
  };
  let [total, idle, now] = [0, 0, profile.startTime];
  profile.samples.forEach((sample, at) => {
    const delta = profile.timeDeltas[at]!;
    now += delta;
    if (now < window.fromUs || now > window.untilUs) return;
    const { functionName, url } = frames.get(sample)!;
    total += delta;
    if (functionName === IDLE) idle += delta;
    else {
      const file = fileOf(functionName, url, root);
      add(totals.rooms, roomOf(file), delta);
      add(totals.files, file, delta);
      add(totals.functions, `${functionName || '(anonymous)'} · ${file}`, delta);
    }
  });
  const busy = total - idle;
  if (busy === 0) throw new Error('the profile has no sample in the time of the load');
  return {
    ...{ seconds: total / 1e6, idle: idle / total },
    rooms: shares(totals.rooms, busy),
    files: shares(totals.files, busy).slice(0, FILES_MAX),
    functions: shares(totals.functions, busy).slice(0, FUNCTIONS_MAX),
  };
}

/** `services/kv/driver/writes.ts`, `node:net`, `npm fastify`, `native` for what V8 or libuv do, `(garbage collector)`. */
function fileOf(functionName: string, url: string, root: string): string {
  if (/^\(.*\)$/.test(functionName)) return functionName;
  if (url === '') return 'native';
  if (url.startsWith('node:')) return url;
  const path = url.replace(/^file:\/\//, '');
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
  if (inPackage) return `npm ${inPackage[1]}`;
  return path.startsWith(root) ? path.slice(root.length) : path;
}

/** Node's own modules by their first part; the project's files by their folder. */
function roomOf(file: string): string {
  if (file.startsWith('node:'))
    return `node:${
      file
        .slice('node:'.length)
        .replace(/^internal\/|^_/, '')
        .split(/[/_]/)[0]
    }`;
  return file.includes('/') && !file.startsWith('npm ') ? file.slice(0, file.lastIndexOf('/')) : file;
}

function add(totals: Map<string, number>, name: string, delta: number): void {
  totals.set(name, (totals.get(name) ?? 0) + delta);
}

function shares(totals: ReadonlyMap<string, number>, whole: number): Share[] {
  return [...totals].map(([name, time]) => ({ name, share: time / whole })).sort((a, b) => b.share - a.share);
}

/** Markdown. */
export function tableOf(title: string, { seconds, idle, rooms, files, functions }: ProfileSummary): string {
  const section = (heading: string, rows: readonly Share[]) => [
    ...['', `| ${heading} | self time |`, '|---|---|'],
    ...rows.filter(({ share }) => share >= SHARE_MIN).map(({ name, share }) => `| \`${name}\` | ${percent(share)} |`),
  ];
  return [
    `### ${title}: ${seconds.toFixed(1)} s, idle ${percent(idle)}`,
    ...section('Room', rooms),
    ...section('File', files),
    ...section('Function', functions),
  ].join('\n');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
