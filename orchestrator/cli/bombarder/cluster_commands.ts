/** `cluster start`, `stop` and `status`. */
import { relative } from 'node:path';
import type { NodeStatus, RaftHealth } from '../../../services/kv/api.ts';
import { takenPorts } from '../../cluster/standing.ts';
import { note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { columns } from '../terminal.ts';
import type { BombarderContext } from './context.ts';
import { LocalCluster, type LocalClusterOptions } from './local_cluster.ts';
import { NodeClient } from './node_client.ts';

export async function clusterOptions(context: BombarderContext): Promise<LocalClusterOptions> {
  const { root, dataDirectory, directories, systems } = context;
  return { root, dataDirectory, stateDirectory: directories.base, manifest: await systems.manifest('kv') };
}

/** The nodes that `--nodes` names, else those of the data directory. */
export async function nodesOf(context: BombarderContext, urls: readonly string[] | undefined) {
  return urls ?? LocalCluster.at(await clusterOptions(context)).nodes.map(({ url }) => url);
}

export async function startCommand(
  context: BombarderContext,
  flags: { readonly port?: number; readonly json: boolean },
): Promise<ExitCode> {
  const cluster = LocalCluster.onPort(await clusterOptions(context), flags.port);
  const started = await cluster.start(context.signals.signal, (ready, total) =>
    note(context, `${ready} of ${total} nodes ready`),
  );
  const urls = cluster.nodes.map(({ url }) => url);
  const rows = await settled(urls, context.signals.signal);
  if (flags.json) {
    printJson(context, { started, data_directory: cluster.dataDirectory, nodes: rows.map(statusDocument) });
    return EXIT.pass;
  }
  print(context, statusTable(context, rows));
  const directory = relative(context.workingDirectory, cluster.dataDirectory) || '.';
  const stood = cluster.nodes.length - started.length;
  const how = stood === 0 ? '' : started.length === 0 ? 'it was up already; ' : `${stood} of them ran already; `;
  note(context, `\n${how}data and logs are in ${directory}/`);
  note(context, `next   npx bombarder flood --count 100 --concurrency 10\n       npx bombarder watch`);
  note(context, `end    npx bombarder cluster stop`);
  return EXIT.pass;
}

export async function stopCommand(context: BombarderContext, flags: { readonly json: boolean }): Promise<ExitCode> {
  const cluster = LocalCluster.at(await clusterOptions(context));
  const ended = await cluster.stop();
  if (flags.json) printJson(context, { ended: ended.map(({ node, pid }) => ({ node: node.index, pid })) });
  else if (ended.length === 0) print(context, `nothing was running in ${cluster.dataDirectory}`);
  for (const { node, pid } of flags.json ? [] : ended) print(context, `ended node ${node.index} (process ${pid})`);
  // A node on other data is somebody else's.
  const left = await takenPorts(cluster.nodes.map(({ place }) => place.ports));
  for (const sentence of left) note(context, `let alone, since it is not of ${cluster.dataDirectory}: ${sentence}`);
  return EXIT.pass;
}

export async function statusCommand(
  context: BombarderContext,
  flags: { readonly nodes?: readonly string[]; readonly json: boolean },
): Promise<ExitCode> {
  const rows = await look(await nodesOf(context, flags.nodes));
  const silent = rows.every(({ status }) => status === undefined);
  if (flags.json) printJson(context, { nodes: rows.map(statusDocument) });
  else print(context, statusTable(context, rows));
  if (silent) note(context, 'no node answers: npx bombarder cluster start');
  return silent ? EXIT.couldNotRun : EXIT.pass;
}

interface NodeLook {
  readonly url: string;
  readonly status: NodeStatus | undefined;
  readonly health: RaftHealth | undefined;
}

async function look(urls: readonly string[]): Promise<NodeLook[]> {
  return Promise.all(
    urls.map(async (url) => {
      const client = new NodeClient(url);
      const [status, health] = await Promise.all([client.status(), client.health()]);
      return { url, status, health };
    }),
  );
}

/** Just after a start the nodes may not have heard of each other yet; for the picture that is shown, a moment is given. */
async function settled(urls: readonly string[], signal: AbortSignal): Promise<NodeLook[]> {
  const deadline = performance.now() + 2000;
  for (;;) {
    const rows = await look(urls);
    const healthy = rows.every(({ health }) => health?.status === 'healthy');
    if (healthy || signal.aborted || performance.now() > deadline) return rows;
  }
}

function statusDocument({ url, status, health }: NodeLook) {
  if (status === undefined) return { url, reachable: false };
  const { node_id, role, term, entries, commit_index, applied_index, state_hash } = status;
  const answer = { node: node_id, url, reachable: true, health: health?.status ?? null, role, term };
  return { ...answer, entries, commit_index, applied_index, state_hash };
}

function statusTable(context: BombarderContext, rows: readonly NodeLook[]): string {
  const { outColors } = context.terminal;
  const head = ['node', 'address', 'health', 'role', 'term', 'entries', 'applied', 'state hash'];
  const body = rows.map(({ url, status, health }) => {
    const { host } = new URL(url);
    if (status === undefined) return ['–', host, 'unreachable', '–', '–', '–', '–', '–'];
    const { node_id, role, term, entries, applied_index, state_hash } = status;
    const numbers = [term, entries, applied_index].map(String);
    return [String(node_id), host, health?.status ?? 'unknown', role, ...numbers, state_hash];
  });
  return columns([head, ...body], (cell, column, row) => {
    if (row === 0) return outColors.dim(cell);
    if (column !== 2) return cell;
    const paint = { healthy: outColors.green, unreachable: outColors.red }[cell.trim()] ?? outColors.yellow;
    return paint(cell);
  });
}
