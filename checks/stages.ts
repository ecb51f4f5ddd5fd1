import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { obtain, type ToolName } from '../tools/obtain.ts';
import { createProgressRenderer } from '../tools/progress.ts';
import type { Processes } from './processes.ts';
import { isSelected, projectFiles, type Selection, systemOf } from './selection.ts';

/** Counts of jest tests; a test file that could not even start counts as one failed test. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface StageResult {
  readonly ok: boolean;
  /** A few words for the table. */
  readonly summary: string;
  /** Shown when it failed. */
  readonly output: string;
  readonly tally?: Tally;
}

export interface StageContext {
  readonly root: string;
  readonly processes: Processes;
  readonly selection: Selection;
  readonly signal: AbortSignal;
  /** Says how far a stage is. */
  readonly onStep: (step: string) => void;
}

export interface Stage {
  readonly name: string;
  run(context: StageContext): Promise<StageResult>;
}

const types: Stage = {
  name: 'types',
  async run({ root, processes, onStep }) {
    const projects = projectFiles(root, 'tsconfig.json', '*/tsconfig*.json', 'examples/*/loadtests/tsconfig.json');
    const outputs: string[] = [];
    for (const project of projects) {
      onStep(project);
      const { code, output } = await processes.run(bin(root, 'tsc'), ['--noEmit', '-p', project]);
      if (code !== 0) outputs.push(output);
    }
    return { ok: outputs.length === 0, summary: counted(projects.length, 'project'), output: outputs.join('\n') };
  },
};

const lint: Stage = {
  name: 'lint',
  async run({ root, processes }) {
    const { code, output } = await processes.run(bin(root, 'biome'), ['check', '--error-on-warnings', '.']);
    return { ok: code === 0, summary: /Checked (\d+ files)/.exec(output)?.[1] ?? '', output };
  },
};

const tools: Stage = {
  name: 'tools',
  async run({ signal }) {
    const renderer = createProgressRenderer(process.stderr);
    try {
      const obtained = await obtain(['k6', 'prometheus', 'promtool', 'toxiproxy-server', 'etcd'], {
        onProgress: renderer.onProgress,
        signal,
      });
      const summary = [...obtained.values()].map(({ name, version, source }) => `${name} ${version} (${source})`);
      return { ok: true, summary: summary.join(', '), output: '' };
    } catch (error) {
      return { ok: false, summary: 'not obtained', output: (error as Error).message };
    } finally {
      renderer.end();
    }
  },
};

const rules: Stage = {
  name: 'rules',
  async run(context) {
    const { root, processes, selection, onStep } = context;
    // Alerts and recording rules without a system are needed by every system.
    const isShared = (path: string) => systemOf(path, selection.systems) === undefined;
    const selected = (...patterns: string[]) =>
      projectFiles(root, ...patterns).filter((path) => isShared(path) || isSelected(root, path, selection));
    const ruleFiles = selected('{alerts,prometheus,examples}/**/*.rules.{yml,yaml}');
    const testFiles = selected('{alerts,prometheus,examples}/**/*.test.{yml,yaml}', 'alerts/tests/**/*.{yml,yaml}');
    if (ruleFiles.length === 0 || testFiles.length === 0) {
      const output = `found ${ruleFiles.length} rule files and ${testFiles.length} rule tests in alerts/, prometheus/ and examples/`;
      return { ok: false, summary: 'nothing to test', output };
    }
    const promtool = (await toolPath('promtool', context.signal)) ?? 'promtool';
    const outputs: string[] = [];
    for (const parameters of [
      ['check', 'rules', '--lint=all', '--lint-fatal', ...ruleFiles],
      ['test', 'rules', ...new Set(testFiles)],
    ]) {
      onStep(`promtool ${parameters.slice(0, 2).join(' ')}`);
      const { code, output } = await processes.run(promtool, parameters);
      if (code !== 0) outputs.push(output);
    }
    const summary = `${counted(ruleFiles.length, 'rule file')}, ${counted(new Set(testFiles).size, 'rule test')}`;
    return { ok: outputs.length === 0, summary, output: outputs.join('\n') };
  },
};

const unit = jest('unit', ['--maxWorkers=100%'], (path) => !/\.(integration|timed|full)\.test\.ts$/.test(path));
// They wait for processes most of the time: two at once take half as long.
const integration = jest('integration', ['--maxWorkers=2'], (path) => path.endsWith('.integration.test.ts'));
/** Latencies and the like, which another test beside them would spoil. */
const timed = jest('timed', ['--runInBand'], (path) => path.endsWith('.timed.test.ts'));
const full = jest('full', ['--runInBand'], (path) => path.endsWith('.full.test.ts'));

/** What each command runs, in order. */
export const modes: Readonly<Record<string, readonly Stage[]>> = {
  check: [types, lint, unit],
  test: [types, lint, unit, tools, rules, integration, timed],
  full: [types, lint, unit, tools, rules, integration, timed, full],
};

/** Runs one jest project; with chosen systems only their test files and those in checks/, which look at the whole tree. */
function jest(project: string, flags: readonly string[], isOfProject: (path: string) => boolean): Stage {
  return {
    name: project,
    async run({ root, processes, selection, onStep }) {
      const files = projectFiles(root, '**/*.test.ts')
        .filter(isOfProject)
        .filter((path) => path.startsWith('checks/') || isSelected(root, path, selection));
      if (files.length === 0) {
        return { ok: false, summary: 'no tests', output: `no ${project} tests found`, tally: none };
      }
      const chosen = selection.chosen.length > 0 ? ['--runTestsByPath', ...files] : [];
      const directory = mkdtempSync(join(tmpdir(), 'gameday-checks-'));
      const report = join(directory, 'jest.json');
      let done = 0;
      try {
        const { code, output } = await processes.run(
          process.execPath,
          [
            '--experimental-vm-modules',
            `--require=${join(root, 'checks/quiet.cjs')}`,
            join(root, 'node_modules/jest/bin/jest.js'),
            ...chosen,
            ...flags,
            `--selectProjects=${project}`,
            '--json',
            `--outputFile=${report}`,
          ],
          (line) => {
            if (/^(PASS|FAIL) /.test(line)) onStep(`${++done} of ${files.length} files, ${line}`);
          },
        );
        const tally = readTally(report);
        // With --json jest prints the report on stdout as well: one line that nobody reads.
        const shown = output.replace(/^\{"num.*$/m, '');
        if (!tally) return { ok: false, summary: 'jest did not finish', output: shown, tally: none };
        const summary = describeTally(tally);
        return { ok: code === 0 && tally.passed > 0, summary, output: shown, tally };
      } finally {
        rmSync(directory, { recursive: true, force: true });
      }
    },
  };
}

const none: Tally = { passed: 0, failed: 0, skipped: 0 };

interface JestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

function readTally(report: string): Tally | undefined {
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
    return {
      passed: counts.numPassedTests,
      failed: counts.numFailedTests + counts.numRuntimeErrorTestSuites,
      skipped: counts.numPendingTests + counts.numTodoTests,
    };
  } catch {
    return undefined;
  }
}

/** `12 passed, 0 failed, 1 skipped` */
export function describeTally({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

async function toolPath(name: ToolName, signal: AbortSignal): Promise<string | undefined> {
  return (await obtain([name], { signal })).get(name)?.path;
}

function bin(root: string, name: string): string {
  return join(root, 'node_modules/.bin', name);
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
