/** The second process of a soak, as the first one sees it: started, killed and started again under the same name and ports. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FromNode, NodeReport, ToNode } from './protocol.ts';
import type { SoakNodeOptions } from './soak-node.ts';

export class SoakChild {
  readonly #options: SoakNodeOptions;
  #process: ChildProcess | null = null;
  /** Latest report of each start, oldest first. */
  readonly reports: NodeReport[] = [];

  constructor(options: SoakNodeOptions) {
    this.#options = options;
  }

  /** Resolves when the node is up. Errors: it ended before that. */
  async start(): Promise<void> {
    const child = fork(new URL('./node-process.js', import.meta.url), [JSON.stringify(this.#options)], { execArgv: [] });
    this.#process = child;
    const index = this.reports.length;
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: FromNode) => {
        if (message.type === 'up') resolve();
        else if (message.type === 'report') this.reports[index] = message.report;
      });
      child.once('exit', (code, signal) => reject(new Error(`node ${this.#options.node} ended with ${signal ?? code}`)));
    });
  }

  tell(message: ToNode): void {
    this.#process?.send(message);
  }

  /** SIGKILL, and the wait for its end. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** Returns the exit code, or why there is none. */
  async stop(timeoutMs: number): Promise<number | string> {
    const child = this.#process;
    if (child === null) return 'not started';
    if (child.exitCode !== null) return child.exitCode;
    const ended = once(child, 'exit', { signal: AbortSignal.timeout(timeoutMs) });
    this.tell({ type: 'stop' });
    try {
      const [code, signal] = (await ended) as [number | null, string | null];
      return code ?? `killed by ${signal}`;
    } catch (error) {
      await this.kill();
      return `still there after ${timeoutMs} ms (${error instanceof Error ? error.name : String(error)})`;
    }
  }
}
