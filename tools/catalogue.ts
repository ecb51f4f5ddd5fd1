/** The tools that Gameday runs, never ships: where each comes from and which versions will do. A further tool is one more row. */

export type ToolName = 'k6' | 'prometheus' | 'promtool' | 'toxiproxy-server' | 'etcd';

/** How one binary of a distribution is asked for its version, and the Go package that it is built from. */
export interface Tool {
  readonly versionArguments: readonly string[];
  /** The first group is the version, without a leading `v`. */
  readonly versionPattern: RegExp;
  readonly goPackage: string;
}

/** What is downloaded or built at once: one release archive, one Go module in `tools/<name>/`. */
export interface Distribution {
  readonly name: string;
  /** The version that is obtained when none is found. */
  readonly version: string;
  /** semver range of what is accepted from the PATH. */
  readonly accepts: string;
  readonly tools: Readonly<Partial<Record<ToolName, Tool>>>;
  readonly release: {
    /** Below https://github.com, or below `GAMEDAY_MIRROR`, which mirrors it path by path. */
    readonly path: string;
    /** Lines of `<sha256>  <file>`, published with the release. */
    readonly checksums: string;
    /**
     * By `<process.platform>-<process.arch>`. Binaries lie in the archive's one top folder; a file that is neither `.tar.gz` nor
     * `.zip` is the one binary itself.
     */
    readonly archives: Readonly<Record<string, string>>;
  };
  readonly build: {
    readonly tags: readonly string[];
    readonly ldflags: string;
    /** Measured cold on two cores; for the progress line. */
    readonly seconds: number;
  };
}

export const catalogue: readonly Distribution[] = [
  {
    name: 'k6',
    version: '2.2.0',
    accepts: '>=2.2.0 <3',
    tools: {
      k6: { versionArguments: ['version'], versionPattern: /^k6(?:\.exe)? v(\S+)/, goPackage: 'go.k6.io/k6/v2' },
    },
    release: {
      path: 'grafana/k6/releases/download/v2.2.0',
      checksums: 'k6-v2.2.0-checksums.txt',
      archives: {
        'linux-x64': 'k6-v2.2.0-linux-amd64.tar.gz',
        'linux-arm64': 'k6-v2.2.0-linux-arm64.tar.gz',
        'darwin-x64': 'k6-v2.2.0-macos-amd64.zip',
        'darwin-arm64': 'k6-v2.2.0-macos-arm64.zip',
      },
    },
    // k6 states its version in its source (internal/build/version.go): nothing to inject.
    build: { tags: [], ldflags: '-s -w', seconds: 90 },
  },
  {
    name: 'prometheus',
    version: '3.15.0',
    accepts: '>=3.15.0 <4',
    tools: {
      prometheus: {
        versionArguments: ['--version'],
        versionPattern: /^prometheus, version (\S+)/,
        goPackage: 'github.com/prometheus/prometheus/cmd/prometheus',
      },
      promtool: {
        versionArguments: ['--version'],
        versionPattern: /^promtool, version (\S+)/,
        goPackage: 'github.com/prometheus/prometheus/cmd/promtool',
      },
    },
    release: {
      path: 'prometheus/prometheus/releases/download/v3.15.0',
      checksums: 'sha256sums.txt',
      archives: {
        'linux-x64': 'prometheus-3.15.0.linux-amd64.tar.gz',
        'linux-arm64': 'prometheus-3.15.0.linux-arm64.tar.gz',
        'darwin-x64': 'prometheus-3.15.0.darwin-amd64.tar.gz',
        'darwin-arm64': 'prometheus-3.15.0.darwin-arm64.tar.gz',
      },
    },
    // Without service discovery of clouds (file_sd stays) it builds in a third of the time. The version is
    // injected: a build from the module would call itself "unknown" and fail the range above.
    build: {
      tags: ['remove_all_sd', 'netgo'],
      ldflags: '-s -w -X github.com/prometheus/common/version.Version=3.15.0',
      seconds: 150,
    },
  },
  {
    name: 'toxiproxy',
    version: '2.12.0',
    accepts: '>=2.12.0 <3',
    tools: {
      'toxiproxy-server': {
        versionArguments: ['-version'],
        versionPattern: /^toxiproxy-server version (\S+)/,
        goPackage: 'github.com/Shopify/toxiproxy/v2/cmd/server',
      },
    },
    release: {
      path: 'Shopify/toxiproxy/releases/download/v2.12.0',
      checksums: 'checksums.txt',
      archives: {
        'linux-x64': 'toxiproxy-server-linux-amd64',
        'linux-arm64': 'toxiproxy-server-linux-arm64',
        'darwin-x64': 'toxiproxy-server-darwin-amd64',
        'darwin-arm64': 'toxiproxy-server-darwin-arm64',
      },
    },
    // The version is injected: a build from the module would call itself "git".
    build: { tags: [], ldflags: '-s -w -X github.com/Shopify/toxiproxy/v2.Version=2.12.0', seconds: 20 },
  },
  {
    name: 'etcd',
    version: '3.6.8',
    accepts: '>=3.6.0 <3.7',
    tools: {
      etcd: {
        versionArguments: ['--version'],
        versionPattern: /^etcd Version: (\S+)/,
        goPackage: 'go.etcd.io/etcd/server/v3',
      },
    },
    release: {
      path: 'etcd-io/etcd/releases/download/v3.6.8',
      checksums: 'SHA256SUMS',
      archives: {
        'linux-x64': 'etcd-v3.6.8-linux-amd64.tar.gz',
        'linux-arm64': 'etcd-v3.6.8-linux-arm64.tar.gz',
        'darwin-x64': 'etcd-v3.6.8-darwin-amd64.zip',
        'darwin-arm64': 'etcd-v3.6.8-darwin-arm64.zip',
      },
    },
    build: { tags: [], ldflags: '-s -w', seconds: 40 },
  },
];

export function distributionOf(tool: ToolName): Distribution {
  const found = catalogue.find((distribution) => distribution.tools[tool]);
  if (!found) throw new RangeError(`no tool ${tool} in the catalogue`);
  return found;
}

export function toolNames(distribution: Distribution): ToolName[] {
  return Object.keys(distribution.tools) as ToolName[];
}

/** `GAMEDAY_K6`, `GAMEDAY_PROMETHEUS` …: the environment variable that names a binary of one's own. */
export function variableOf(tool: ToolName): string {
  return `GAMEDAY_${tool.toUpperCase().replaceAll('-', '_')}`;
}
