/** GatewayKit: a gateway over a fake store and a ring of one node, on a thread that only the test moves; streams are arrays of what was written. */
import { type KnownRing, knownRing } from '../../../actors/membership/known-ring.ts';
import { type RespGatewayArguments, type RespGatewayMessage, respGateway } from '../../../actors/resp/resp-gateway.ts';
import { RESP_DEFAULTS, type RespSettings } from '../../../actors/resp/resp-settings.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import { KEYSPACE_DEFAULTS } from '../../../actors/ring/keyspace-defaults.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { errorMessage } from '../../../runtime/errors.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { ByteStream, Listener, Network, StreamHandler } from '../../../runtime/wire/network.ts';
import { type Shard, World } from '../../helpers/world.ts';
import { FakeStore } from './fake-store.ts';

/** A ring of one node with the keyspace `default`. */
export function ringOfOne(): KnownRing {
  const id = (digit: string): string => digit.repeat(32);
  const address = { node: 'n1', host: 'localhost', ports: [7_000, 7_001] };
  const member = { id: id('1'), name: 'n1', address, dataCenter: 'dc', rack: 'r', capacity: 1, shards: 1 };
  const ring = initialRing({ cluster: id('2'), clusterName: 'test', operationId: id('3'), member, partitions: 8 });
  return knownRing({ ...ring, keyspaces: [{ ...KEYSPACE_DEFAULTS, id: 1, name: 'default' }], nextKeyspaceId: 2 });
}

/** Decides what it is asked for, alone. */
export const fakeRing = defineActor<RingMessage, readonly [RingHolder]>('fake-ring', (_context, holder) => ({
  receive(message) {
    if (message.type !== 'propose' || holder.ring === null) return;
    const { replyTo, proposal } = message;
    const result = applyOperation(holder.ring.state, proposal);
    if (!result.ok) return void replyTo.tell(result);
    holder.ring = knownRing(result.ring);
    replyTo.tell({ ok: true, version: holder.ring.encoded });
  },
}));

export class FakeStream implements ByteStream {
  handler: StreamHandler = { onConnect() {}, onData() {}, onDrain() {}, onClose() {} };
  readonly writes: string[] = [];
  isPaused = false;
  isEnded = false;
  destroyed = '';
  /** What `write` answers. */
  takes = true;

  write(bytes: Buffer, start: number, end: number): boolean {
    this.writes.push(bytes.toString('latin1', start, end));
    return this.takes;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(reason: string): void {
    this.destroyed = reason;
  }

  /** From the client. */
  sends(text: string | Buffer): void {
    const bytes = Buffer.from(text);
    this.handler.onData(bytes, 0, bytes.length);
  }

  take(): string {
    return this.writes.splice(0).join('');
  }
}

export class GatewayKit {
  readonly world = new World();
  readonly shard: Shard = this.world.shard();
  readonly store = new FakeStore();
  readonly holder: RingHolder = { ring: ringOfOne(), mayServe: true };
  readonly gateway: Ref<RespGatewayMessage>;
  isListening = false;
  #accept: (stream: ByteStream) => void = () => {};

  constructor(settings: Partial<RespSettings> = {}, fault = '') {
    const network: Network = {
      listen: (_host, port, accept, ready) => {
        this.#accept = accept;
        this.isListening = fault === '';
        const listener: Listener = { port, close: () => this.#close() };
        ready(fault === '' ? listener : new Error(fault));
      },
      connect: () => new FakeStream(),
    };
    const { runtime } = this.shard;
    Object.assign(runtime.doors, { network });
    const args: RespGatewayArguments = {
      host: 'n1',
      port: 6_379,
      settings: { ...RESP_DEFAULTS, ...settings },
      store: this.store,
      holder: this.holder,
      ringActor: runtime.spawn(fakeRing, [this.holder]),
      clusterKey: Buffer.alloc(16, 5),
      node: 'n1',
    };
    this.gateway = runtime.spawn(respGateway, [args]);
    this.world.settle();
  }

  connect(): FakeStream {
    const stream = new FakeStream();
    this.#accept(stream);
    return stream;
  }

  /** The store's held requests are answered in the turn of an actor, as a coordinator does. */
  answer(): void {
    const { runtime } = this.shard;
    runtime.spawn(
      defineActor('answerer', (context) => {
        try {
          this.store.answerAll();
        } catch (error) {
          context.log.error('answer', { why: errorMessage(error) });
        }
        return { receive() {} };
      }),
      [],
    );
    this.world.settle();
  }

  #close(): void {
    this.isListening = false;
  }
}
