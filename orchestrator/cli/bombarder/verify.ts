/** `verify`: compares the states of all nodes at one applied index. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeStatus } from '../../../services/kv/api.ts';
import { type Context, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { columns } from '../terminal.ts';
import { type Agreement, StateAgreement } from './agreement.ts';
import { NodeClient } from './node_client.ts';

/** How long to wait for an index that every node has been seen at. */
const WITHIN_MS = 10_000;
/** How long to wait for a node that does not answer: one that was just started by hand is there by then. */
const SILENCE_MS = 3000;
const POLL_MS = 100;

/** What a node tells of its state. */
export interface StateReport extends Pick<NodeStatus, 'node_id' | 'applied_index' | 'state_hash' | 'checkpoint'> {
  readonly role: string;
  readonly entries: number | null;
}

/** Undefined when the node does not answer, or not with its state. @param node its position among the `urls` */
export type AskState = (url: string, node: number) => Promise<StateReport | undefined>;

/** By the interface of the key-value store. */
export const askStatus: AskState = (url) => new NodeClient(url).status();

export interface Verification {
  readonly result: 'equal' | 'different' | 'inconclusive';
  /** The applied index of the comparison; null when there was none. */
  readonly index: number | null;
  readonly sentence: string;
  readonly nodes: readonly VerifiedNode[];
}

export interface VerifiedNode {
  readonly node: number | null;
  readonly url: string;
  readonly reachable: boolean;
  readonly role: string | null;
  readonly applied_index: number | null;
  readonly entries: number | null;
  /** At the index of the comparison. */
  readonly state_hash: string | null;
}

export async function verifyCommand(
  context: Context,
  urls: readonly string[],
  flags: { readonly json: boolean },
  ask: AskState = askStatus,
): Promise<ExitCode> {
  const verification = await verify(urls, context.signals.signal, WITHIN_MS, ask);
  if (flags.json) printJson(context, verification);
  else {
    print(context, verificationTable(context, verification));
    print(context, `\n${verdictOf(context, verification)}`);
  }
  return { equal: EXIT.pass, different: EXIT.fail, inconclusive: EXIT.inconclusive }[verification.result];
}

/** Looks until the states can be compared at every node, or the time is over. */
export async function verify(
  urls: readonly string[],
  signal: AbortSignal,
  withinMs = WITHIN_MS,
  ask: AskState = askStatus,
): Promise<Verification> {
  const agreement = new StateAgreement(urls.length);
  const all = urls.map((_, node) => node);
  const startedAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const statuses = await Promise.all(urls.map(ask));
    for (const [node, status] of statuses.entries()) if (status !== undefined) note(agreement, node, status);
    const here = all.filter((node) => statuses[node] !== undefined);
    const found = here.length === 0 ? ({ result: 'unknown' } as const) : agreement.among(here);
    const patience = here.length === all.length ? withinMs : Math.min(withinMs, SILENCE_MS);
    const over = performance.now() - startedAt > patience;
    // One that differs is waited for until all were seen there, to name the odd one.
    const complete = here.length === all.length && found.result !== 'unknown' && seenByAll(agreement, all, found.index);
    if (complete || over) return describe(urls, statuses, found, agreement);
    await delay(POLL_MS);
  }
}

/** Remembers what an answer tells of the state. */
export function note(
  agreement: StateAgreement,
  node: number,
  status: Pick<StateReport, 'applied_index' | 'state_hash' | 'checkpoint'>,
): void {
  agreement.see(node, { index: status.applied_index, hash: status.state_hash });
  // Before the first checkpoint there is none to compare.
  if (status.checkpoint.index > 0) agreement.see(node, status.checkpoint);
}

function seenByAll(agreement: StateAgreement, all: readonly number[], index: number): boolean {
  return all.every((node) => agreement.at(node, index) !== undefined);
}

