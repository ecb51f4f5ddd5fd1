/** The faults of one run: what must stand ready before the nodes start, the schedule, and the end of it all. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Prng } from '../../kit/prng.ts';
import type { LinkPlan, NodePlace } from '../../kit/system.ts';
import type { ToolName } from '../../tools/obtain.ts';
import { Child } from '../cluster/child.ts';
import type { ElsewhereNode } from '../cluster/elsewhere.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { reservePorts } from '../cluster/ports.ts';
import type { ProcessRegistry } from '../cluster/registry.ts';
import { systemClock } from '../faults/clock.ts';
import { createFaults } from '../faults/kinds.ts';
import type { Silencers } from '../faults/observation.ts';
import { brokenPromises, FaultScheduler, type Schedule } from '../faults/scheduler.ts';
import { startToxiproxy, type ToxiproxyApi, ToxiproxyError } from '../faults/toxiproxy.ts';
import { isLinkFault, isNodeFault } from '../scenario/fault_kinds.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Scenario } from '../scenario/types.ts';
import type { Tools } from './options.ts';
import { type FaultRecord, RUN_FILES } from './record.ts';

export interface RunFaultsOptions {
  readonly loaded: LoadedScenario;
  readonly root: string;
  readonly runDirectory: string;
  readonly registry: ProcessRegistry;
  readonly tools: Tools;
  readonly seed: number;
  /** Undefined where nothing observes. */
  readonly silencers?: Silencers;
  readonly onChange: (outcome: FaultRecord) => void;
}

export function needsLinks({ faults }: Scenario): boolean {
  return faults.some(({ kind }) => isLinkFault(kind));
}

function needsObedience({ faults }: Scenario): boolean {
  return faults.some(({ kind }) => isNodeFault(kind));
}

/** The tools without which the scenario's faults cannot be injected. */
export function faultTools(scenario: Scenario): ToolName[] {
  return needsLinks(scenario) ? ['toxiproxy-server'] : [];
}

/** A secret of one cluster, in the environment of its nodes and nowhere else. */
export function newFaultToken(): string {
  return randomBytes(24).toString('hex');
}

export class RunFaults {
  readonly #options: RunFaultsOptions;
  readonly #abort = new AbortController();
  #toxiproxy: { readonly child: Child; readonly api: ToxiproxyApi } | undefined;
  #scheduler: FaultScheduler | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: RunFaultsOptions) {
    this.#options = options;
  }

  /** What the cluster must be started with. */
  clusterOptions(): {
    readonly openLinks?: (places: readonly NodePlace[]) => Promise<readonly LinkPlan[]>;
    readonly faultToken?: string;
  } {
    const { scenario } = this.#options.loaded;
    return {
      ...(needsLinks(scenario) ? { openLinks: (places) => this.#openLinks(places) } : {}),
      ...(needsObedience(scenario) ? { faultToken: newFaultToken() } : {}),
    };
  }

  begin(nodes: readonly (ClusterNode | ElsewhereNode)[], schedule: Schedule, signal: AbortSignal): void {
    const { loaded, seed, root, runDirectory, silencers, onChange } = this.#options;
    const { manifest, scenario } = loaded;
    const spawn = {
      spawn: this.#spawn,
      workingDirectory: root,
      logFile: join(runDirectory, RUN_FILES.logs, 'netem.log'),
    };
    const peerPort = manifest.links?.port;
    const notPrepared = 'the cluster was started without it';
    this.#scheduler = new FaultScheduler({
      plans: scenario.faults,
      nodes,
      faults: createFaults({
        manifest,
        ...(silencers ? { silencers } : {}),
        ...(this.#toxiproxy ? { links: { api: this.#toxiproxy.api, count: nodes.length } } : {}),
        ...(peerPort === undefined || manifest.start === undefined
          ? {}
          : { netem: { ...spawn, ports: nodes.map(({ place }) => place.ports[peerPort]!) } }),
        nodesObey: needsObedience(scenario),
        remedy: { links: notPrepared, nodes: notPrepared },
      }),
      clock: systemClock,
      probed: manifest.paths?.probe !== undefined,
      random: new Prng(seed).fork('faults'),
      onChange,
    });
    this.#running = this.#scheduler.run(schedule, AbortSignal.any([signal, this.#abort.signal]));
    // Awaited in `finish` or `stop`; until then a rejection is not unhandled.
    this.#running.catch(() => undefined);
  }

  /** Throws when what stands between the nodes has ended: they are cut off from each other, and that is no fault of theirs. */
  assertLinked(): void {
    const status = this.#toxiproxy?.child.status;
    if (status === undefined) return;
    const how = status.signal ? `was ended by ${status.signal}` : `exited with code ${status.code}`;
    throw new ToxiproxyError(
      `toxiproxy ${how} during the run, and every link with it: see ${RUN_FILES.logs}/toxiproxy.log`,
    );
  }

  /** Resolves when all faults are healed and recovered from, or it was time to give up: with what was promised and did not happen. */
  async finish(): Promise<string[]> {
    await this.#running;
    return brokenPromises(this.#scheduler?.outcomes ?? []);
  }

  /** Plans nothing more. */
  abort(reason: unknown): void {
    this.#abort.abort(reason);
  }

  /** Heals what is in force. Never rejects: what could not be healed is in the outcome. */
  async heal(): Promise<void> {
    this.#abort.abort();
    await this.#running.catch(() => undefined);
    await this.#scheduler?.healAll();
  }

  /** Ends what stood between the nodes; last, since it cuts them off from each other. */
  async stop(graceMs: number): Promise<void> {
    await this.#toxiproxy?.child.stop(graceMs);
  }

  readonly #spawn = (child: Parameters<typeof Child.start>[0]) => Child.start(child, this.#options.registry);

  /** Called again when the nodes have to take other ports: the process stays, the links are made anew. */
  async #openLinks(places: readonly NodePlace[]): Promise<readonly LinkPlan[]> {
    const { loaded, root, runDirectory, tools } = this.#options;
    if (this.#toxiproxy === undefined) {
      const api = await reservePorts(1);
      await api.release();
      this.#toxiproxy = await startToxiproxy({
        binary: tools.get('toxiproxy-server')!.path,
        apiPort: api.ports[0]!,
        spawn: this.#spawn,
        workingDirectory: root,
        logFile: join(runDirectory, RUN_FILES.logs, 'toxiproxy.log'),
      });
    }
    return this.#toxiproxy.api.openLinks(places, loaded.manifest.links!.port);
  }
}
