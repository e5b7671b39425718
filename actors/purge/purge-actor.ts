/**
 * PurgeActor: one per shard, at PURGE_SLOT. Leads the purge rounds of partitions of which this member is the first replica (purge-leader.ts), and answers those of others (purge-server.ts).
 *
 * Sent to by its peers (frames), GossipActor (`view`) and who wants to know how far it is. Reads its shard in slices, as repair does, in pulses whose distance is Pace's. Keeps nothing over a start.
 */
import { type ActorContext, defineActor, type StopReason } from '../../runtime/actor.ts';
import { unreachable } from '../../runtime/errors.ts';
import { type Peer, PeerAsks } from '../repair/peer-asks.ts';
import { Pulses } from '../repair/pulses.ts';
import { RangeReads } from '../repair/range-reads.ts';
import type { RepairHolder } from '../repair/repair-protocol.ts';
import { ClusterView, type ClusterViewArguments, SUBSCRIBE_MS } from '../store/cluster-view.ts';
import { PURGE_SLOT } from '../store/data-frames.ts';
import { OK } from '../store/store-request.ts';
import type { ReplicasHolder } from '../store/vnode-actor.ts';
import { PURGE_TOLD, readClock } from './purge-frames.ts';
import { type LeaderOptions, PurgeLeader } from './purge-leader.ts';
import type { GetPurgeState, PurgeMessage } from './purge-protocol.ts';
import { PurgeScans } from './purge-scan.ts';
import { PurgeServer } from './purge-server.ts';

export interface PurgeArguments extends ClusterViewArguments, LeaderOptions {
  readonly shard: number;
  /** Of this thread. */
  readonly replicas: ReplicasHolder;
  readonly repair: RepairHolder;
  /** Between two looks at all partitions. 0: none, nothing is purged that others do not lead. Default 600,000 ms. */
  readonly intervalMs?: number;
}

type Message =
  | PurgeMessage
  | { readonly type: 'pulse' }
  | { readonly type: 'awake' }
  | { readonly type: 'tick' }
  | { readonly type: 'period' }
  | { readonly type: 'again' }
  | { readonly type: 'later'; readonly goOn: () => void };

const INTERVAL_MS = 600_000;
const TICK_MS = 250;

export const purgeActor = defineActor<Message, readonly [PurgeArguments]>('store.purge', (context, args) => new PurgeActor(context, args), {
  mailbox: { capacity: 4_096 },
});

class PurgeActor {
  readonly #context: ActorContext<Message>;
  readonly #args: PurgeArguments;
  readonly #view: ClusterView;
  readonly #wake: () => void;
  readonly #reads: RangeReads;
  readonly #asks: PeerAsks;
  readonly #server: PurgeServer;
  readonly #leader: PurgeLeader;
  readonly #pulses: Pulses;
  readonly #slice = (): boolean => this.#reads.slice();

  constructor(context: ActorContext<Message>, args: PurgeArguments) {
    const { clock } = context;
    const { intervalMs = INTERVAL_MS, replicas, repair, shard, mutants } = args;
    this.#context = context;
    this.#args = args;
    this.#view = new ClusterView(args);
    this.#wake = context.doorbell({ type: 'awake' });
    this.#pulses = new Pulses(clock, (waitMs) => context.after('pulse', waitMs, { type: 'pulse' }));
    this.#reads = new RangeReads(
      () => replicas.replicas,
      this.#wake,
      () => clock.now(),
    );
    const scans = new PurgeScans(this.#reads);
    this.#asks = new PeerAsks({
      firstId: context.random.u32(),
      send: (peer, ...frame) => this.#view.tellBytes(peer, ...frame),
      nowMs: () => clock.now(),
    });
    this.#server = new PurgeServer({
      ...{ context, shard, replicas, repair, scans, mutants },
      topology: () => this.#view.topology(),
      later: <T>(then: (value: T) => void) => context.completion<T>((value) => ({ type: 'later', goOn: () => then(value) })),
    });
    this.#leader = new PurgeLeader(
      {
        topology: () => this.#view.topology(),
        isReachable: (member) => this.#view.isReachable(member),
        notes: () => replicas.replicas?.floors.notes ?? null,
        wallMs: () => clock.wall(),
        collect: (place, beforeMs, done) => scans.collect(place, beforeMs, (fault, collected) => done(fault?.message, collected)),
        ask: (peer, operation, bytes, heard) => this.#ask(peer, operation, bytes, heard),
      },
      args,
    );
    context.every('tick', TICK_MS, { type: 'tick' });
    if (intervalMs > 0) context.after('period', intervalMs * (0.5 + context.random.float()), { type: 'period' });
    if (args.gossip !== undefined) context.every('again', SUBSCRIBE_MS, { type: 'again' });
    this.#view.subscribe(context.self);
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'view':
        return this.#view.onView(message);
      case 'purgeState':
        return this.#onState(message);
      case 'pulse':
        return this.#pulses.came(this.#slice);
      case 'awake':
        return this.#onAwake();
      case 'tick':
        this.#asks.tick();
        return this.#server.tick();
      case 'period':
        return this.#onPeriod();
      case 'again':
        return this.#view.subscribe(this.#context.self);
      case 'later':
        return message.goOn();
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    const end = offset + length;
    if (this.#server.receive(operation, bytes, offset, end)) return;
    // An answer that comes late, or twice, is nobody's.
    this.#asks.onAnswer(operation, bytes, offset, end, requestId);
  }

  stopped(_reason: StopReason): void {
    this.#reads.close();
  }

  #onState({ replyTo }: GetPurgeState): void {
    const figures = { ...this.#leader.figures(), sweeps: this.#server.sweeps, readKeys: this.#reads.keys, paceMs: this.#pulses.waitMs };
    replyTo.tell({ type: 'purgeFigures', figures, blocked: this.#leader.blocked() });
  }

  #onAwake(): void {
    if (this.#reads.count > 0) this.#pulses.begin();
  }

  #onPeriod(): void {
    const { intervalMs = INTERVAL_MS, shard } = this.#args;
    this.#context.after('period', intervalMs * (0.75 + this.#context.random.float() / 2), { type: 'period' });
    this.#leader.begin(shard);
  }

  #ask(peer: Peer, operation: number, bytes: Uint8Array, heard: (answer: number | string) => void): void {
    const write = (out: { bytes: Uint8Array; length: number; ensure(count: number): boolean }): void => {
      out.ensure(bytes.length);
      out.bytes.set(bytes, out.length);
      out.length += bytes.length;
    };
    this.#asks.ask(peer, PURGE_SLOT, operation, PURGE_TOLD, write, (status, answer, start, end, why) =>
      heard(status === OK ? readClock(answer, start, end) : why),
    );
  }
}
