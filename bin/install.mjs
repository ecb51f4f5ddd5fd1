// Runs before `npm start`, `npm test` and `npm run check`: installs dependencies when they are missing or when
// package-lock.json changed, and is done at once otherwise.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundledNode, COULD_NOT_RUN, nodePackage, refuse, refuseWindows, root } from './handover.mjs';

const PLAIN_INTERVAL_MS = 2000;
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT/;
const UNTRUSTED = /SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY_LEAF|CERT_HAS_EXPIRED/;

refuseWindows();
const reason = reasonToInstall();
if (reason) await install(reason);

/** Why dependencies must be installed, or undefined: compares the lock file with npm's record of what it installed. */
function reasonToInstall() {
  const wanted = readLock('package-lock.json');
  const installed = readLock('node_modules/.package-lock.json');
  if (!wanted) refuse(`package-lock.json is missing in ${root}: restore it from the repository.`);
  if (!installed) return 'no dependencies are installed';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const present = installed[path];
    if (!present && !entry.optional) return `${path} is missing`;
    if (present && present.version !== entry.version) return `package-lock.json wants ${entry.version} of ${path}`;
  }
  if (nodePackage() && !bundledNode()) return `${nodePackage()} is missing`;
  return undefined;
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install(why) {
  const total = Object.keys(readLock('package-lock.json')).length;
  process.stderr.write(`Installing about ${total} packages with npm, because ${why} …\n`);
  const started = Date.now();
  const { code, interrupted, complaints } = await runNpm((fetched) => {
    const seconds = Math.round((Date.now() - started) / 1000);
    return `  ${fetched} answers from the registry, ${seconds} s`;
  });
  if (interrupted) process.exit(128 + interrupted);
  if (code !== 0) {
    const errors = complaints.filter((line) => /^npm error\s+\S/.test(line)).slice(0, 15);
    process.stderr.write(`${(errors.length > 0 ? errors : complaints.slice(-15)).join('\n')}\n`);
    refuse(remedy(complaints.join('\n')));
  }
  checkNode();
  process.stderr.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s.\n`);
}

/** Runs `npm ci`, shows how far it is, and resolves with its exit code and what it complained about. */
async function runNpm(describe) {
  const [command, ...parameters] = npmCommand();
  const flags = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=http'];
  const child = spawn(command, [...parameters, ...flags], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
  let interrupted = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      child.kill(signal);
      interrupted = constants.signals[signal];
    });
  }
  const complaints = [];
  let fetched = 0;
  let unanswered = false;
  const show = progressLine();
  const timer = setInterval(() => show(describe(fetched)), process.stderr.isTTY ? 200 : PLAIN_INTERVAL_MS);
  const done = new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
  createInterface({ input: child.stderr }).on('line', (line) => {
    const isRequest = /^npm (http )?(http|verbose|cache)/.test(line);
    if (isRequest && / 200 |cache hit|http cache/.test(line)) fetched++;
    else if (isRequest && UNREACHABLE.test(line)) {
      if (!unanswered) show(`  the registry does not answer, npm tries again: ${line}`, true);
      unanswered = true;
    } else complaints.push(line);
  });
  try {
    return { code: await done, interrupted, complaints };
  } catch (error) {
    refuse(`cannot run npm: ${error.message}. It comes with Node (https://nodejs.org).`);
  } finally {
    clearInterval(timer);
    show.end();
  }
}

/** The npm that runs this script, on the Node it runs on: the one in node_modules is about to be replaced. */
function npmCommand() {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  return npm?.endsWith('.js') && node ? [node, npm] : ['npm'];
}

/** On a terminal one line that is drawn over, otherwise a line each time. */
function progressLine() {
  const live = process.stderr.isTTY;
  const show = (text, keep = false) => {
    process.stderr.write(live ? `\r\u001b[2K${text}${keep ? '\n' : ''}` : `${text}\n`);
  };
  show.end = () => live && process.stderr.write('\r\u001b[2K');
  return show;
}

function remedy(output) {
  const registry = spawnSync('npm', ['config', 'get', 'registry'], { cwd: root, encoding: 'utf8' }).stdout?.trim();
  if (UNTRUSTED.test(output)) {
    return `npm does not trust the certificate of ${registry}: set NODE_EXTRA_CA_CERTS to the file of your proxy's authority, then run again.`;
  }
  if (UNREACHABLE.test(output)) {
    return (
      `npm cannot reach the registry ${registry}: check the network; behind a proxy set HTTPS_PROXY; ` +
      'with a mirror run "npm config set registry <URL>"; then run again.'
    );
  }
  if (/code EUSAGE/.test(output)) {
    return `package.json and package-lock.json in ${root} disagree: restore them, or run "npm install" after a change.`;
  }
  return `npm ci failed in ${root}: see above; run "npm ci" there by hand once it is mended.`;
}

function checkNode() {
  const name = nodePackage();
  if (!name) return;
  const node = bundledNode();
  if (!node) refuse(`npm left out the optional package ${name}: run "npm ci --include=optional" in ${root}.`);
  const { status, stderr, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  if (status !== 0) {
    process.stderr.write(`${node} does not run on this machine: ${error?.message ?? stderr}\n`);
    process.exit(COULD_NOT_RUN);
  }
}
