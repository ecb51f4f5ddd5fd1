/** `simulate`: runs seeds of a system in virtual time; a failing one is made smaller and shown with the command that repeats it. */
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { describePlan, milliseconds } from '../../../simulator/describe.ts';
import { EMPTY_TALLY, type Found, runFleet, type Tally } from '../../../simulator/fleet.ts';
import { type Calm, type Reduction, reduce } from '../../../simulator/reduction.ts';
import { formatRepetition } from '../../../simulator/repetition.ts';
import { type Shrunk, shrink } from '../../../simulator/shrink.ts';
import { type SimulatedSystem, simulatedSystem, simulatedSystemNames } from '../../../simulator/systems.ts';
import type { Outcome, Plan } from '../../../simulator/types.ts';
import { Interruption } from '../../run/interruption.ts';
import { UnknownSystemError } from '../../run/systems.ts';
import { suggestion } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { SimulationProgress } from '../simulation_progress.ts';

export interface SimulateFlags {
  readonly seeds: number;
  readonly from: number;
  /** Milliseconds. */
  readonly duration?: number;
  readonly seed?: number;
  readonly bug?: string;
  readonly workers?: number;
  readonly keepGoing: boolean;
  readonly shrink: boolean;
  readonly trace: boolean;
  readonly json: boolean;
  // What is left of the plan that the seed gives.
  readonly onlyFaults?: readonly number[];
  readonly onlyOperations?: readonly number[];
  readonly calm?: readonly Calm[];
  readonly nodes?: number;
  readonly healAt?: number;
}

/** Most runs that are spent on making one failure smaller. */
const SHRINK_RUNS_MAX = 400;
/** Of the failing run, so many of the last events are shown. */
const TRACE_LINES = 40;

export async function simulateCommand(context: Context, system: string, flags: SimulateFlags): Promise<ExitCode> {
  if (!simulatedSystemNames.includes(system)) throw new UnknownSystemError(system, simulatedSystemNames);
  const simulation = new Simulation(context, simulatedSystem(system), flags);
  return flags.seed === undefined ? simulation.many() : simulation.one(flags.seed);
}

/** A failing seed, as it is reported. */
interface Finding {
  readonly found: Found;
  readonly shrunk: Shrunk<Plan> | null;
}

class Simulation {
  readonly #context: Context;
  readonly #system: SimulatedSystem;
  readonly #flags: SimulateFlags;
  readonly #bug: string | null;
  readonly #reduction: Reduction;

  constructor(context: Context, system: SimulatedSystem, flags: SimulateFlags) {
    this.#context = context;
    this.#system = system;
    this.#flags = flags;
    this.#bug = flags.bug ?? null;
    const { onlyFaults: faults, onlyOperations: operations, calm, nodes, healAt: healAtUs } = flags;
    const wanted = { faults, operations, calm, nodes, healAtUs };
    this.#reduction = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
    this.#validate();
  }

