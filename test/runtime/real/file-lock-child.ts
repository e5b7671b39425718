/** A process, or a thread, that takes a lock, says how that went, and holds it until it is killed. Its argument, or what its parent says: paths. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { RealFiles } from '../../../runtime/real/files.ts';

const files = new RealFiles();

function take(path: string, say: (what: string) => void): void {
  files.lock(path, (result) => say(result.ok ? 'held' : result.error.code));
}

if (isMainThread) {
  process.on('message', (path: string) => take(path, (what) => process.send?.(what)));
  process.send?.('ready');
} else {
  // Alive while it listens.
  parentPort?.on('message', () => undefined);
  take(workerData as string, (what) => parentPort?.postMessage(what));
}

/** Where its parent finds it. */
export const lockChildUrl = new URL(import.meta.url);
