/**
 * The actors that contests measure, the same ones in this thread, another thread and another process: a driver that sends, a sink that
 * counts what it has handled, and an echo that answers.
 */
import { type Actor, type ActorContext, type ActorDefinition, defineActor, type Signal } from '../../runtime/actor.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import { type ServiceKey, serviceKey } from '../../runtime/receptionist-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';

/** What is sent as an object: with a text of 40 characters 64 bytes of CBOR, with one of 76, 100. */
export interface Put {
  readonly type: 'put';
  readonly n: number;
  readonly text: string;
}

export type SinkMessage =
  | Put
  /** Begins a count: `acknowledged` to `driver` per `ackEvery`, and `count` to `replyTo` when that many were handled. */
  | {
      readonly type: 'expect';
      readonly count: number;
      readonly ackEvery: number;
      readonly driver: Ref<DriverMessage>;
      readonly replyTo: Ref<number>;
    };

export type DriverMessage =
  | { readonly type: 'drive'; readonly sink: Ref<SinkMessage>; readonly load: Load; readonly replyTo: Ref<number> }
  | { readonly type: 'acknowledged' }
  | { readonly type: 'more' };

export interface Load {
  readonly count: number;
  /** Bytes of a binary message, or characters of the text of an object. */
  readonly size: number;
  readonly path: 'object' | 'binary';
  /** Most messages under way; 0: as many as the sink's mailbox grants by its policy `credit`. */
  readonly window: number;
}

export interface Question {
  readonly type: 'question';
  readonly n: number;
  readonly text: string;
  readonly replyTo: Ref<number>;
}

/** Text of 40 characters: 64 bytes of CBOR in all. */
export const TEXT_64 = 40;
export const TEXT_100 = 76;
export const OPERATION_PUT = 1;
/** Messages that a driver sends before it lets others have their turn. */
const BURST = 512;

export const sinkKey: ServiceKey<SinkMessage> = serviceKey('bench.sink');
export const echoKey: ServiceKey<Question> = serviceKey('bench.echo');

export const sink: ActorDefinition<SinkMessage> = defineActor<SinkMessage>('bench.sink', (): Actor<SinkMessage> => {
  let handled = 0;
  let next = 0;
  let checksum = 0;
  let expected: Extract<SinkMessage, { type: 'expect' }> | undefined;

  return {
    receive(message: SinkMessage): void {
      if (message.type === 'put') {
        checksum = (checksum + message.n + message.text.length) | 0;
        if (++handled === next) onMilestone();
      } else {
        onExpect(message);
      }
    },
    receiveBytes(_operation: number, bytes: Uint8Array, offset: number, length: number): void {
      checksum = (checksum + (bytes[offset] as number) + (bytes[offset + length - 1] as number)) | 0;
      if (++handled === next) onMilestone();
    },
  };

  function onExpect(message: Extract<SinkMessage, { type: 'expect' }>): void {
    expected = message;
    handled = 0;
    checksum = 0;
    next = message.ackEvery;
  }

  function onMilestone(): void {
    if (expected === undefined) return;
    const { count, ackEvery, driver, replyTo } = expected;
    if (handled === count) replyTo.tell(handled);
    else driver.tell({ type: 'acknowledged' }, { lane: CONTROL });
    next = Math.min(count, handled + ackEvery);
  }
});

export const driver: ActorDefinition<DriverMessage> = defineActor<DriverMessage>('bench.driver', (context: ActorContext<DriverMessage>) => {
  let load: Load = { count: 0, size: 0, path: 'object', window: 0 };
  let target: Ref<SinkMessage> | undefined;
  /** What the sink is told first, until it has taken it. */
  let announcement: SinkMessage | undefined;
  let text = '';
  let bytes = new Uint8Array(0);
  let sent = 0;
  let allowed = 0;

  return {
    receive(message: DriverMessage): void {
      if (message.type === 'drive') {
        onDrive(message);
        return;
      }
      if (message.type === 'acknowledged') allowed += load.window / 2;
      pump();
    },
    signal(signal: Signal): void {
      if (signal.type === 'ready') pump();
    },
  };

  function onDrive(message: Extract<DriverMessage, { type: 'drive' }>): void {
    ({ load, sink: target } = message);
    text = 'x'.repeat(load.size);
    bytes = new Uint8Array(load.size).fill(7);
    sent = 0;
    allowed = load.window === 0 ? load.count : load.window;
    const ackEvery = load.window === 0 ? load.count : load.window / 2;
    announcement = {
      type: 'expect',
      count: load.count,
      ackEvery: Math.min(ackEvery, load.count),
      driver: context.self,
      replyTo: message.replyTo,
    };
    pump();
  }

  /** Sends as much as may be under way; what is left goes out on `acknowledged`, `ready` or `more`. */
  function pump(): void {
    if (target === undefined) return;
    if (announcement !== undefined) {
      if (!target.tell(announcement)) return;
      announcement = undefined;
    }
    const upTo = Math.min(load.count, allowed, sent + BURST);
    if (load.path === 'object') {
      while (sent < upTo) {
        if (!target.tell({ type: 'put', n: sent, text })) return;
        sent++;
      }
    } else {
      while (sent < upTo) {
        if (!target.tellBytes(OPERATION_PUT, bytes, 0, bytes.length, sent)) return;
        sent++;
      }
    }
    if (sent < Math.min(load.count, allowed)) context.self.tell({ type: 'more' });
  }
});

export const echo: ActorDefinition<Question> = defineActor<Question>('bench.echo', () => ({
  receive(message: Question): void {
    message.replyTo.tell(message.n);
  },
}));

/** Makes the driver send, and resolves when the sink has handled all. */
export async function drive(from: Ref<DriverMessage>, to: Ref<SinkMessage>, load: Load): Promise<void> {
  const handled = await from.ask<number>((replyTo) => ({ type: 'drive', sink: to, load, replyTo }), { timeoutMs: 20_000 });
  if (handled !== load.count) throw new Error(`sink handled ${handled} of ${load.count} messages`);
}
