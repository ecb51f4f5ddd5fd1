import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { obtain, type ToolName, type ToolProgress, ToolUnavailableError } from './obtain.ts';
import type { Surroundings } from './surroundings.ts';
import { survey } from './survey.ts';
import { fakeBinary, type LocalServer, packArchive, serveProxy, serveRelease } from './testing/release_server.ts';

const K6 = fakeBinary('k6 v2.2.0 (go1.26, linux/amd64)');
const K6_LINUX = 'k6-v2.2.0-linux-amd64.tar.gz';
const K6_MAC = 'k6-v2.2.0-macos-arm64.zip';
const PROMETHEUS_LINUX = 'prometheus-3.15.0.linux-amd64.tar.gz';
const TOXIPROXY_LINUX = 'toxiproxy-server-linux-amd64';

let home: string;
let open: AsyncDisposableStack;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'gameday-tools-'));
  open = new AsyncDisposableStack();
  open.defer(() => rm(home, { recursive: true, force: true }));
});
afterEach(() => open.disposeAsync());

/** A machine with a home of its own, no tools, no Go and short patience. */
function machine(environment: Record<string, string> = {}, platform = 'linux-x64'): Surroundings {
  return {
    environment: { HOME: home, PATH: '/usr/bin:/bin', ...environment },
    platform,
    limits: { response: 300, stall: 300, download: 5000, build: 5000 },
  };
}

async function release(...parameters: Parameters<typeof serveRelease>): Promise<LocalServer> {
  return open.use(await serveRelease(...parameters));
}

async function goodFiles(): Promise<Map<string, Buffer>> {
  const prometheus = fakeBinary('prometheus, version 3.15.0 (branch: HEAD)');
  const promtool = fakeBinary('promtool, version 3.15.0 (branch: HEAD)');
  return new Map([
    [K6_LINUX, await packArchive(K6_LINUX, { k6: K6 })],
    [K6_MAC, await packArchive(K6_MAC, { k6: K6 })],
    [PROMETHEUS_LINUX, await packArchive(PROMETHEUS_LINUX, { prometheus, promtool })],
  ]);
}

async function executable(path: string, content: string): Promise<string> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, content);
  await chmod(path, 0o755);
  return path;
}

/** Everything in the cache but locks. */
async function cached(): Promise<string[]> {
  const directory = join(home, '.cache/gameday/tools');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile() && entry.name !== '.lock')
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();
}

async function failure(names: ToolName[], surroundings: Surroundings): Promise<ToolUnavailableError> {
  const error = await obtain(names, { surroundings }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ToolUnavailableError);
  return error as ToolUnavailableError;
}

function reasonOf(error: ToolUnavailableError, way: string): string {
  return error.failures[0]?.attempts.find((attempt) => attempt.way === way)?.reason ?? `no attempt ${way}`;
}

