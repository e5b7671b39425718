/** A node in this process, from its configuration to the signal that ends it. */
import { errorMessage } from '../../../runtime/errors.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { letHeapsGrow } from '../../../runtime/real/heap-growth.ts';
import { absolutePath, coreCount, fileUrl, randomHex } from '../../../runtime/real/host.ts';
import { moduleUrl, packageVersion } from '../../../runtime/real/modules.ts';
import { whenInputEnds } from '../../../runtime/real/subprocess.ts';
import type { NodeConfig } from '../config/config.ts';
import { Node } from '../node.ts';
import { NodeError } from '../node-error.ts';
import { NODE_MODULES } from '../parts.ts';

export interface RunOptions {
  /** The end of the standard input tells it to stop, as a signal does. */
  readonly endsWithInput: boolean;
}

/** Resolves when the node has ended as it was told to. Errors: why it could not start, or must not go on. */
export async function runNode(config: NodeConfig, { endsWithInput }: RunOptions): Promise<void> {
  letHeapsGrow();
  // What it says there is for people; that they have stopped listening is no reason to end.
  process.stdout.removeAllListeners('error').on('error', () => undefined);
  const stopped = untilToldToStop(endsWithInput);
  let node: Node | null = null;
  const starting = Node.start(
    config,
    {
      files: new RealFiles(),
      directory: absolutePath(config.data),
      modules: [...[...NODE_MODULES, 'runtime/echo'].map(moduleUrl), ...config.modules.map(fileUrl)],
      newId: () => randomHex(16),
      instance: randomHex(8),
      shards: Math.max(1, coreCount() - 1),
      version: packageVersion(),
    },
    (begun) => {
      node = begun;
      say(
        `node ${begun.self.name} listens on ${begun.self.address.host}:${begun.self.address.ports.join(',')}, RESP on ${begun.resp.host}:${begun.resp.port}, HTTP on http://${begun.http.host}:${begun.http.port}`,
      );
    },
  );
  const ended = await Promise.race<Ended>([starting.then(serve, endedBy), stopped.then(() => ({ error: null }))]);
  const begun = node as Node | null;
  // A start that is stopped ends by itself.
  starting.catch(() => undefined);
  await begun?.stop();
  if (ended.error !== null) throw ended.error;
  // A start may be waiting for seeds.
  if (begun === null) process.exit();
}

interface Ended {
  /** Null: as it was told to. */
  readonly error: Error | null;
}

/** Resolves when the node has to end. */
async function serve(node: Node): Promise<Ended> {
  const { log } = node.system;
  const { statsEverySeconds } = node.config.log;
  const timer =
    statsEverySeconds === 0
      ? undefined
      : setInterval(() => {
          node.stats().then(
            (stats) => log.info('stats', { stats }),
            (error: unknown) => log.warn('no stats', { error: errorMessage(error) }),
          );
        }, statsEverySeconds * 1000);
  node.untilUp().then(
    () => {
      if (!node.isStopping) say(`node ${node.self.name} is up; stop it with Ctrl-C`);
    },
    (error: unknown) => log.error('node.notUp', { error: errorMessage(error) }),
  );
  const error = await node.failed;
  clearInterval(timer);
  return endedBy(error);
}

/** A node that has left its ring is done, also when it hears of that only when it is started again: who watches the process need not start it any more. */
function endedBy(error: unknown): Ended {
  if (!(error instanceof NodeError)) return { error: error instanceof Error ? error : new Error(String(error)) };
  if (error.code !== 'REMOVED') return { error };
  say(error.message);
  return { error: null };
}

/** SIGINT or SIGTERM, of which the second one ends the process where it stands; or the end of its input. */
function untilToldToStop(endsWithInput: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (endsWithInput) whenInputEnds(resolve);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(1));
        resolve();
      });
    }
  });
}

function say(text: string): void {
  process.stdout.write(`dynactor: ${text}\n`);
}
