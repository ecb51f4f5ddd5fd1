import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { BlobReader, configure, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { create } from 'tar';

/** A local server on a free port that ends with its connections. */
export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for; of a proxy: the hosts. */
  readonly requests: string[];
}

type Behaviour = (path: string, response: ServerResponse) => void;

/** Plays github.com: serves `files` by base name, and `checksums` lists them all unless a file of that name is given. */
export function serveRelease(files: ReadonlyMap<string, Buffer>, override?: Behaviour): Promise<LocalServer> {
  const requests: string[] = [];
  const sums = [...files]
    .map(([name, body]) => `${createHash('sha256').update(body).digest('hex')}  ${name}\n`)
    .join('');
  return listen(requests, (request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    if (override) {
      override(path, response);
      if (response.headersSent || response.writableEnded || response.getHeader('x-left-open')) return;
    }
    const body = files.get(basename(path)) ?? (/checksums|sha256sums/.test(path) ? Buffer.from(sums) : undefined);
    if (body) response.writeHead(200, { 'content-length': body.length }).end(body);
    else response.writeHead(404).end('not found');
  });
}

/** A forward proxy that tunnels every CONNECT to `target`, whatever host was asked for. */
export async function serveProxy(target: LocalServer): Promise<LocalServer> {
  const requests: string[] = [];
  const port = Number(new URL(target.url).port);
  const proxy = await listen(
    requests,
    (_, response) => response.writeHead(400).end('tunnels only'),
    (server) =>
      server.on('connect', (request, client: Socket, head) => {
        requests.push(request.url ?? '');
        const upstream = connect(port, '127.0.0.1', () => {
          client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
          upstream.write(head);
          upstream.pipe(client).pipe(upstream);
        });
        upstream.on('error', () => client.destroy());
        client.on('error', () => upstream.destroy());
      }),
  );
  return proxy;
}

async function listen(
  requests: string[],
  listener: RequestListener,
  prepare?: (server: Server) => void,
): Promise<LocalServer> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
  prepare?.(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A shell script that plays a tool: prints `output` whatever it is asked. */
export function fakeBinary(output: string): string {
  return `#!/bin/sh\ncat <<'END'\n${output}\nEND\n`;
}

/** Packs fake binaries as releases do, in one top folder beside a licence: `.tar.gz` or `.zip` by the archive's name. */
export async function packArchive(archive: string, binaries: Readonly<Record<string, string>>): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'gameday-pack-'));
  try {
    const top = archive.replace(/\.(tar\.gz|zip)$/, '');
    const files = { ...binaries, LICENSE: 'text', 'examples/k6': 'not the binary' };
    if (archive.endsWith('.zip')) return await packZip(top, files);
    for (const [name, content] of Object.entries(files)) {
      const file = join(directory, top, name);
      await mkdir(join(file, '..'), { recursive: true });
      await writeFile(file, content);
      await chmod(file, 0o644);
    }
    await create({ file: join(directory, archive), cwd: directory, gzip: true }, [top]);
    return await readFile(join(directory, archive));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function packZip(top: string, files: Readonly<Record<string, string>>): Promise<Buffer> {
  configure({ useWebWorkers: false });
  const zip = new ZipWriter(new Uint8ArrayWriter());
  await zip.add(`${top}/`, undefined, { directory: true });
  for (const [name, content] of Object.entries(files)) {
    await zip.add(`${top}/${name}`, new BlobReader(new Blob([content])));
  }
  return Buffer.from(await zip.close());
}
