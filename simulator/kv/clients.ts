import type { Prng } from '../../kit/prng.ts';
import type { Message, NodeId } from '../../services/kv/core/raft/types.ts';
import { encodeCommand } from '../../services/kv/core/store/command.ts';
import type { ApplyResult } from '../../services/kv/core/store/types.ts';
import { happens } from '../distribution.ts';
import { NO_NODE, type Target } from '../types.ts';
import type { World } from '../world.ts';
import { idOf } from './messages.ts';
import type { SimulatedNode } from './node.ts';
import type { Reference, Tracked } from './reference.ts';
import type { KvOperation, KvSetup } from './types.ts';

/** A client asks again so long after it was refused. */
const AGAIN_US = 40_000;
/** A node gives up before its client does: it has this share of the client's patience. */
const NODE_PATIENCE = 0.8;

/** Timers of clients; they belong to no node. */
export const ClientTimer = { timeout: 101, again: 102 } as const;

interface Request {
  readonly operation: KvOperation;
  readonly tracked: Tracked;
  /** Where the attempts go round, first one included. */
  place: number;
  attempts: number;
  /** `unknown`: nobody will ever tell the client what became of it. */
  state: 'open' | 'answered' | 'unknown';
}

interface Wait {
  readonly request: Request;
  readonly attempt: number;
}

/** Whom the clients may ask. */
export interface Addresses {
  /** Nodes that serve clients, ascending. */
  serving(): readonly SimulatedNode[];
  find(target: Target): NodeId | null;
}

/**
 * The clients: each request is asked at one node and, when that one refuses, is down or does not answer in time, at the next; with the same
 * idempotency key. A write without one is asked again only when it certainly had no effect.
 */
export class Clients {
  readonly #world: World<Message>;
  readonly #setup: KvSetup;
  readonly #reference: Reference;
  readonly #addresses: Addresses;
  readonly #random: Prng;
  #count = 0;
  open = 0;
  readonly counts = { 'clients.answered': 0, 'clients.unknown': 0, 'clients.retries': 0, 'clients.timeouts': 0 };

  constructor(world: World<Message>, setup: KvSetup, reference: Reference, addresses: Addresses) {
    this.#world = world;
    this.#setup = setup;
    this.#reference = reference;
    this.#addresses = addresses;
    this.#random = world.fork('clients');
  }

  begin(operation: KvOperation): void {
    const name = `${operation.type} #${++this.#count}`;
    const isWrite = operation.type !== 'read';
    const key = isWrite && operation.idempotent ? `key-${this.#count}` : undefined;
    const tracked = this.#reference.track(name, key);
    const first = this.#addresses.find(operation.node);
    const place = this.#addresses.serving().findIndex(({ id }) => id === first);
    this.open += 1;
    this.#ask({ operation, tracked, place: Math.max(0, place), attempts: 0, state: 'open' });
  }

  timer(what: number, { request, attempt }: Wait): void {
    if (request.state !== 'open' || request.attempts !== attempt) return;
    if (what === ClientTimer.again) this.#ask(request);
    else {
      this.counts['clients.timeouts'] += 1;
      if (this.#isRepeatable(request)) this.#ask(request);
      else this.#giveUp(request);
    }
  }

  #isRepeatable({ operation, tracked }: Request): boolean {
    return operation.type === 'read' || tracked.idempotencyKey !== undefined;
  }

  #ask(request: Request): void {
    const nodes = this.#addresses.serving();
    const node = nodes[request.place % nodes.length];
    request.place += 1;
    request.attempts += 1;
    if (request.attempts > 1) this.counts['clients.retries'] += 1;
    const wait: Wait = { request, attempt: request.attempts };
    if (node === undefined || !node.isUp) {
      this.#world.timer(NO_NODE, AGAIN_US, ClientTimer.again, wait);
      return;
    }
    this.#world.timer(NO_NODE, this.#setup.attemptUs, ClientTimer.timeout, wait);
    if (request.operation.type === 'read') this.#read(node, wait);
    else this.#write(node, wait);
  }

  #read(node: SimulatedNode, wait: Wait): void {
    const id = idOf(wait.request.operation.register);
    node.read(
      id,
      this.#deadlineMs(node),
      (entry) => {
        if (!this.#hears(wait)) return;
        this.#reference.readAnswered(wait.request.tracked, id, entry);
        this.#answered(wait.request);
      },
      () => this.#refused(wait, true),
    );
  }

  #write(node: SimulatedNode, wait: Wait): void {
    const { operation, tracked } = wait.request;
    const { idempotencyKey } = tracked;
    let requestId = '';
    const encode = (id: string) => {
      requestId = id;
      this.#reference.attempted(id, tracked);
      return encodeCommand(this.#command(operation, id, node, idempotencyKey));
    };
    const deadlineMs = this.#deadlineMs(node);
    node.write(
      encode,
      idempotencyKey === undefined ? { deadlineMs } : { deadlineMs, idempotencyKey },
      (result: ApplyResult) => {
        if (!this.#hears(wait)) return;
        this.#reference.writeAnswered(tracked, result);
        this.#answered(wait.request);
      },
      (error) => {
        if (error.definite) this.#reference.refused(requestId);
        this.#refused(wait, error.definite);
      },
    );
  }

  #command({ type, register, value }: KvOperation, requestId: string, node: SimulatedNode, key: string | undefined) {
    const timestampMs = Math.max(0, Math.round(node.machine.clock.wall(this.#world.now) / 1000));
    const request = {
      requestId,
      timestampMs,
      sourceNode: node.id,
      ...(key === undefined ? {} : { idempotencyKey: key }),
    };
    const id = idOf(register);
    if (type === 'create') return { ...request, type, id, key: `r${register}`, value: value! };
    return type === 'update' ? { ...request, type, id, value: value! } : { ...request, type: 'delete' as const, id };
  }

  #deadlineMs(node: SimulatedNode): number {
    return node.nowMs + (NODE_PATIENCE * this.#setup.attemptUs) / 1000;
  }

  /** Whether the client still waits for this attempt, and its answer is not lost on the way. */
  #hears({ request, attempt }: Wait): boolean {
    if (request.state !== 'open' || request.attempts !== attempt) return false;
    return !happens(this.#random, this.#setup.answerLoss);
  }

  #refused(wait: Wait, definite: boolean): void {
    const { request, attempt } = wait;
    if (request.state !== 'open' || request.attempts !== attempt) return;
    if (definite || this.#isRepeatable(request)) this.#world.timer(NO_NODE, AGAIN_US, ClientTimer.again, wait);
    else this.#giveUp(request);
  }

  #answered(request: Request): void {
    request.state = 'answered';
    this.open -= 1;
    this.counts['clients.answered'] += 1;
  }

  #giveUp(request: Request): void {
    request.state = 'unknown';
    this.open -= 1;
    this.counts['clients.unknown'] += 1;
  }
}
