/**
 * One member of a cluster whose links can be disturbed: etcd, and beside it the forward proxy through which it dials its peers.
 *
 *     node member.ts --route=etcd-1.peer.internal=127.0.0.1:40001 … -- etcd --name=etcd-0 …
 *
 * All members share one list of peer URLs, so a URL cannot hold the address at which one particular member reaches another. A
 * proxy can: etcd's HTTP client honours `http_proxy` for every host that is not loopback, and hands it the name unresolved.
 *
 * Both are one process group, in which a SIGKILL or SIGSTOP strikes both. On SIGTERM etcd ends first, then this process.
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type PeerAddress, PeerProxy } from './peer_proxy.ts';

const { values, positionals } = parseArgs({
  options: { route: { type: 'string', multiple: true, default: [] } },
  allowPositionals: true,
});

/** `etcd-1.peer.internal=127.0.0.1:40001` */
function parseRoute(text: string): [string, PeerAddress] {
  const match = /^([^=]+)=([^:]+):(\d+)$/.exec(text);
  if (match === null) throw new Error(`--route=${text}: requires NAME=HOST:PORT`);
  return [match[1]!, { host: match[2]!, port: Number(match[3]) }];
}

const [command, ...words] = positionals;
if (command === undefined) throw new Error('no command: requires `-- etcd …` after the routes');
const proxy = await PeerProxy.start(new Map(values.route.map(parseRoute)));
const { url } = proxy;
// Without exceptions: what is in NO_PROXY here could match the peers' names. Loopback is excepted by Go itself.
const environment = { HTTP_PROXY: url, http_proxy: url, NO_PROXY: '', no_proxy: '' };
const etcd = spawn(command, words, { stdio: 'inherit', env: { ...process.env, ...environment } });

// The group has heard it, too; a signal to this process alone must reach etcd all the same, and etcd takes only the first.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => etcd.kill(signal));
etcd.once('error', (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(1);
});
etcd.once('exit', (code) => process.exit(code ?? 1));
