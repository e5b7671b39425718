/** What the engine uses of its commit log; an engine that is open for reading only has none. */
import { BugError } from '../../runtime/errors.ts';
import type { CommitLog } from '../log/commit-log.ts';

export type LogPort = Pick<CommitLog, 'ready' | 'poisoned' | 'segmentNumber' | 'stats' | 'rotate' | 'enqueue' | 'release' | 'close'>;

export const NO_LOG: Readonly<LogPort> = {
  ready: false,
  poisoned: undefined,
  segmentNumber: undefined,
  stats: { groups: 0, inlineGroups: 0, bytes: 0, syncs: 0, largestGroupBytes: 0, queue: 0 },
  rotate: impossible,
  enqueue: impossible,
  release: impossible,
  close: impossible,
};

function impossible(): never {
  throw new BugError('an engine open for reading only has no log');
}