describe('what the machine has', () => {
  test('an environment variable wins, whatever its version', async () => {
    const path = await executable(join(home, 'mine'), fakeBinary('k6 v2.9.1 (go1.27)'));
    const tools = await obtain(['k6'], { surroundings: machine({ GAMEDAY_K6: path }) });
    expect(tools.get('k6')).toEqual({ name: 'k6', version: '2.9.1', path, source: 'environment' });
  });

  test('an environment variable that does not work is an error, not replaced by something else', async () => {
    await executable(join(home, 'bin/k6'), K6);
    const error = await failure(['k6'], machine({ GAMEDAY_K6: '/nowhere/k6', PATH: join(home, 'bin') }));
    expect(error.message).toContain('GAMEDAY_K6  /nowhere/k6 does not exist');
    expect(error.message).toContain('What to do: correct or unset GAMEDAY_K6.');
  });

  test('the PATH counts when its version is in range', async () => {
    const path = await executable(join(home, 'bin/k6'), fakeBinary('k6 v2.3.0 (go1.26)'));
    const tools = await obtain(['k6'], { surroundings: machine({ PATH: `${join(home, 'bin')}:/usr/bin:/bin` }) });
    expect(tools.get('k6')).toEqual({ name: 'k6', version: '2.3.0', path, source: 'path' });
  });

  test('the PATH is passed over when its version is out of range', async () => {
    await executable(join(home, 'bin/k6'), fakeBinary('k6 v0.57.0 (go1.23)'));
    const server = await release(new Map());
    const PATH = `${join(home, 'bin')}:/usr/bin:/bin`;
    const error = await failure(['k6'], machine({ PATH, GAMEDAY_MIRROR: server.url }));
    expect(reasonOf(error, 'PATH')).toMatch(/bin\/k6 is version 0\.57\.0, not in the range >=2\.2\.0 <3/);
  });

  test('the survey tells what was found and what would be tried, and obtains nothing', async () => {
    const path = await executable(join(home, 'bin/k6'), K6);
    const server = await release(await goodFiles());
    const PATH = `${join(home, 'bin')}:/usr/bin:/bin`;
    const rows = await survey(machine({ PATH, GAMEDAY_MIRROR: server.url }));
    expect(rows.map(({ name }) => name)).toEqual(['k6', 'prometheus', 'promtool', 'toxiproxy-server', 'etcd']);
    expect(rows[0]?.found).toMatchObject({ path, version: '2.2.0', source: 'path', inRange: true });
    expect(rows[1]).toMatchObject({
      variable: 'GAMEDAY_PROMETHEUS',
      accepts: '>=3.15.0 <4',
      next: [expect.stringContaining(PROMETHEUS_LINUX), expect.stringContaining('no Go')],
    });
    expect(rows[1]?.found).toBeUndefined();
    expect(rows.map(({ obtainable }) => obtainable)).toEqual([true, true, true, true, true]);
    expect(server.requests).toEqual([]);
  });

  test('the survey tells a tool that nothing can get from one that is to be obtained', async () => {
    const PATH = '/usr/bin:/bin';
    const named = await survey(machine({ PATH, GAMEDAY_K6: join(home, 'nowhere') }));
    expect(named.map(({ obtainable }) => obtainable)).toEqual([false, true, true, true, true]);
    const strange = await survey({ ...machine({ PATH }), platform: 'sunos-sparc' as never });
    expect(strange.map(({ found, obtainable }) => found !== undefined || obtainable)).not.toContain(true);
  });
});

