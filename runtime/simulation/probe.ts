/** Probe: an actor that remembers what it was told, for tests to look at. */
import { type ActorDefinition, defineActor, type Signal } from '../actor.ts';
import type { AnyRef, Ref } from '../ref.ts';

export interface Probe<M> {
  readonly ref: Ref<M>;
  /** What it was told, oldest first, and not yet taken. */
  readonly messages: readonly M[];
  readonly signals: readonly Signal[];
  /** Returns what it was told since the last call, and forgets it. */
  take(): M[];
}

/** Where the actor leaves what it gets. */
export class ProbeRecord<M> {
  messages: M[] = [];
  readonly signals: Signal[] = [];
}

/** Watches the refs it is given. */
export const probeActor: ActorDefinition<unknown, readonly [ProbeRecord<unknown>, readonly AnyRef[]]> = defineActor(
  'probe',
  (context, record: ProbeRecord<unknown>, watched: readonly AnyRef[]) => {
    for (const ref of watched) context.watch(ref);
    return {
      receive(message: unknown): void {
        record.messages.push(message);
      },
      signal(signal: Signal): void {
        record.signals.push(signal);
      },
    };
  },
  { mailbox: { capacity: 1_000_000 } },
);