  #validate(): void {
    const { seed, trace } = this.#flags;
    const names = this.#system.bugs.map(({ name }) => name);
    if (this.#bug !== null && !names.includes(this.#bug))
      throw new UsageError(
        `no planted bug "${this.#bug}": expected ${names.join(', ')}${suggestion(this.#bug, names)}`,
      );
    if (seed !== undefined) return;
    if (Object.keys(this.#reduction).length > 0)
      throw new UsageError('a part of a plan is a part of one seed’s plan: say which with --seed');
    if (trace) throw new UsageError('--trace shows one run: say which with --seed');
  }

  /** One seed, whole or in part. */
  async one(seed: number): Promise<ExitCode> {
    const { trace, json } = this.#flags;
    const plan = this.#plan(seed);
    this.#checkPositions(plan);
    const startedAt = performance.now();
    const onTrace = trace ? { onTrace: (line: string) => (json ? note : print)(this.#context, line) } : {};
    const outcome = this.#run(reduce(plan, this.#reduction), onTrace);
    const { failure, traceHash, messages, events, endUs, stats } = outcome;
    const failures = failure === null ? [] : [{ seed, failure, traceHash }];
    const tally = { seeds: 1, messages, events, simulatedUs: endUs, stats, failures };
    return this.#conclude(tally, performance.now() - startedAt, outcome);
  }

  /** Positions that the plan does not have are a mistake, not an empty run. */
  #checkPositions(plan: Plan): void {
    const { faults = [], operations = [] } = this.#reduction;
    for (const [name, positions, list] of [
      ['--only-faults', faults, plan.faults],
      ['--only-operations', operations, plan.operations],
    ] as const) {
      const last = positions.at(-1) ?? 0;
      if (last > 0 && last >= list.length)
        throw new UsageError(`${name} ${last}: the plan of seed ${plan.seed} has positions 0 to ${list.length - 1}`);
    }
  }

  async many(): Promise<ExitCode> {
    const { seeds, from, duration, workers, keepGoing } = this.#flags;
    const progress = new SimulationProgress(this.#context.terminal, duration === undefined ? seeds : null);
    const startedAt = performance.now();
    const { signal } = this.#context.signals;
    const until = duration === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(duration)]);
    let tally = EMPTY_TALLY;
    try {
      tally = await runFleet({
        ...{ system: this.#system.name, bug: this.#bug, from, keepGoing },
        count: duration === undefined ? seeds : Infinity,
        workers: workers ?? availableParallelism(),
        signal: until,
        onProgress: (now) => progress.show(now, performance.now() - startedAt),
      });
    } finally {
      progress.end();
    }
    return this.#conclude(tally, performance.now() - startedAt, null);
  }

  /** @param outcome of the run, when it was a single one */
  async #conclude(tally: Tally, elapsedMs: number, outcome: Outcome | null): Promise<ExitCode> {
    const interruption = this.#interruption();
    const findings: Finding[] = [];
    for (const found of tally.failures) findings.push({ found, shrunk: await this.#shrink(found) });
    const exitCode = interruption ? EXIT[interruption.signal] : findings.length > 0 ? EXIT.fail : EXIT.pass;
    if (this.#flags.json) {
      printJson(this.#context, { exitCode, ...this.#document(tally, elapsedMs, findings, outcome) });
      return exitCode;
    }
    for (const finding of findings) this.#show(finding);
    print(this.#context, this.#summary(tally, elapsedMs, outcome));
    return exitCode;
  }

  #interruption(): Interruption | null {
    const { signal } = this.#context.signals;
    return signal.aborted && signal.reason instanceof Interruption ? signal.reason : null;
  }

  #plan(seed: number): Plan {
    return this.#system.plan(seed);
  }

  #run(plan: Plan, options: { traceLines?: number; onTrace?: (line: string) => void } = {}): Outcome {
    return this.#system.run(plan, { bug: this.#bug, ...options });
  }

  /** Null when it is not wanted: the run is a part already, or a person has no more patience. */
  async #shrink({ seed }: Found): Promise<Shrunk<Plan> | null> {
    if (!this.#flags.shrink || Object.keys(this.#reduction).length > 0) return null;
    const { signal } = this.#context.signals;
    if (signal.aborted) return null;
    const progress = new SimulationProgress(this.#context.terminal, null);
    const steps = shrink(this.#plan(seed), (plan) => this.#run(plan), {
      runsMax: SHRINK_RUNS_MAX,
      isCancelled: () => signal.aborted,
      onProgress: (step) => progress.shrinking(step),
    });
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await setImmediate();
    progress.end();
    return step.value;
  }

  #repetition(seed: number, reduction: Reduction): string {
    return formatRepetition({ system: this.#system.name, seed, bug: this.#bug, reduction });
  }

  #show({ found, shrunk }: Finding): void {
    const { outColors: colors } = this.#context.terminal;
    const { seed } = found;
    const reduction = shrunk?.reduction ?? this.#reduction;
    const plan = reduce(this.#plan(seed), reduction);
    const failure = shrunk?.outcome.failure ?? found.failure;
    const { trace, traceHash } = this.#run(plan, { traceLines: TRACE_LINES });
    const lines = [
      colors.red(`seed ${seed} breaks ${failure.invariant} (${failure.kind}) at ${milliseconds(failure.atUs)}`),
      `  ${failure.message}`,
      '',
      colors.bold('the plan'),
      ...describePlan(plan, this.#system.describer).map((line) => `  ${line}`),
      '',
      colors.bold(`the last ${trace.length} events`),
      ...trace.map((line) => `  ${line}`),
      '',
      ...(shrunk === null ? [] : [this.#shrinkage(seed, shrunk)]),
      `trace   ${traceHash}`,
      `repeat  ${this.#repetition(seed, reduction)}`,
      ...(shrunk === null ? [] : [`whole   ${this.#repetition(seed, {})} --no-shrink`]),
      '',
    ];
    print(this.#context, lines.join('\n'));
  }

  #shrinkage(seed: number, { plan, runs }: Shrunk<Plan>): string {
    const whole = this.#plan(seed);
    const faults = `${whole.faults.length} faults to ${plan.faults.length}`;
    return `shrunk  ${faults}, ${whole.operations.length} operations to ${plan.operations.length}, in ${runs} runs`;
  }

  #summary(tally: Tally, elapsedMs: number, outcome: Outcome | null): string {
    const { outColors: colors } = this.#context.terminal;
    const { seeds, failures, messages, simulatedUs } = tally;
    const { seedsPerSecond, messagesPerSecond } = rates(tally, elapsedMs);
    const interruption = this.#interruption();
    const verdict =
      failures.length > 0
        ? colors.red(`${failures.length} of ${seeds} seeds failed`)
        : colors.green(outcome === null ? `${seeds} seeds passed` : `seed ${this.#flags.seed} passed`);
    const work = `${messages} messages, ${Math.round(simulatedUs / 1e6)} s of virtual time in ${(elapsedMs / 1000).toFixed(1)} s`;
    const rate =
      outcome === null
        ? `, ${seedsPerSecond} seeds/s, ${messagesPerSecond} messages/s`
        : `, trace ${outcome.traceHash}`;
    return `${verdict}: ${work}${rate}${interruption ? colors.yellow(`; ended by ${interruption.signal}`) : ''}`;
  }

  #document(tally: Tally, elapsedMs: number, findings: readonly Finding[], outcome: Outcome | null) {
    const { seeds, messages, events, simulatedUs, stats } = tally;
    const { from, seed } = this.#flags;
    return {
      ...{ system: this.#system.name, bug: this.#bug, from: seed ?? from, seeds, messages, events, stats },
      simulatedSeconds: simulatedUs / 1e6,
      seconds: elapsedMs / 1000,
      ...rates(tally, elapsedMs),
      interrupted: this.#interruption()?.signal ?? null,
      traceHash: outcome?.traceHash ?? null,
      failures: findings.map(({ found, shrunk }) => ({
        ...found,
        repeat: this.#repetition(found.seed, this.#reduction),
        shrunk: shrunk && {
          repeat: this.#repetition(found.seed, shrunk.reduction),
          ...{ faults: shrunk.plan.faults.length, operations: shrunk.plan.operations.length, runs: shrunk.runs },
          ...{ failure: shrunk.outcome.failure, traceHash: shrunk.outcome.traceHash },
        },
      })),
    };
  }
}

export function rates({ seeds, messages }: Tally, elapsedMs: number) {
  const seconds = Math.max(elapsedMs, 1) / 1000;
  return { seedsPerSecond: Math.round(seeds / seconds), messagesPerSecond: Math.round(messages / seconds) };
}
