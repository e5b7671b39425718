/** Actors that the tests of `ActorSystem` start on shards, by name. */
import { type Actor, type ActorContext, type Answer, defineActor, type Signal } from '../../runtime/actor.ts';
import type { ShardStart } from '../../runtime/definitions.ts';
import { defineJob } from '../../runtime/jobs.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import { type ServiceKey, serviceKey } from '../../runtime/receptionist-protocol.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';

export type GreeterMessage =
  | { readonly type: 'greet'; readonly who: string; readonly replyTo: Ref<string> }
  | { readonly type: 'fail' }
  /** Never returns: the thread hears nothing any more. */
  | { readonly type: 'spin' };

export const greeterKey: ServiceKey<GreeterMessage> = serviceKey('test.greeter');

export const greeter = defineActor('test.greeter', (_context: ActorContext<GreeterMessage>, greeting: string) => ({
  receive(message: GreeterMessage): void {
    switch (message.type) {
      case 'greet':
        message.replyTo.tell(`${greeting}, ${message.who}`);
        return;
      case 'fail':
        throw new Error('failed on request');
      case 'spin':
        for (;;);
    }
  },
}));

export type WatcherMessage = { readonly type: 'watch'; readonly ref: AnyRef } | { readonly type: 'answered' };
export type News = { readonly type: 'watching' } | { readonly type: 'gone'; readonly ref: AnyRef; readonly reason: string };

/** Tells `listener` of the end of whatever it is told to watch, once it is sure that the watch has arrived: an answer comes from behind it. */
export const watcher = defineActor('test.watcher', (context: ActorContext<WatcherMessage>, listener: Ref<News>) => ({
  receive(message: WatcherMessage): void {
    if (message.type === 'answered') {
      listener.tell({ type: 'watching' });
      return;
    }
    context.watch(message.ref);
    context.ask<GreeterMessage, string>(
      message.ref as unknown as Ref<GreeterMessage>,
      (replyTo) => ({ type: 'greet', who: 'watcher', replyTo }),
      { timeoutMs: 20_000, lane: CONTROL },
      () => ({ type: 'answered' }),
    );
  },
  signal(signal: Signal): void {
    if (signal.type === 'terminated') listener.tell({ type: 'gone', ref: signal.ref, reason: signal.reason });
  },
}));

/** Sum of the whole numbers up to the input. */
export const sumJob = defineJob('test.sum', function* (upTo: number): Generator<undefined, number, undefined> {
  let sum = 0;
  for (let i = 1; i <= upTo; i++) {
    sum += i;
    if (i % 1000 === 0) yield;
  }
  return sum;
});

export type ClerkMessage =
  | { readonly type: 'sum'; readonly upTo: number; readonly replyTo: Ref<number | string> }
  | { readonly type: 'summed'; readonly answer: Answer<number>; readonly replyTo: Ref<number | string> };

/** Has its sums done by the pool. */
export const clerk = defineActor(
  'test.clerk',
  (context: ActorContext<ClerkMessage>): Actor<ClerkMessage> => ({
    receive(message: ClerkMessage): void {
      const { replyTo } = message;
      if (message.type === 'summed') {
        replyTo.tell(message.answer.ok ? message.answer.value : message.answer.error.code);
        return;
      }
      context.job<number, number>(sumJob, message.upTo, { timeoutMs: 10_000 }, (answer) => ({ type: 'summed', answer, replyTo }));
    },
  }),
);

export type KeeperMessage = { readonly replyTo: Ref<string> };

/** Has something left to do when it is stopped, which takes `ms`. */
export const keeper = defineActor(
  'test.keeper',
  (context: ActorContext<KeeperMessage>, ms: number, onDone: () => void): Actor<KeeperMessage> => {
    const release = context.hold();
    const { timers } = context;
    return {
      receive({ replyTo }: KeeperMessage): void {
        replyTo.tell('started');
      },
      stopped(): void {
        timers.after(ms, () => {
          onDone();
          release();
        });
      },
    };
  },
);

/** Sends all it gets on to `next`, bytes too. */
export const relay = defineActor('test.relay', (_context: ActorContext<unknown>, next: Ref<unknown>) => ({
  receive(message: unknown): void {
    next.tell(message);
  },
  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    next.tellBytes(operation, bytes, offset, length, requestId);
  },
}));

export function startShard(start: ShardStart): void {
  start.register(greeterKey, start.spawn(greeter, [`hello from ${start.node}/${start.shard}`]));
}
