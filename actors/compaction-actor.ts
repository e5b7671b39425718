/**
 * CompactionActor: gives turns for flush and compaction to all engines of a node, and says how fast merges may read. Does nothing else: the work is done
 * by jobs of the pool, which the agents of the shards start.
 *
 * Sent to by the agents (compaction-protocol.ts). An agent that ends gives all its turns back.
 * Invariant: no more turns are out than the limits say, but for those that an agent named as running before this actor knew of them.
 */
import { type Actor, type ActorContext, defineActor, type Signal } from '../runtime/actor.ts';
import { unreachable } from '../runtime/errors.ts';
import type { Ref } from '../runtime/ref.ts';
import type { EngineLoad } from '../storage/compaction/scheduler.ts';
import { THROTTLE_DEFAULTS, ThrottleController, type ThrottleOptions } from '../storage/compaction/throttle-controller.ts';
import type { CompactionAgentMessage, CompactionMessage } from './compaction-protocol.ts';
import { CompactionTurns, type TurnLimits } from './compaction-turns.ts';

export interface CompactionActorOptions {
  readonly limits: TurnLimits;
  /** Default: `THROTTLE_DEFAULTS`. */
  readonly throttle?: ThrottleOptions;
}

interface Tick {
  readonly type: 'tick';
}

interface Agent {
  readonly ref: Ref<CompactionAgentMessage>;
  load: EngineLoad;
}

const TICK_MS = 1_000;
const NO_LOAD: EngineLoad = { foregroundBytesPerSecond: 0, debtBytes: 0, latencyMs: 0 };

export const compactionActor = defineActor<CompactionMessage | Tick, readonly [CompactionActorOptions]>(
  'compaction',
  (context, options) => new CompactionActor(context, options),
);

class CompactionActor implements Actor<CompactionMessage | Tick> {
  readonly #context: ActorContext<CompactionMessage | Tick>;
  readonly #turns: CompactionTurns;
  readonly #controller: ThrottleController;
  readonly #agents = new Map<string, Agent>();
  /** Of all merges together. */
  #kibPerSecond = 0;

  constructor(context: ActorContext<CompactionMessage | Tick>, { limits, throttle = THROTTLE_DEFAULTS }: CompactionActorOptions) {
    this.#context = context;
    this.#turns = new CompactionTurns(limits);
    this.#controller = new ThrottleController(throttle);
    context.every('tick', TICK_MS, { type: 'tick' });
  }

  receive(message: CompactionMessage | Tick): void {
    switch (message.type) {
      case 'request':
        this.#turns.request(this.#know(message.agent), message.request);
        this.#grantAll();
        break;
      case 'rescore':
        this.#turns.rescore(this.#know(message.agent), message.requestId, message.score);
        break;
      case 'released':
        this.#turns.release(this.#know(message.agent), message.requestId);
        this.#grantAll();
        break;
      case 'state':
        this.#onState(message);
        break;
      case 'tick':
        this.#onTick();
        break;
      default:
        unreachable(message);
    }
  }

  signal(signal: Signal): void {
    // A refused `granted` is repeated at the agent's next state.
    if (signal.type !== 'terminated') return;
    const name = signal.ref.toString();
    this.#agents.delete(name);
    this.#turns.releaseAll(name);
    this.#grantAll();
  }

  #onState({ agent, waiting, running, load }: Extract<CompactionMessage, { type: 'state' }>): void {
    const name = this.#know(agent);
    for (const requestId of this.#turns.reconcile(name, waiting, running)) agent.tell({ type: 'granted', requestId });
    const known = this.#agents.get(name);
    if (known !== undefined) known.load = load;
    this.#grantAll();
    agent.tell({ type: 'rate', kibPerSecond: this.#rateEach() });
  }

  #onTick(): void {
    const loads = [...this.#agents.values()].map(({ load }) => load);
    this.#kibPerSecond = this.#controller.next(sumOf(loads));
    for (const { ref } of this.#agents.values()) ref.tell({ type: 'rate', kibPerSecond: this.#rateEach() });
  }

  #rateEach(): number {
    return Math.ceil(this.#kibPerSecond / Math.max(1, this.#turns.mergeCount));
  }

  #grantAll(): void {
    for (let turn = this.#turns.grant(); turn !== undefined; turn = this.#turns.grant()) {
      this.#agents.get(turn.agent)?.ref.tell({ type: 'granted', requestId: turn.requestId });
    }
  }

  #know(ref: Ref<CompactionAgentMessage>): string {
    const name = ref.toString();
    if (!this.#agents.has(name)) {
      this.#agents.set(name, { ref, load: NO_LOAD });
      this.#context.watch(ref);
    }
    return name;
  }
}

/** Latency: the worst. */
export function sumOf(loads: readonly EngineLoad[]): EngineLoad {
  return loads.reduce(
    (sum, load) => ({
      foregroundBytesPerSecond: sum.foregroundBytesPerSecond + load.foregroundBytesPerSecond,
      debtBytes: sum.debtBytes + load.debtBytes,
      latencyMs: Math.max(sum.latencyMs, load.latencyMs),
    }),
    NO_LOAD,
  );
}
