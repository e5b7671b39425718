/**
 * RespGateway: one per shard. Takes connections of Redis clients, and brings their commands to the coordinator of its thread and the answers back.
 *
 * ```
 *   stream --onData--> session.feed --doorbell--> turn: session.run --begin--> coordinator
 *   stream <--write-- turn in the lane behind all others: flush <-- session.answered <--'
 * ```
 * Sent to by whoever starts it or wants its figures (`listening`, `figures`). All else comes from streams, outside of turns, and from the coordinator, within its turns:
 * both only leave something and ring. Invariants: one flush per connection and run of the thread, after all answers of that run; no promise, closure or string per GET or SET.
 */
import { type Actor, type ActorContext, type Answer, defineActor, type StopReason } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Random } from '../../runtime/doors.ts';
import { errorMessage, unreachable } from '../../runtime/errors.ts';
import { BACKGROUND } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { ByteStream, Listener } from '../../runtime/wire/network.ts';
import { QuietLog } from '../../runtime/wire/quiet-log.ts';
import type { KnownRing } from '../membership/known-ring.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import type { RingHolder } from '../ring-agent.ts';
import type { RingMessage } from '../ring-protocol.ts';
import type { ScanHolder } from '../scan/scan-actor.ts';
import type { StoreDoor } from '../store/store-door.ts';
import { StoreRequest } from '../store/store-request.ts';
import { ContextSeal } from '../version/causal-context.ts';
import { RequestGate } from './request-gate.ts';
import { type ConnectionOwner, RespConnection } from './resp-connection.ts';
import { RespSession } from './resp-session.ts';
import type { RespSettings } from './resp-settings.ts';
import type { RespStats, SessionHost } from './session-host.ts';

/** Where it listens; `fault` is empty unless it could not. */
export interface RespListening {
  readonly port: number;
  readonly fault: string;
}

export interface RespFigures extends RespStats {
  readonly open: number;
  /** Requests under way at the coordinator. */
  readonly requests: number;
}

export type RespGatewayMessage =
  /** Answered when that is known. */
  { readonly type: 'listening'; readonly replyTo: Ref<RespListening> } | { readonly type: 'figures'; readonly replyTo: Ref<RespFigures> };

type OwnMessage =
  | { readonly type: 'run' }
  | { readonly type: 'flush' }
  | { readonly type: 'bound'; readonly result: Listener | Error }
  | { readonly type: 'tick' }
  | { readonly type: 'proposed'; readonly answer: Answer<OperationOutcome>; readonly tell: (outcome: OperationOutcome) => void };
type Message = RespGatewayMessage | OwnMessage;

export interface RespGatewayArguments {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Gateways of other shards listen there too. Default false. */
  readonly isPortShared?: boolean;
  readonly settings: RespSettings;
  /** The coordinator of this thread. */
  readonly store: StoreDoor;
  /** The scans of this thread. Without them SCAN and its like are refused as LOADING. */
  readonly scans?: ScanHolder;
  readonly holder: RingHolder;
  readonly ringActor: Ref<RingMessage>;
  /** 16 secret bytes that all nodes of the cluster share: what contexts are sealed with. */
  readonly clusterKey: Uint8Array;
  /** This node's name, for people. */
  readonly node: string;
  readonly mutants?: ReadonlySet<string>;
}

/** The same on every shard that listens. */
export const RESP_SLOT = 6;
const TICK_MS = 1_000;
const PROPOSE_MS = 10_000;
const SCRATCH_BYTES = 1_024;
const SCRATCH_BYTES_MAX = 4 * 1_048_576;
const REFUSAL = Buffer.from('-ERR max number of clients reached\r\n');
const NO_KEYSPACES: readonly Keyspace[] = [];

export const respGateway = defineActor<Message, readonly [RespGatewayArguments]>(
  'resp-gateway',
  (context, args) => new RespGateway(context, args),
);

