/** What processes have used of the machine, from Linux' `/proc`. Elsewhere nothing is known, and the figures are left out. */
import { readFileSync } from 'node:fs';

/** `sysconf(_SC_CLK_TCK)` of every Linux that Node runs on: what `/proc/PID/stat` counts in, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

export interface CpuSeconds {
  /** Of the process itself, all its threads. */
  readonly own: number;
  /** Of its children that have ended and were waited for. */
  readonly children: number;
}

export const usageIsKnown = process.platform === 'linux';

/** @param stat content of `/proc/PID/stat`; see proc_pid_stat(5), fields 14 to 17 */
export function parseStat(stat: string): CpuSeconds {
  // Field 2, the command, is in parentheses and may hold spaces and parentheses itself; field 3 follows.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = (field: number) => Number(fields[field - 3]);
  return {
    own: (ticks(14) + ticks(15)) / TICKS_PER_SECOND,
    children: (ticks(16) + ticks(17)) / TICKS_PER_SECOND,
  };
}

/** @param status content of `/proc/PID/status`; bytes of memory that are in RAM */
export function parseResident(status: string): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error('a process that has ended uses no memory');
  return Number(kibibytes) * 1024;
}

/** Seconds of CPU time of these processes together. */
export function cpuSecondsOf(pids: readonly number[]): number {
  if (!usageIsKnown) return Number.NaN;
  return pids.reduce((sum, pid) => sum + parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).own, 0);
}

/** Seconds of CPU time of all children of this process that have ended. */
function endedChildrenCpuSeconds(): number {
  return usageIsKnown ? parseStat(readFileSync('/proc/self/stat', 'utf8')).children : Number.NaN;
}

export function residentBytes(pid: number): number {
  return usageIsKnown ? parseResident(readFileSync(`/proc/${pid}/status`, 'utf8')) : Number.NaN;
}

/** @param stat content of `/proc/stat`; seconds of CPU time that all cores together have not been idle, see proc_stat(5) */
export function parseBusy(stat: string): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = stat
    .split('\n', 1)[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND;
}

/** What was used from one moment to another; every figure is in seconds of CPU time, and NaN where it cannot be known. */
export interface Usage {
  readonly nodes: number;
  /** Of what ran beside the nodes and has ended. */
  readonly client: number;
  /** Of everything that is not the benchmark's: while somebody else uses the machine, no figure is worth much. */
  readonly others: number;
}

/** Begins now; the returned function tells what was used since. */
export function watchUsage(pids: readonly number[]): () => Usage {
  const look = () => ({
    nodes: cpuSecondsOf(pids),
    client: endedChildrenCpuSeconds(),
    own: cpuSecondsOf([process.pid]),
  });
  const busy = () => (usageIsKnown ? parseBusy(readFileSync('/proc/stat', 'utf8')) : Number.NaN);
  const before = { ...look(), busy: busy() };
  return () => {
    const now = look();
    const [nodes, client] = [now.nodes - before.nodes, now.client - before.client];
    return { nodes, client, others: Math.max(0, busy() - before.busy - nodes - client - (now.own - before.own)) };
  };
}
