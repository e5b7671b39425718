/** This process's node, and another process with a node of its own, over loopback TCP. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { parseNodeAddress } from '../../runtime/node-address.ts';
import type { ServiceKey } from '../../runtime/receptionist-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ActorSystem } from '../../runtime/system.ts';
import type { PeerNodeReady } from './peer-node.ts';

export interface NodePair {
  readonly system: ActorSystem;
  readonly rawPort: number;
  find<M>(key: ServiceKey<M>): Promise<Ref<M>>;
  close(): Promise<void>;
}

/** `window`: as `sinkMailbox` takes it. */
export async function openNodePair(window: number): Promise<NodePair> {
  const child: ChildProcess = fork(new URL('./peer-node.js', import.meta.url), [String(window)], { execArgv: [] });
  const [ready] = (await once(child, 'message')) as [PeerNodeReady];
  const system = await ActorSystem.start({ node: 'bench', listen: { host: '127.0.0.1', port: 0 }, logLevel: 'warn' });
  const address = parseNodeAddress(ready.address);
  await system.introduce(address);
  return {
    system,
    rawPort: ready.rawPort,
    find: async (key) => {
      const [ref] = await system.find(key, { node: address.node, timeoutMs: 5000 });
      if (ref === undefined) throw new Error(`no ${key.id} in the other process`);
      return ref;
    },
    close: async () => {
      await system.stop();
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
