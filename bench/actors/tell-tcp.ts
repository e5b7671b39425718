/** tell, process to process over loopback TCP, an object of 100 bytes. */
import type { Contest } from '../lib/contest.ts';
import { openTcpContest } from './tcp-contest.ts';
import { TEXT_100 } from './workload.ts';

export function open(): Promise<Contest> {
  return openTcpContest('tell, process to process, 100 B object', { size: TEXT_100, path: 'object' }, 100_000);
}
