/** tell, process to process over loopback TCP, 100 bytes over the binary path. */
import type { Contest } from '../lib/contest.ts';
import { openTcpContest } from './tcp-contest.ts';

export function open(): Promise<Contest> {
  return openTcpContest('tell, process to process, 100 B binary', { size: 100, path: 'binary' }, 100_000);
}
