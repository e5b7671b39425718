/** What the kernel counts of server processes (Linux; null elsewhere). */
import { readFileSync } from 'node:fs';
import { fieldOf } from '../storage/process-figures.ts';

/** Clock ticks of /proc per second, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/pid/stat after the command's name: user and system time, own and of children that have ended. Source: proc(5). */
const TIMES = [11, 12, 13, 14] as const;

export interface ServerUsage {
  readonly cpuUs: number;
  /** `write_bytes`: pages that became dirty, when they did. A page that is written twice before it is on disk counts once, unless it is synced between. */
  readonly bytesWritten: number;
}

/** All of them together, with all that descend from them; null when there are none, or one of them is gone. */
export function usageOf(pids: readonly number[]): ServerUsage | null {
  if (pids.length === 0) return null;
  let ticks = 0;
  let bytesWritten = 0;
  for (const pid of pids.flatMap(processesOf)) {
    const stat = readIfThere(`/proc/${pid}/stat`);
    const written = fieldOf(`/proc/${pid}/io`, 'write_bytes');
    if (stat === undefined || written === undefined) {
      if (pids.includes(pid)) return null;
      // A child that has just ended: its parent has what it used.
      continue;
    }
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    for (const time of TIMES) ticks += Number(fields[time]);
    bytesWritten += written;
  }
  return { cpuUs: (ticks / TICKS_PER_SECOND) * 1e6, bytesWritten };
}

/** The most memory that any of them, or of what descends from them, has had resident, in MiB (VmHWM); null when there are none. */
export function peakMiB(pids: readonly number[]): number | null {
  const peaks = pids.flatMap(processesOf).flatMap((pid) => {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readIfThere(`/proc/${pid}/status`) ?? '')?.[1];
    return kibibytes === undefined ? [] : [Number(kibibytes)];
  });
  return peaks.length === 0 ? null : Math.max(...peaks) / 1024;
}

/** The process and all that descend from it. */
export function processesOf(pid: number): readonly number[] {
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`) ?? '';
  return [
    pid,
    ...children
      .split(' ')
      .filter((text) => text !== '')
      .flatMap((text) => processesOf(Number(text))),
  ];
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
