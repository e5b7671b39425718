/** Small actors for the tests of the simulator. */
import { defineActor, type Signal } from '../../../runtime/actor.ts';
import { BugError } from '../../../runtime/errors.ts';
import type { AnyRef, Ref } from '../../../runtime/ref.ts';

export type CounterMessage =
  | { readonly type: 'add'; readonly value: number }
  | { readonly type: 'get'; readonly replyTo: Ref<number> }
  | { readonly type: 'slow'; readonly us: number }
  | { readonly type: 'boom' };

export const counter = defineActor<CounterMessage>('counter', (context) => {
  let total = 0;
  return {
    receive(message: CounterMessage): void {
      if (message.type === 'add') total += message.value;
      else if (message.type === 'get') message.replyTo.tell(total);
      else if (message.type === 'slow') context.charge(message.us);
      else throw new BugError('boom');
    },
  };
});

/** Remembers what it hears, and when. */
export class Diary {
  readonly heard: { readonly atMs: number; readonly value: number }[] = [];
  readonly signals: Signal[] = [];
  readonly ticks: number[] = [];

  get values(): number[] {
    return this.heard.map(({ value }) => value);
  }
}

export const listener = defineActor<number, readonly [Diary, () => number, AnyRef | null]>(
  'listener',
  (context, diary: Diary, now: () => number, watched: AnyRef | null) => {
    if (watched !== null) context.watch(watched);
    return {
      receive(value: number): void {
        diary.heard.push({ atMs: now(), value });
      },
      signal(signal: Signal): void {
        diary.signals.push(signal);
      },
    };
  },
  { mailbox: { capacity: 10_000 } },
);

/** Sends 0, 1, 2, ... to its target, one each `everyMs`. */
export const talker = defineActor<'tick', readonly [Ref<number>, number]>('talker', (context, target: Ref<number>, everyMs: number) => {
  let next = 0;
  context.every('tick', everyMs, 'tick');
  return {
    receive(): void {
      target.tell(next++);
    },
  };
});

/** Notes the clocks each `everyMs`. */
export const ticker = defineActor<'tick', readonly [number, (now: number, wall: number) => void]>(
  'ticker',
  (context, everyMs: number, note: (now: number, wall: number) => void) => {
    context.every('tick', everyMs, 'tick');
    return {
      receive(): void {
        note(context.clock.now(), context.clock.wall());
      },
    };
  },
);
