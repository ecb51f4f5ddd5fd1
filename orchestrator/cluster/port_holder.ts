/** Who listens on a port: for the message that says that it is taken. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

/** Undefined when it cannot be found out: another user's process, or no `lsof`. */
export function holderOf(port: number): PortHolder | undefined {
  const pid = process.platform === 'linux' ? holderLinux(port) : holderPosix(port);
  return pid === undefined ? undefined : { pid, command: commandOf(pid) };
}

const LISTEN = '0A';

function holderLinux(port: number): number | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => openSockets(pid).some((inode) => inodes.has(inode)));
}

function listeningInodes(table: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return readText(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${hex}`) && fields[3] === LISTEN)
    .map((fields) => fields[9]!);
}

function openSockets(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`));
      return match ? [match[1]!] : [];
    });
  } catch {
    return [];
  }
}

function holderPosix(port: number): number | undefined {
  const pid = Number(output('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']).split('\n')[0]);
  return pid > 0 ? pid : undefined;
}

function commandOf(pid: number): string {
  const line =
    process.platform === 'linux'
      ? readText(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
      : output('ps', ['-o', 'command=', '-p', String(pid)]);
  return line.trim();
}

function output(command: string, words: readonly string[]): string {
  try {
    return execFileSync(command, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return '';
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readLink(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
