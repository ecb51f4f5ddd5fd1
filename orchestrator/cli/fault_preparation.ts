/** What a standing cluster needs so that its links and nodes can be broken: `up --links`, `up --faults`. */
import { join } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { obtain } from '../../tools/obtain.ts';
import { reservePorts } from '../cluster/ports.ts';
import type { UpOptions } from '../cluster/standing.ts';
import { startToxiproxy, type ToxiproxyApi } from '../faults/toxiproxy.ts';
import { newFaultToken } from '../run/run_faults.ts';
import { type Context, note } from './context.ts';
import { UsageError } from './exit_code.ts';

export async function prepareForFaults(
  context: Context,
  { name, links, nodeFaults }: SystemManifest,
  flags: { readonly links: boolean; readonly faults: boolean },
): Promise<Pick<UpOptions, 'openLinks' | 'faultToken'>> {
  if (flags.links && links === undefined)
    throw new UsageError(`--links: ${name} does not let anything stand between its nodes`);
  if (flags.faults && nodeFaults === undefined) throw new UsageError(`--faults: ${name} has no fault endpoints`);
  return {
    ...(flags.links && links ? { openLinks: await linkOpener(context, links.port) } : {}),
    ...(flags.faults ? { faultToken: newFaultToken() } : {}),
  };
}

async function linkOpener(context: Context, port: string): Promise<NonNullable<UpOptions['openLinks']>> {
  const { signal } = context.signals;
  const tools = await obtain(['toxiproxy-server'], {
    signal,
    onProgress: ({ label, step, detail }) => {
      if (step === 'downloading' || step === 'ready') note(context, `${label}: ${detail}`);
    },
  });
  // Nodes that have to take other ports get other links; the process stays.
  let api: ToxiproxyApi | undefined;
  return async (places, logDirectory, spawn) => {
    if (api === undefined) {
      const reserved = await reservePorts(1);
      await reserved.release();
      ({ api } = await startToxiproxy({
        ...{ binary: tools.get('toxiproxy-server')!.path, apiPort: reserved.ports[0]!, spawn },
        workingDirectory: context.root,
        logFile: join(logDirectory, 'toxiproxy.log'),
      }));
    }
    return { api: api.url, plan: await api.openLinks(places, port) };
  };
}