class RespGateway implements Actor<Message>, SessionHost, ConnectionOwner {
  readonly settings: RespSettings;
  readonly gate: RequestGate;
  readonly request = new StoreRequest();
  readonly seal: ContextSeal;
  readonly stats: RespStats = { connections: 0, connectionsRefused: 0, commands: 0, errors: 0, bytesIn: 0, bytesOut: 0 };
  readonly scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);
  readonly node: string;
  readonly random: Random;
  readonly startedAtMs: number;
  readonly #context: ActorContext<Message>;
  readonly #self: Ref<Message>;
  readonly #args: RespGatewayArguments;
  readonly #log: QuietLog;
  readonly #ring: () => void;
  readonly #connections = new Map<RespSession, RespConnection>();
  #woken: RespSession[] = [];
  #touched: RespSession[] = [];
  /** `flush` is in the mailbox. */
  #isFlushing = false;
  #nowMs: number;
  #nextId = 0;
  #listener: Listener | undefined;
  #listening: RespListening | undefined;
  #asking: Ref<RespListening>[] = [];
  #known: KnownRing | null = null;
  #ringChanges = 0;
  #isStopped = false;

  constructor(context: ActorContext<Message>, args: RespGatewayArguments) {
    const { settings, store, scans, clusterKey, node, host, port, mutants } = args;
    this.#context = context;
    this.#self = context.self;
    this.#args = args;
    this.#log = new QuietLog(context.log, context.clock);
    this.settings = settings;
    this.gate = new RequestGate(store, settings.requestsMax, (session) => this.wake(session), scans);
    this.random = context.random;
    this.seal = new ContextSeal(clusterKey, mutants);
    this.node = node;
    this.#nowMs = context.clock.now();
    this.startedAtMs = this.#nowMs;
    this.#ring = context.doorbell({ type: 'run' });
    const bound = context.completion<Listener | Error>((result) => ({ type: 'bound', result }));
    context.network.listen(
      host,
      port,
      (stream) => this.#accept(stream),
      (result) => {
        // Nobody would close it.
        if (this.#isStopped && !(result instanceof Error)) result.close();
        else bound(result);
      },
      args.isPortShared,
    );
    if (settings.idleMs > 0) context.every('tick', TICK_MS, { type: 'tick' });
  }

  receive(message: Message): void {
    this.#nowMs = this.#context.clock.now();
    switch (message.type) {
      case 'run':
        return this.#onRun();
      case 'flush':
        return this.#onFlush();
      case 'bound':
        return this.#onBound(message.result);
      case 'tick':
        return this.#onTick();
      case 'proposed':
        return message.tell(outcomeOf(message.answer));
      case 'listening':
        if (this.#listening === undefined) this.#asking.push(message.replyTo);
        else message.replyTo.tell(this.#listening);
        return;
      case 'figures':
        message.replyTo.tell({ ...this.stats, open: this.#connections.size, requests: this.gate.requests });
        return;
      default:
        unreachable(message);
    }
  }

  stopped(_reason: StopReason): void {
    this.#isStopped = true;
    this.#listener?.close();
    for (const connection of this.#connections.values()) connection.destroy('the node is stopping');
  }

  #onRun(): void {
    const woken = this.#woken;
    this.#woken = [];
    for (const session of woken) {
      session.isWoken = false;
      if (session.isClosed) continue;
      session.run();
      this.touch(session);
    }
    // The mailbox was full.
    if (!this.#isFlushing && this.#touched.length > 0) this.#onFlush();
  }

  #onFlush(): void {
    this.#isFlushing = false;
    const touched = this.#touched;
    this.#touched = [];
    for (const session of touched) {
      session.isTouched = false;
      this.#connections.get(session)?.flush();
    }
  }

  #onBound(result: Listener | Error): void {
    const { host, port } = this.#args;
    if (result instanceof Error) this.#context.log.error('RESP gateway does not listen', { host, port, why: result.message });
    else this.#listener = result;
    this.#listening = result instanceof Error ? { port, fault: result.message } : { port: result.port, fault: '' };
    for (const asking of this.#asking) asking.tell(this.#listening);
    this.#asking = [];
  }

  #onTick(): void {
    for (const [session, connection] of this.#connections) {
      const idleMs = this.#nowMs - session.lastCommandAtMs;
      if (idleMs > this.settings.idleMs && session.inFlight === 0) connection.destroy('it was idle for too long');
    }
  }

  // Of streams: outside of turns.

  #accept(stream: ByteStream): void {
    this.stats.connections++;
    if (this.#isStopped) return stream.destroy('the node is stopping');
    if (this.#connections.size >= this.settings.connectionsMax) return this.#refuse(stream);
    const session = new RespSession(++this.#nextId, this, this.#args.mutants);
    this.#connections.set(session, new RespConnection(session, stream, this));
  }

  #refuse(stream: ByteStream): void {
    this.stats.connectionsRefused++;
    this.#log.warn('RESP connection refused', { open: this.#connections.size, max: this.settings.connectionsMax });
    stream.handler = { onConnect() {}, onData() {}, onDrain() {}, onClose() {} };
    stream.write(REFUSAL, 0, REFUSAL.length);
    stream.end();
  }

  closed({ session }: RespConnection, reason: string): void {
    this.#connections.delete(session);
    if (session.isOverflown) this.#log.warn('RESP connection broken', { reason });
  }

  // For sessions.

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#context.clock.wall();
  }

  keyspaces(): readonly Keyspace[] {
    return this.#args.holder.ring?.state.keyspaces ?? NO_KEYSPACES;
  }

  ringChanges(): number {
    const { ring } = this.#args.holder;
    if (ring !== this.#known) {
      this.#known = ring;
      this.#ringChanges++;
    }
    return this.#ringChanges;
  }

  isLoading(): boolean {
    const { ring, mayServe } = this.#args.holder;
    return ring === null || !mayServe;
  }

  sessions(): Iterable<RespSession> {
    return this.#connections.keys();
  }

  wake(session: RespSession): void {
    if (session.isWoken) return;
    session.isWoken = true;
    this.#woken.push(session);
    this.#ring();
  }

  touch(session: RespSession): void {
    if (session.isTouched) return;
    session.isTouched = true;
    this.#touched.push(session);
    // Behind all lanes: what the coordinator has still to answer in this run goes out with it.
    if (this.#isFlushing) return;
    this.#isFlushing = this.#self.tell(FLUSH, FLUSH_OPTIONS);
    if (!this.#isFlushing) this.#ring();
  }

  propose(operation: Operation, then: (outcome: OperationOutcome) => void): void {
    const { random } = this.#context;
    const operationId = Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
    this.#context.ask<RingMessage, OperationOutcome>(
      this.#args.ringActor,
      (replyTo) => ({ type: 'propose', proposal: { operationId, operation }, replyTo }),
      { timeoutMs: PROPOSE_MS },
      (answer) => ({ type: 'proposed', answer, tell: then }),
    );
  }
}

function outcomeOf(answer: Answer<OperationOutcome>): OperationOutcome {
  if (answer.ok) return answer.value;
  return { ok: false, code: 'INDETERMINATE', message: `the ring did not answer, and may have done it: ${errorMessage(answer.error)}` };
}

const FLUSH: OwnMessage = { type: 'flush' };
const FLUSH_OPTIONS = { lane: BACKGROUND } as const;