describe('from a release', () => {
  test('a file that is no archive is the binary itself', async () => {
    const files = new Map([[TOXIPROXY_LINUX, Buffer.from(fakeBinary('toxiproxy-server version 2.12.0'))]]);
    const server = await release(files);
    const tools = await obtain(['toxiproxy-server'], { surroundings: machine({ GAMEDAY_MIRROR: server.url }) });
    expect(tools.get('toxiproxy-server')).toMatchObject({ version: '2.12.0', source: 'release' });
    expect(await cached()).toEqual(['toxiproxy/2.12.0/toxiproxy-server']);
  });

  test('archives of both kinds are checked, unpacked and cached; only the tools are kept', async () => {
    const server = await release(await goodFiles());
    const progress: ToolProgress[] = [];
    const surroundings = machine({ GAMEDAY_MIRROR: `${server.url}/` });
    const tools = await obtain(['k6', 'prometheus', 'promtool'], {
      surroundings,
      onProgress: (line) => void progress.push(line),
    });
    expect([...tools.values()].map(({ name, version, source }) => [name, version, source])).toEqual([
      ['k6', '2.2.0', 'release'],
      ['prometheus', '3.15.0', 'release'],
      ['promtool', '3.15.0', 'release'],
    ]);
    expect(await cached()).toEqual(['k6/2.2.0/k6', 'prometheus/3.15.0/prometheus', 'prometheus/3.15.0/promtool']);
    expect(server.requests).toContain(`/prometheus/prometheus/releases/download/v3.15.0/${PROMETHEUS_LINUX}`);
    const archives = server.requests.filter((path) => path.endsWith(PROMETHEUS_LINUX));
    expect(archives).toHaveLength(1);
    const size = (await goodFiles()).get(K6_LINUX)?.length;
    expect(progress).toContainEqual(
      expect.objectContaining({ label: 'k6', step: 'downloading', totalBytes: expect.closeTo(size ?? 0, -2) }),
    );

    const again = await obtain(['k6'], { surroundings });
    expect(again.get('k6')?.source).toBe('cache');
    const mac = await obtain(['k6'], {
      surroundings: machine({ HOME: join(home, 'mac'), GAMEDAY_MIRROR: server.url }, 'darwin-arm64'),
    });
    expect(mac.get('k6')?.source).toBe('release');
    expect(server.requests.at(-1)).toContain(K6_MAC);
  });

  test('a cached binary that does not run is replaced', async () => {
    await executable(join(home, '.cache/gameday/tools/k6/2.2.0/k6'), 'garbage');
    const server = await release(await goodFiles());
    const tools = await obtain(['k6'], { surroundings: machine({ GAMEDAY_MIRROR: server.url }) });
    expect(tools.get('k6')?.source).toBe('release');
    expect(await cached()).toEqual(['k6/2.2.0/k6']);
  });

  test.each<[string, (path: string, response: import('node:http').ServerResponse) => void, RegExp]>([
    [
      'a wrong checksum',
      (path, response) => {
        if (path.endsWith('checksums.txt')) response.writeHead(200).end(`${'0'.repeat(64)}  ${K6_LINUX}\n`);
      },
      /is not what was published: sha256 is [0-9a-f]{64}, .*checksums\.txt says 0{64}/,
    ],
    [
      'a list without the archive',
      (path, response) => void (path.endsWith('checksums.txt') && response.writeHead(200).end('hello\n')),
      /has no checksum for k6-v2\.2\.0-linux-amd64\.tar\.gz/,
    ],
    ['a missing release', (_, response) => void response.writeHead(404).end(), /checksums\.txt: HTTP 404 Not Found/],
    [
      'a missing archive',
      (path, response) => void (path.endsWith('.gz') && response.writeHead(404).end()),
      /amd64\.tar\.gz: HTTP 404 Not Found/,
    ],
    [
      'a server that never answers',
      (_, response) => void response.setHeader('x-left-open', '1'),
      /no answer within 0\.3 s/,
    ],
    [
      'a body that stalls',
      (path, response) => {
        if (path.endsWith('.gz')) response.writeHead(200, { 'content-length': 1000 }).write('x'.repeat(10));
      },
      /no data for 0\.3 s after 10 bytes/,
    ],
    [
      'a body that is cut off',
      (path, response) => {
        if (!path.endsWith('.gz')) return;
        response.writeHead(200, { 'content-length': 1000 }).write('x', () => response.destroy());
      },
      /amd64\.tar\.gz: /,
    ],
  ])('%s: the reason is told, nothing is left behind', async (_, behaviour, reason) => {
    const server = await release(await goodFiles(), behaviour);
    const error = await failure(['k6'], machine({ GAMEDAY_MIRROR: server.url }));
    expect(reasonOf(error, 'release')).toMatch(reason);
    expect(reasonOf(error, 'release')).toContain(server.url);
    expect(await cached()).toEqual([]);
  });

  test.each([
    ['an archive without the tool', { other: K6 }, /holds no k6/],
    [
      'a tool that calls itself another version',
      { k6: fakeBinary('k6 v2.1.0') },
      /calls itself 2\.1\.0, expected 2\.2\.0/,
    ],
  ])('%s is refused', async (_, binaries, reason) => {
    const server = await release(new Map([[K6_LINUX, await packArchive(K6_LINUX, binaries)]]));
    const error = await failure(['k6'], machine({ GAMEDAY_MIRROR: server.url }));
    expect(reasonOf(error, 'release')).toMatch(reason);
    expect(await cached()).toEqual([]);
  });

  test('a file that is no archive is refused even with the right checksum', async () => {
    const server = await release(new Map([[K6_LINUX, Buffer.from('<html>log in first</html>')]]));
    const error = await failure(['k6'], machine({ GAMEDAY_MIRROR: server.url }));
    expect(reasonOf(error, 'release')).toMatch(/TAR|archive|k6/i);
    expect(await cached()).toEqual([]);
  });

  test('without a way the message lists every attempt and the remedy', async () => {
    const error = await failure(['k6', 'promtool'], machine({ GAMEDAY_MIRROR: 'http://127.0.0.1:1' }, 'freebsd-x64'));
    expect(error.code).toBe('TOOL_UNAVAILABLE');
    expect(error.message).toBe(
      [
        'cannot obtain k6:',
        '  GAMEDAY_K6  not set',
        '  PATH        no k6 on it',
        `  cache       ${home}/.cache/gameday/tools/k6/2.2.0/k6 does not exist`,
        '  release     no release of k6 for freebsd-x64 (there are: linux-x64, linux-arm64, darwin-x64, darwin-arm64)',
        '  go build    Go is not installed: get it from https://go.dev/dl',
        'What to do: give access to github.com (HTTPS_PROXY, or GAMEDAY_MIRROR=<base URL that mirrors https://github.com>), or install Go (https://go.dev/dl), or set GAMEDAY_K6 to a binary of version >=2.2.0 <3.',
        'cannot obtain promtool:',
        '  GAMEDAY_PROMTOOL  not set',
        '  PATH              no promtool on it',
        `  cache             ${home}/.cache/gameday/tools/prometheus/3.15.0/promtool does not exist`,
        '  release           no release of prometheus for freebsd-x64 (there are: linux-x64, linux-arm64, darwin-x64, darwin-arm64)',
        '  go build          Go is not installed: get it from https://go.dev/dl',
        'What to do: give access to github.com (HTTPS_PROXY, or GAMEDAY_MIRROR=<base URL that mirrors https://github.com>), or install Go (https://go.dev/dl), or set GAMEDAY_PROMTOOL to a binary of version >=3.15.0 <4.',
      ].join('\n'),
    );
  });

  test('a refused connection is told with its address', async () => {
    const gone = await serveRelease(new Map());
    await gone[Symbol.asyncDispose]();
    const error = await failure(['k6'], machine({ GAMEDAY_MIRROR: gone.url }));
    expect(reasonOf(error, 'release')).toContain(`ECONNREFUSED ${new URL(gone.url).host}`);
  });

  test('a cache that cannot be written is told', async () => {
    await writeFile(join(home, 'file'), '');
    const error = await failure(['k6'], machine({ XDG_CACHE_HOME: join(home, 'file') }));
    expect(error.failures[0]?.attempts.at(-1)?.reason).toMatch(/^cannot write .*file\/gameday\/tools: ENOTDIR/);
    expect(error.message).toContain('What to do: make that directory writable, or set XDG_CACHE_HOME to one that is');
  });
});

