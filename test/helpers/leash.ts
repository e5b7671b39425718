/**
 * Preloaded into a process that a test starts (`node --import leash.js program.js`): it is killed as soon as the other end of the pipe at descriptor LEASH is closed,
 * which happens however its starter ends. The program knows nothing of it, and may end by itself.
 */
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const LEASH = 3;

// Threads of the program are given the same preloads.
if (isMainThread) {
  const leash = new Socket({ fd: LEASH, readable: true, writable: false });
  leash.once('close', () => process.kill(process.pid, 'SIGKILL'));
  leash.resume().unref();
}
