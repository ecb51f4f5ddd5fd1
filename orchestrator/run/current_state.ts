/** What the Prometheus of a run that is under way says of an alert. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PromApi } from '../verdict/api.ts';
import { listeningUrl } from '../verdict/prometheus.ts';
import { type RunDirectories, type RunDirectory, readRecord } from './directory.ts';
import { RUN_FILES } from './record.ts';

/** Nobody waits longer to be told what a run says. */
const ANSWER_TIMEOUT_MS = 2000;

/** One line, or undefined when the newest run is over or its Prometheus does not answer. */
export async function currentState(
  directories: RunDirectories,
  alert: string,
  expr: string,
): Promise<string | undefined> {
  const [id] = directories.list();
  if (id === undefined) return undefined;
  const directory = directories.find(id, '/');
  const url = urlOf(directory);
  if (url === undefined) return undefined;
  const api = new PromApi(url, { timeoutMs: ANSWER_TIMEOUT_MS });
  try {
    const active = (await api.alerts()).filter(({ labels }) => labels.alertname === alert);
    const values = (await api.query(expr)).map(({ value }) => String(Number(value.toPrecision(4))));
    const state = active.find((each) => each.state === 'firing')?.state ?? active[0]?.state ?? 'silent';
    return `${state} in ${id}${values.length > 0 ? `, value ${values.join(', ')}` : ''}`;
  } catch {
    return undefined;
  } finally {
    await api.close();
  }
}

/** While the run is observed; the judge comes later, with a Prometheus of its own. */
function urlOf(directory: RunDirectory): string | undefined {
  try {
    const phase = readRecord(directory).phases.at(-1);
    const observed = phase?.to === undefined && (phase?.name === 'loading' || phase?.name === 'settling');
    if (!observed) return undefined;
    return listeningUrl(readFileSync(join(directory.path, RUN_FILES.logs, 'prometheus.log'), 'utf8')) ?? undefined;
  } catch {
    return undefined;
  }
}
