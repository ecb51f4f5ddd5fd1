import { createHash } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { chmod, open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { BlobReader, configure, Uint8ArrayWriter, ZipReader } from '@zip.js/zip.js';
import { extract } from 'tar';
import { type Dispatcher, EnvHttpProxyAgent, fetch } from 'undici';
import { type Distribution, toolNames } from './catalogue.ts';
import { Patience } from './patience.ts';
import { type Limits, releaseUrl, type Surroundings } from './surroundings.ts';

export interface ReleaseOptions {
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
  readonly onBytes: (file: string, bytes: number, totalBytes?: number) => void;
}

/**
 * Downloads the distribution's archive for this platform, checks it against the published checksums and unpacks its tools
 * into `directory`. Throws an Error whose message names the URL and what went wrong; the caller removes the directory.
 */
export async function fetchRelease(
  distribution: Distribution,
  directory: string,
  options: ReleaseOptions,
): Promise<void> {
  const { surroundings, signal, onBytes } = options;
  const archive = distribution.release.archives[surroundings.platform];
  if (!archive) {
    const offered = Object.keys(distribution.release.archives).join(', ');
    throw new Error(`no release of ${distribution.name} for ${surroundings.platform} (there are: ${offered})`);
  }
  await using client = httpClient(surroundings);
  const get = { dispatcher: client.dispatcher, limits: surroundings.limits, signal };

  const list: Buffer[] = [];
  const listUrl = releaseUrl(distribution, distribution.release.checksums, surroundings);
  await download(listUrl, get, async (chunk) => void list.push(chunk));
  const expected = checksumOf(Buffer.concat(list).toString('utf8'), archive);
  if (!expected) throw new Error(`${listUrl} has no checksum for ${archive}`);

  const url = releaseUrl(distribution, archive, surroundings);
  const file = join(directory, archive);
  const actual = await saveAndHash(url, file, get, (bytes, total) => onBytes(archive, bytes, total));
  if (actual !== expected) {
    throw new Error(`${url} is not what was published: sha256 is ${actual}, ${listUrl} says ${expected}`);
  }
  signal.throwIfAborted();
  await unpack(distribution, file, directory);
  await rm(file, { force: true });
}

/** The sha256 of `file` in lines of `<hex>  <file>` or `<hex> *<file>`. */
export function checksumOf(list: string, file: string): string | undefined {
  for (const line of list.split('\n')) {
    const [, sum, name] = /^([0-9a-f]{64})\s+\*?(?:\.\/)?(\S+)\s*$/i.exec(line) ?? [];
    if (sum && name === file) return sum.toLowerCase();
  }
  return undefined;
}

interface Get {
  readonly dispatcher: Dispatcher;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

async function saveAndHash(
  url: string,
  file: string,
  get: Get,
  onBytes: (bytes: number, total?: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  await using output = await open(file, 'wx');
  await download(url, get, async (chunk, received, total) => {
    hash.update(chunk);
    await output.write(chunk);
    onBytes(received, total);
  });
  return hash.digest('hex');
}

async function download(
  url: string,
  { dispatcher, limits, signal }: Get,
  take: (chunk: Buffer, received: number, total?: number) => Promise<void>,
): Promise<void> {
  const patience = new Patience(signal, limits.download, `not complete within ${limits.download / 1000} s`);
  try {
    patience.expect(limits.response, `no answer within ${limits.response / 1000} s`);
    const response = await fetch(url, { dispatcher, signal: patience.signal });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
    }
    const total = Number(response.headers.get('content-length')) || undefined;
    let received = 0;
    const stalled = () => patience.expect(limits.stall, `no data for ${limits.stall / 1000} s after ${received} bytes`);
    stalled();
    for await (const chunk of response.body) {
      received += chunk.byteLength;
      await take(Buffer.from(chunk), received, total);
      stalled();
    }
    if (total !== undefined && received !== total) throw new Error(`ended after ${received} of ${total} bytes`);
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`${url}: ${causeOf(patience.signal.aborted ? patience.signal.reason : error)}`, { cause: error });
  } finally {
    patience.end();
  }
}

/** HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured; trusted are Node's roots, NODE_EXTRA_CA_CERTS and the system's store. */
function httpClient({ environment, limits }: Surroundings): { dispatcher: Dispatcher } & AsyncDisposable {
  const tls = {
    ca: [...getCACertificates('default'), ...getCACertificates('system')],
    timeout: limits.response + 5000,
  };
  const dispatcher = new EnvHttpProxyAgent({
    httpProxy: environment.http_proxy ?? environment.HTTP_PROXY ?? '',
    httpsProxy: environment.https_proxy ?? environment.HTTPS_PROXY ?? '',
    noProxy: environment.no_proxy ?? environment.NO_PROXY ?? '',
    connect: tls,
    proxyTls: tls,
    requestTls: tls,
    // Time is kept by Patience, whose messages say what was waited for.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return { dispatcher, [Symbol.asyncDispose]: () => dispatcher.destroy() };
}

async function unpack(distribution: Distribution, file: string, directory: string): Promise<void> {
  const wanted = new Set<string>(toolNames(distribution));
  const unpacked = await unpackInto(directory, file, wanted);
  for (const tool of wanted) {
    if (!unpacked.has(tool)) throw new Error(`${file} holds no ${tool}`);
    await chmod(join(directory, tool), 0o755);
  }
}

async function unpackInto(directory: string, file: string, wanted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  if (file.endsWith('.zip')) return unpackZip(file, directory, wanted);
  if (file.endsWith('.tar.gz')) return unpackTar(file, directory, wanted);
  const [tool] = wanted;
  if (tool !== undefined) await rename(file, join(directory, tool));
  return wanted;
}

/** Name of the tool that lies at `path`, one folder deep as in every release, or undefined. */
function toolAt(path: string, wanted: ReadonlySet<string>): string | undefined {
  const [, name, ...deeper] = path.replace(/^\.\//, '').split('/');
  return name && deeper.length === 0 && wanted.has(name) ? name : undefined;
}

async function unpackTar(file: string, cwd: string, wanted: ReadonlySet<string>): Promise<Set<string>> {
  const found = new Set<string>();
  const filter = (path: string) => {
    const tool = toolAt(path, wanted);
    if (tool) found.add(tool);
    return tool !== undefined;
  };
  await extract({ file, cwd, strip: 1, filter, strict: true });
  return found;
}

async function unpackZip(file: string, directory: string, wanted: ReadonlySet<string>): Promise<Set<string>> {
  configure({ useWebWorkers: false });
  const reader = new ZipReader(new BlobReader(await openAsBlob(file)));
  const found = new Set<string>();
  for (const entry of await reader.getEntries()) {
    const tool = entry.directory ? undefined : toolAt(entry.filename, wanted);
    if (!tool || entry.directory) continue;
    await writeFile(join(directory, tool), await entry.getData(new Uint8ArrayWriter()), { flag: 'wx' });
    found.add(tool);
  }
  await reader.close();
  return found;
}

/** fetch says "fetch failed" and hides the reason in `cause`, several addresses their reasons in `errors`. */
function causeOf(error: unknown): string {
  const { message, code, cause, errors } = error as Error & { code?: string; errors?: unknown[] };
  const deeper = cause ?? errors?.[0];
  return deeper ? causeOf(deeper) : message || code || String(error);
}
