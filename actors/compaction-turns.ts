/** Who has a turn and who waits for one: the decisions of the compaction actor. Pure bookkeeping. */
import { FLUSH, mostUrgent } from '../storage/compaction/scheduler.ts';
import type { WorkRequest } from './compaction-protocol.ts';

export interface TurnLimits {
  /** At a time on the whole node. */
  readonly merges: number;
  readonly flushes: number;
}

export interface Turn extends WorkRequest {
  readonly agent: string;
}

export class CompactionTurns {
  readonly #limits: TurnLimits;
  #waiting: Turn[] = [];
  #running: Turn[] = [];

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Merges that have a turn. */
  get mergeCount(): number {
    return this.#running.filter(({ workClass }) => workClass !== FLUSH).length;
  }

  get flushCount(): number {
    return this.#running.length - this.mergeCount;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  request(agent: string, request: WorkRequest): void {
    this.release(agent, request.requestId);
    this.#waiting.push({ ...request, agent });
  }

  rescore(agent: string, requestId: number, score: number): void {
    this.#waiting = this.#waiting.map((turn) => (is(turn, agent, requestId) ? { ...turn, score } : turn));
  }

  /** The turn is over, or the request. */
  release(agent: string, requestId: number): void {
    this.#waiting = this.#waiting.filter((turn) => !is(turn, agent, requestId));
    this.#running = this.#running.filter((turn) => !is(turn, agent, requestId));
  }

  releaseAll(agent: string): void {
    this.#waiting = this.#waiting.filter((turn) => turn.agent !== agent);
    this.#running = this.#running.filter((turn) => turn.agent !== agent);
  }

  /**
   * All that an agent has. What it runs has a turn, whatever the limits; what it doesn't name has none. Returns the requests that wait there
   * though they have a turn here: the agent was not told, or not yet.
   */
  reconcile(agent: string, waiting: readonly WorkRequest[], running: readonly WorkRequest[]): readonly number[] {
    const granted = new Set(this.#running.filter((turn) => turn.agent === agent).map(({ requestId }) => requestId));
    const told = waiting.filter(({ requestId }) => granted.has(requestId));
    const known = new Set(this.#waiting.filter((turn) => turn.agent === agent).map(({ requestId }) => requestId));
    const named = new Set(waiting.map(({ requestId }) => requestId));
    // What waited keeps its place.
    this.#waiting = this.#waiting.filter((turn) => turn.agent !== agent || named.has(turn.requestId));
    const unheard = waiting.filter(({ requestId }) => !known.has(requestId) && !granted.has(requestId));
    for (const request of unheard) this.#waiting.push({ ...request, agent });
    this.#running = this.#running.filter((turn) => turn.agent !== agent);
    for (const request of [...running, ...told]) this.#running.push({ ...request, agent });
    return told.map(({ requestId }) => requestId);
  }

  /** Gives a turn, if there is one to give: the most urgent class first, in it the highest score, of equals who has waited longest. */
  grant(): Turn | undefined {
    const { merges, flushes } = this.#limits;
    const turn = mostUrgent(
      this.#waiting.filter(({ workClass }) => (workClass === FLUSH ? this.flushCount < flushes : this.mergeCount < merges)),
    );
    if (turn === undefined) return undefined;
    this.#waiting.splice(this.#waiting.indexOf(turn), 1);
    this.#running.push(turn);
    return turn;
  }
}

function is(turn: Turn, agent: string, requestId: number): boolean {
  return turn.agent === agent && turn.requestId === requestId;
}
