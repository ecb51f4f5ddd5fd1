/** What can be asked of a node by its address, whoever started it. */
import { connect } from 'node:net';
import type { SystemManifest } from '../../kit/system.ts';
import { httpStatus, isSuccess } from './http_status.ts';
import { within } from './within.ts';

const READY_TIMEOUT_MS = 1000;
/** A node that does not say its role by then has none at the moment. */
const ROLE_MS = 2000;
const OPERATION_MS = 60_000;

export class NodeClient {
  readonly #manifest: SystemManifest;
  readonly #url: string;

  /** @param url base URL of the node's first port */
  constructor(manifest: SystemManifest, url: string) {
    this.#manifest = manifest;
    this.#url = url;
  }

  async isReady(): Promise<boolean> {
    return (await this.readiness()) === true;
  }

  /** True, or what the node did instead of being ready, in words. */
  async readiness(): Promise<true | string> {
    const { ready, health } = this.#manifest.paths ?? {};
    const path = ready ?? health;
    if (path === undefined) {
      return (await accepts(new URL(this.#url))) || `${this.#url} accepts no connection`;
    }
    const status = await httpStatus(this.#url + path, READY_TIMEOUT_MS);
    if (isSuccess(status)) return true;
    return `GET ${this.#url}${path} ${status === undefined ? `has no answer within ${READY_TIMEOUT_MS / 1000} s` : `answers ${status}`}`;
  }

  /** A client's request, which only a working cluster can answer; without a `probe` nobody can say, and it is false. */
  async serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const probe = this.#manifest.paths?.probe;
    return probe !== undefined && isSuccess(await httpStatus(this.#url + probe, timeoutMs, signal));
  }

  async hasRole(role: string): Promise<boolean> {
    const test = this.#manifest.roles?.[role];
    if (test === undefined) throw new Error(`${this.#manifest.name} has no role "${role}"`);
    return within(ROLE_MS, `roles.${role}`, () => test(this.#url)).catch(() => false);
  }

  async operate(name: string, nodeUrls: readonly string[]): Promise<void> {
    const operation = this.#manifest.operations?.[name];
    if (operation === undefined) throw new Error(`${this.#manifest.name} has no operation "${name}"`);
    await within(OPERATION_MS, `operations.${name}`, () => operation(this.#url, nodeUrls));
  }
}

/** Whether somebody accepts a TCP connection at the URL's host and port. */
function accepts({ hostname, port, protocol }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || (protocol === 'https:' ? 443 : 80)) });
    const end = (accepted: boolean) => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(READY_TIMEOUT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
