/**
 * The part of the exchange workload that tests credit and the binary path: a source per shard sends to the sinks of all others, as fast as they
 * grant room. Checked: nothing is reordered or doubled, no message is refused that credit was given for, and no source that was told to wait waits for
 * ever.
 */
import { type ActorDefinition, defineActor, type Signal } from '../../../runtime/actor.ts';
import { addressName } from '../../../runtime/address.ts';
import type { Ref } from '../../../runtime/ref.ts';

export type Check = (condition: boolean, what: string, detail: () => string) => void;

export interface FlowSettings {
  readonly check: Check;
  readonly isSending: () => boolean;
}

/** What the checkers know of one life of a source. */
export class FlowRecord {
  readonly id: number;
  sink: Ref<never> | undefined;
  source: Ref<SourceMessage> | undefined;
  /** Addresses of sinks that it was told to wait for. */
  readonly waiting = new Set<string>();
  /** Messages that its own sink got. */
  received = 0;

  constructor(id: number) {
    this.id = id;
  }
}

export type SourceMessage = { readonly type: 'sink'; readonly id: number; readonly ref: Ref<never> } | { readonly type: 'tick' };

const OPERATION = 7;
const BURST_MAX = 40;
const SINK_CAPACITY = 16;
const HEADER_BYTES = 8;

/** Takes bytes only: u32 who sent it, u32 its number. */
export const sinkActor: ActorDefinition<never, readonly [FlowRecord, FlowSettings]> = defineActor(
  'sink',
  (context, record: FlowRecord, { check }: FlowSettings) => {
    const last = new Map<number, number>();
    return {
      receive(): void {
        check(false, 'a sink was told an object', () => '');
      },
      receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
        const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
        const from = view.getUint32(0);
        const sequence = view.getUint32(4);
        const before = last.get(from) ?? 0;
        check(
          operation === OPERATION && requestId === sequence && length >= HEADER_BYTES,
          'bytes arrived wrong',
          () => `${operation} ${length}`,
        );
        check(sequence > before, 'bytes were reordered or doubled', () => `${sequence} after ${before} from ${from}`);
        last.set(from, sequence);
        record.received++;
        context.charge(5);
      },
    };
  },
  { mailbox: { capacity: SINK_CAPACITY, overflow: 'credit' } },
);

export const sourceActor: ActorDefinition<SourceMessage, readonly [FlowRecord, FlowSettings]> = defineActor(
  'source',
  (context, record: FlowRecord, { check, isSending }: FlowSettings) => {
    const sinks: { readonly id: number; readonly ref: Ref<never>; readonly name: string }[] = [];
    const sent = new Map<number, number>();
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    context.every('tick', 15 + context.random.below(10), { type: 'tick' });

    return {
      receive(message: SourceMessage): void {
        if (message.type === 'tick') return onTick();
        if (!sinks.some((sink) => sink.id === message.id)) sinks.push({ ...message, name: addressName(message.ref.address) });
        if (sinks.length > 12) sinks.shift();
      },
      signal(signal: Signal): void {
        if (signal.type === 'ready') record.waiting.delete(addressName(signal.ref.address));
        else if (signal.type === 'rejected') {
          check(signal.reason !== 'overloaded', 'a message was refused that credit was given for', () => signal.ref.toString());
        }
      },
    };

    function onTick(): void {
      if (!isSending() || sinks.length === 0) return;
      const sink = sinks[context.random.below(sinks.length)]!;
      for (let count = context.random.below(BURST_MAX); count > 0 && !record.waiting.has(sink.name); count--)
        send(sink.id, sink.ref, sink.name);
    }

    function send(id: number, ref: Ref<never>, name: string): void {
      const sequence = (sent.get(id) ?? 0) + 1;
      view.setUint32(4, record.id);
      view.setUint32(8, sequence);
      // From an offset, of a length that changes: what lies around it must not travel.
      if (ref.tellBytes(OPERATION, bytes, 4, HEADER_BYTES + (sequence % 40), sequence)) sent.set(id, sequence);
      else record.waiting.add(name);
    }
  },
);
