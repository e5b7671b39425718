/**
 * CompactionAgent: one per shard, through which the desk of the shard's engines talks to the CompactionActor of the node.
 * Sent to by that actor (compaction-protocol.ts).
 */
import { defineActor } from '../runtime/actor.ts';
import { unreachable } from '../runtime/errors.ts';
import type { Ref } from '../runtime/ref.ts';
import type { CompactionDesk } from './compaction-desk.ts';
import type { CompactionAgentMessage, CompactionMessage } from './compaction-protocol.ts';

interface Tick {
  readonly type: 'tick';
}

const STATE_MS = 1_000;

export const compactionAgent = defineActor<CompactionAgentMessage | Tick, readonly [CompactionDesk, Ref<CompactionMessage>]>(
  'compaction-agent',
  (context, desk, actor) => {
    desk.connect(actor, context.self);
    context.every('tick', STATE_MS, { type: 'tick' });
    return {
      receive(message: CompactionAgentMessage | Tick): void {
        switch (message.type) {
          case 'granted':
            desk.granted(message.requestId);
            break;
          case 'rate':
            Atomics.store(desk.throttle, 0, message.kibPerSecond);
            break;
          case 'tick':
            desk.tellState();
            break;
          default:
            unreachable(message);
        }
      },
    };
  },
);