describe('behind a proxy', () => {
  test.each(['HTTP_PROXY', 'http_proxy'])('%s is used', async (variable) => {
    const server = await release(await goodFiles());
    const proxy = open.use(await serveProxy(server));
    const surroundings = machine({ GAMEDAY_MIRROR: 'http://releases.invalid', [variable]: proxy.url });
    const tools = await obtain(['k6'], { surroundings });
    expect(tools.get('k6')?.source).toBe('release');
    expect(new Set(proxy.requests)).toEqual(new Set(['releases.invalid:80']));
  });

  test('HTTPS_PROXY is used for https, and a failing tunnel is told', async () => {
    const server = await release(await goodFiles());
    const proxy = open.use(await serveProxy(server));
    const error = await failure(['k6'], machine({ HTTPS_PROXY: proxy.url }));
    expect(proxy.requests).toEqual(['github.com:443']);
    expect(reasonOf(error, 'release')).toMatch(/^https:\/\/github\.com\/.*(SSL|TLS)/i);
  });

  test('NO_PROXY goes around it', async () => {
    const server = await release(await goodFiles());
    const proxy = open.use(await serveProxy(server));
    const surroundings = machine({
      GAMEDAY_MIRROR: server.url,
      HTTP_PROXY: proxy.url,
      NO_PROXY: 'localhost,127.0.0.1',
    });
    const tools = await obtain(['k6'], { surroundings });
    expect(tools.get('k6')?.source).toBe('release');
    expect(proxy.requests).toEqual([]);
  });
});