function describe(
  urls: readonly string[],
  statuses: readonly (StateReport | undefined)[],
  found: Agreement,
  agreement: StateAgreement,
): Verification {
  const index = found.result === 'unknown' ? null : found.index;
  const nodes = urls.map((url, position): VerifiedNode => {
    const status = statuses[position];
    return {
      ...{ url, node: status?.node_id ?? null, reachable: status !== undefined, role: status?.role ?? null },
      ...{ applied_index: status?.applied_index ?? null, entries: status?.entries ?? null },
      state_hash: index === null || status === undefined ? null : (agreement.at(position, index) ?? null),
    };
  });
  return { ...conclusion(nodes, found), index, nodes };
}

function conclusion(nodes: readonly VerifiedNode[], found: Agreement): Pick<Verification, 'result' | 'sentence'> {
  const silent = nodes.filter(({ reachable }) => !reachable);
  const others = nodes.length - silent.length;
  switch (found.result) {
    case 'different':
      return { result: 'different', sentence: difference(nodes, found) };
    case 'equal': {
      if (silent.length === 0) {
        const all = nodes.length === 2 ? 'both nodes' : `all ${nodes.length} nodes`;
        const same = nodes.length === 1 ? 'one node, with the state' : `${all} have the same state,`;
        return { result: 'equal', sentence: `${same} ${found.hash} at index ${found.index}` };
      }
      const rest = others === 1 ? 'one node is left, and nothing to compare it with' : `the other ${others} agree`;
      return { result: 'inconclusive', sentence: `${silence(silent)}; ${rest}` };
    }
    case 'unknown': {
      if (silent.length > 0) return { result: 'inconclusive', sentence: silence(silent) };
      const indices = nodes.map((node) => `${name(node)} ${node.applied_index}`).join(', ');
      return { result: 'inconclusive', sentence: `no index was seen at every node; last applied: ${indices}` };
    }
  }
}

function difference(nodes: readonly VerifiedNode[], { odd, index }: Agreement & { result: 'different' }): string {
  if (odd.length === 0) return `the states differ at index ${index}, and no majority says which one is right`;
  const who = odd.map((position) => `${name(nodes[position]!)} has ${nodes[position]!.state_hash}`).join(', ');
  const right = nodes.find((node, position) => node.state_hash !== null && !odd.includes(position))?.state_hash;
  return `${who} at index ${index}, where the majority has ${right}`;
}

function silence(silent: readonly VerifiedNode[]): string {
  const hosts = silent.map(({ url }) => new URL(url).host);
  return `${hosts.join(' and ')} ${hosts.length === 1 ? 'does' : 'do'} not answer`;
}

function name({ node, url }: VerifiedNode): string {
  return `node ${node} (${new URL(url).host})`;
}

function verificationTable(context: Context, { nodes, index }: Verification): string {
  const { outColors } = context.terminal;
  const at = index === null ? 'state hash' : `state hash at ${index}`;
  const rows = nodes.map(({ node, url, reachable, role, applied_index, entries, state_hash }) => [
    ...[String(node ?? '–'), new URL(url).host, reachable ? role! : 'unreachable'],
    ...[String(applied_index ?? '–'), String(entries ?? '–'), state_hash ?? '–'],
  ]);
  return columns([['node', 'address', 'role', 'applied', 'entries', at], ...rows], (cell, column, row) => {
    if (row === 0) return outColors.dim(cell);
    return column === 2 && !nodes[row - 1]!.reachable ? outColors.yellow(cell) : cell;
  });
}

/** One line, coloured by the result. */
export function verdictOf(context: Context, { result, sentence }: Verification): string {
  const { outColors } = context.terminal;
  switch (result) {
    case 'equal':
      return outColors.green(`✔ ${sentence}`);
    case 'different':
      return outColors.red(`✘ INCONSISTENT: ${sentence}`);
    case 'inconclusive':
      return outColors.yellow(`? cannot be concluded: ${sentence}`);
  }
}
