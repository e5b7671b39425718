/** A node with two shards: a driver on the first and a sink and an echo on the second. The main thread only waits. */
import type { Ref } from '../../runtime/ref.ts';
import { ActorSystem } from '../../runtime/system.ts';
import { type DriverMessage, driver, echo, type Question, type SinkMessage, sink } from './workload.ts';

export interface ShardPair {
  readonly system: ActorSystem;
  readonly driver: Ref<DriverMessage>;
  readonly sink: Ref<SinkMessage>;
  readonly echo: Ref<Question>;
}

/** `window` 0: the sink's mailbox grants credit. */
export async function openShardPair(window: number): Promise<ShardPair> {
  const system = await ActorSystem.start({ shards: 2, logLevel: 'warn', modules: [new URL('./workload.js', import.meta.url)] });
  const mailbox = sinkMailbox(window);
  return {
    system,
    driver: await system.spawnOn(0, driver, []),
    sink: await system.spawnOn(1, sink, [], { mailbox }),
    echo: await system.spawnOn(1, echo, []),
  };
}

export function sinkMailbox(window: number): { readonly capacity: number; readonly overflow: 'credit' | 'reject' } {
  return window === 0 ? { capacity: 8192, overflow: 'credit' } : { capacity: window + 1, overflow: 'reject' };
}
