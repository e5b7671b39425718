/**
 * The echo actor, one on every shard of a node that `dynactor start` runs: what `dynactor ping` measures, and a smallest
 * example of a module that shards load.
 */
import { type ActorContext, type ActorDefinition, defineActor } from './actor.ts';
import type { ShardStart } from './definitions.ts';
import { type ServiceKey, serviceKey } from './receptionist-protocol.ts';
import type { Ref } from './ref.ts';

export interface Echo {
  readonly type: 'echo';
  /** Comes back unchanged. */
  readonly payload: Uint8Array;
  readonly replyTo: Ref<Echoed>;
}

export interface Echoed {
  readonly type: 'echoed';
  readonly payload: Uint8Array;
  /** Which shard answered. */
  readonly shard: number;
}

export const echoKey: ServiceKey<Echo> = serviceKey<Echo>('dynactor.echo');

export const echo: ActorDefinition<Echo, readonly [number]> = defineActor(
  'dynactor.echo',
  (_context: ActorContext<Echo>, shard: number) => ({
    receive(message: Echo): void {
      message.replyTo.tell({ type: 'echoed', payload: message.payload, shard });
    },
  }),
);

export function startShard(start: ShardStart): void {
  start.register(echoKey, start.spawn(echo, [start.shard]));
}
