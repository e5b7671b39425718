/** A node in another process, as a test sees it. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type NodeAddress, parseNodeAddress } from '../../runtime/node-address.ts';
import { takenPorts } from '../../runtime/real/ports.ts';
import type { SystemOptions } from '../../runtime/system.ts';
import type { NodeNews } from './node.ts';

export interface OtherProcess {
  readonly address: NodeAddress;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Asks it to stop; resolves with its exit code, and what its process was still kept alive by. */
  stop(): Promise<{ readonly code: number | null; readonly resources: readonly string[] }>;
}

const PATIENCE_MS = 20_000;

export async function startProcess(options: SystemOptions): Promise<OtherProcess> {
  const child = fork(new URL('./node.js', import.meta.url), [JSON.stringify(options)], { execArgv: [] });
  const { address } = await news(child);
  return {
    address: parseNodeAddress(address),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
    stop: async () => {
      const stopped = news(child);
      const ended = once(child, 'exit', { signal: AbortSignal.timeout(PATIENCE_MS) });
      child.send('stop');
      const { resources } = await stopped;
      const [code] = (await ended) as [number | null];
      return { code, resources: resources ?? [] };
    },
  };
}

async function news(child: ChildProcess): Promise<NodeNews> {
  const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(PATIENCE_MS) })) as [NodeNews];
  return message;
}

/** A port that was free a moment ago, as are the `more` that follow it. */
export async function freePort(more: number): Promise<number> {
  for (;;) {
    const first = 10_000 + Math.floor(Math.random() * 20_000);
    const ports = Array.from({ length: more + 1 }, (_, index) => first + index);
    if ((await takenPorts('127.0.0.1', ports)).size === 0) return first;
  }
}
