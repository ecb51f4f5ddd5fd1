/** A Grafana of the person's own, shown the run's stored data: nothing is fetched, nothing of theirs is touched. */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** Grafana migrates its database at the first start; on a small machine that takes a while. */
const READY_WITHIN_MS = 60_000;
const POLL_MS = 200;
/** Between SIGTERM and SIGKILL. */
const STOP_WITHIN_MS = 5_000;

export interface GrafanaOptions {
  readonly binary: string;
  readonly prometheusUrl: string;
  readonly signal: AbortSignal;
}

export interface Grafana {
  readonly url: string;
  stop(): Promise<void>;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** `GAMEDAY_GRAFANA`, else `grafana` on the PATH; null when there is neither. */
export function findGrafana(environment: Readonly<Record<string, string | undefined>>): string | null {
  const named = environment.GAMEDAY_GRAFANA;
  if (named !== undefined && named !== '') return isExecutable(named) ? named : null;
  const directories = (environment.PATH ?? '').split(path.delimiter).filter((directory) => directory !== '');
  return directories.map((directory) => path.join(directory, 'grafana')).find(isExecutable) ?? null;
}

/** The folder with Grafana's own defaults: beside the `bin` of an archive, or where Linux packages put it. */
function homeOf(binary: string): string {
  const archive = path.resolve(path.dirname(realpathSync(binary)), '..');
  return existsSync(path.join(archive, 'conf', 'defaults.ini')) ? archive : '/usr/share/grafana';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

function environmentOf(options: GrafanaOptions, port: number, data: string): Record<string, string | undefined> {
  const folder = fileURLToPath(new URL('../../grafana', import.meta.url));
  return {
    ...process.env,
    PROMETHEUS_URL: options.prometheusUrl,
    GAMEDAY_DASHBOARDS: path.join(folder, 'dashboards'),
    GF_PATHS_PROVISIONING: path.join(folder, 'provisioning'),
    GF_PATHS_DATA: data,
    GF_PATHS_LOGS: data,
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: String(port),
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
    GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
    GF_AUTH_DISABLE_LOGIN_FORM: 'true',
    GF_ANALYTICS_REPORTING_ENABLED: 'false',
    GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
    GF_PLUGINS_PREINSTALL_DISABLED: 'true',
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/health`)).ok;
  } catch {
    return false;
  }
}

/** Rejects with the end of Grafana's own log when it does not come up. */
export async function startGrafana(options: GrafanaOptions): Promise<Grafana> {
  const data = await mkdtemp(path.join(tmpdir(), 'gameday-grafana-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log = await open(path.join(data, 'output.log'), 'w');
  const child = spawn(options.binary, ['server', '--homepath', homeOf(options.binary)], {
    cwd: data,
    env: environmentOf(options, port, data),
    stdio: ['ignore', log.fd, log.fd],
  });
  let ended = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  }).then(() => {
    ended = true;
  });
  const stop = async (): Promise<void> => {
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    if (!ended) child.kill('SIGTERM');
    await exited;
    clearTimeout(kill);
    await log.close().catch(() => undefined);
    await rm(data, { recursive: true, force: true });
  };
  const deadline = performance.now() + READY_WITHIN_MS;
  while (!(await isHealthy(url))) {
    if (!ended && !options.signal.aborted && performance.now() < deadline) {
      await delay(POLL_MS);
      continue;
    }
    const output = await readFile(path.join(data, 'output.log'), 'utf8').catch(() => '');
    await stop();
    options.signal.throwIfAborted();
    throw new Error(`Grafana (${options.binary}) did not start: ${output.trim().split('\n').slice(-5).join(' | ')}`);
  }
  return { url, stop };
}