describe('two at once, and interrupted', () => {
  test('concurrent runs download once', async () => {
    const server = await release(await goodFiles());
    const surroundings = machine({ GAMEDAY_MIRROR: server.url });
    const results = await Promise.all([1, 2, 3].map(() => obtain(['k6'], { surroundings })));
    const sources = results.map((tools) => tools.get('k6')?.source).sort();
    expect(sources).toEqual(['cache', 'cache', 'release']);
    expect(server.requests.filter((path) => path.endsWith('.gz'))).toHaveLength(1);
  });

  test('an abort ends the download at once and leaves nothing; what a killed run left is removed', async () => {
    await executable(join(home, '.cache/gameday/tools/k6/.tmp-killed/k6'), 'half');
    const server = await release(await goodFiles(), (path, response) => {
      if (path.endsWith('.gz')) response.writeHead(200, { 'content-length': 1000 }).write('x'.repeat(10));
    });
    const controller = new AbortController();
    const surroundings = {
      ...machine({ GAMEDAY_MIRROR: server.url }),
      limits: { response: 60_000, stall: 60_000, download: 60_000, build: 60_000 },
    };
    const running = obtain(['k6'], {
      surroundings,
      signal: controller.signal,
      onProgress: ({ step }) => step === 'downloading' && controller.abort(new Error('interrupted')),
    });
    await expect(running).rejects.toThrow('interrupted');
    expect(await cached()).toEqual([]);
  });
});

describe('from the pinned module', () => {
  /** A `go` that writes the script `binary` to wherever `-o` says. */
  const fakeGo = (binary: string) => `#!/bin/sh
[ -f go.mod ] && echo "go: downloading example.org/module v1.0.0" >&2
while [ "$1" != "-o" ]; do shift; done
cat > "$2" <<'BINARY'
${binary}BINARY
chmod 755 "$2"
`;

  test('go build comes last, in the folder of the module', async () => {
    await executable(join(home, 'bin/go'), fakeGo(K6));
    const server = await release(new Map());
    const progress: ToolProgress[] = [];
    const surroundings = machine({ PATH: `${join(home, 'bin')}:/usr/bin:/bin`, GAMEDAY_MIRROR: server.url });
    const tools = await obtain(['k6'], { surroundings, onProgress: (line) => void progress.push(line) });
    expect(tools.get('k6')).toMatchObject({ version: '2.2.0', source: 'built' });
    expect(await cached()).toEqual(['k6/2.2.0/k6']);
    expect(progress.map(({ detail }) => detail)).toContainEqual(
      expect.stringMatching(/^downloading example\.org\/module v1\.0\.0, 0 s of about/),
    );
  });

  test('a failing build is told with what Go said', async () => {
    await executable(join(home, 'bin/go'), '#!/bin/sh\necho "go: errors parsing go.mod" >&2; exit 1\n');
    const server = await release(new Map());
    const error = await failure(
      ['k6'],
      machine({ PATH: `${join(home, 'bin')}:/usr/bin:/bin`, GAMEDAY_MIRROR: server.url }),
    );
    expect(reasonOf(error, 'go build')).toMatch(/go build in .*tools\/k6 failed: go: errors parsing go\.mod/);
    expect(await cached()).toEqual([]);
  });

  test('an abort ends Go and its children', async () => {
    // The sleeping child holds Go's stderr, whose end is awaited: this test ends only when both are gone.
    await executable(join(home, 'bin/go'), '#!/bin/sh\nsleep 600 &\necho "go: downloading x" >&2; wait\n');
    const server = await release(new Map());
    const controller = new AbortController();
    const surroundings = machine({ PATH: `${join(home, 'bin')}:/usr/bin:/bin`, GAMEDAY_MIRROR: server.url });
    const running = obtain(['k6'], {
      surroundings,
      signal: controller.signal,
      onProgress: ({ detail }) => detail.startsWith('downloading') && controller.abort(new Error('interrupted')),
    });
    await expect(running).rejects.toThrow('interrupted');
    expect(await cached()).toEqual([]);
  });
});
