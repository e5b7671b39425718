/**
 * Suspicions: what this node knows of those that it observes directly, and what it does before it accuses one. Pure: the time is an argument, and
 * what has to be sent is returned.
 *
 * ```
 *              phi too high           no answer, by no way
 *   trusted ----------------> probing ---------------------> accused
 *      ^  heartbeat, answer      | ^                            |
 *      +-------------------------+ |  answer over others:       | heartbeat; or refuted: from the start
 *      +---------------------------+  the way is broken,        |
 *      +--------------------------------------------------------+  suspected, not accused
 * ```
 */
import type { Heartbeat } from '../gossip-protocol.ts';
import type { Id } from '../ring/ring-state.ts';
import { compareBeats } from './member-table.ts';
import { PhiAccrual } from './phi-accrual.ts';
import type { SelfSuspicion } from './self-suspicion.ts';

export interface SuspicionOptions {
  readonly intervalMs: number;
  /** Suspected from this phi on. */
  readonly phiThreshold: number;
  /** A probe is waited for so long, times the multiplier of the node's own health. */
  readonly probeTimeoutMs: number;
}

export type SuspicionAction =
  | { readonly type: 'probe'; readonly target: Id; readonly probeId: number }
  | { readonly type: 'accuse'; readonly target: Id };

interface Probe {
  readonly id: number;
  readonly untilMs: number;
  /** One of those that were asked to probe as well has said that it does. */
  isConfirmed: boolean;
}

interface Observed {
  readonly detector: PhiAccrual;
  /** The newest that came directly. */
  last: Heartbeat | null;
  isSuspected: boolean;
  probe: Probe | null;
  /** Failed probes in a row that no helper has confirmed. */
  unconfirmed: number;
  probeAgainMs: number;
  isUrgent: boolean;
}

/** A probe that no helper has confirmed, or could be asked to, may have failed on this side: it is repeated so many times before it is believed. */
const UNCONFIRMED_MAX = 1;

export class Suspicions {
  readonly #options: SuspicionOptions;
  readonly #observed = new Map<Id, Observed>();
  readonly #mutants: ReadonlySet<string>;
  #probes: number;
  /** Counts changes of who is suspected. */
  version = 0;

  /** `probesBase`: anything random, so that an answer to a probe of an earlier life of this actor means nothing. */
  constructor(options: SuspicionOptions, probesBase: number, mutants: ReadonlySet<string>) {
    this.#options = options;
    this.#mutants = mutants;
    this.#probes = probesBase;
  }

  get observed(): Iterable<Id> {
    return this.#observed.keys();
  }

  /** `isUrgent`: newcomers are probed at once: others have failed that observed them, and they don't know yet that this node does. */
  setObserved(ids: readonly Id[], nowMs: number, isUrgent = false): void {
    const wanted = new Set(ids);
    for (const id of this.#observed.keys()) if (!wanted.has(id)) this.#forget(id);
    for (const id of ids) {
      if (this.#observed.has(id)) continue;
      const detector = new PhiAccrual({ intervalMs: this.#options.intervalMs }, nowMs);
      this.#observed.set(id, { detector, last: null, isSuspected: false, probe: null, unconfirmed: 0, probeAgainMs: 0, isUrgent });
    }
  }

  #forget(id: Id): void {
    if (this.isSuspected(id)) this.version++;
    this.#observed.delete(id);
  }

  isSuspected(id: Id): boolean {
    return this.#observed.get(id)?.isSuspected === true;
  }

  phi(id: Id, nowMs: number): number {
    return this.#observed.get(id)?.detector.phi(nowMs) ?? 0;
  }

  /** A heartbeat that came directly. Returns true when that ended a suspicion; one that is not newer than all before changes nothing. */
  heartbeat(beat: Heartbeat, nowMs: number): boolean {
    const observed = this.#observed.get(beat.id);
    if (observed === undefined) return false;
    const { last, detector } = observed;
    if (last !== null && compareBeats(beat, last) <= 0) return false;
    observed.last = beat;
    if (last !== null && last.boot === beat.boot) detector.heartbeat(nowMs);
    else detector.reset(nowMs);
    return this.#clear(observed);
  }

  /** A heartbeat that came by gossip says nothing of the way between the two. */
  heardOf(beat: Heartbeat, nowMs: number): void {
    if (this.#mutants.has('heartbeatCountedOverTwoPaths')) this.heartbeat(beat, nowMs);
  }

  /** `probeId` was answered by the suspect itself, with its heartbeat. Returns true when that ended the suspicion. */
  answered(id: Id, probeId: number, nowMs: number): boolean {
    const observed = this.#observed.get(id);
    if (observed?.probe?.id !== probeId) return false;
    observed.detector.touch(nowMs);
    return this.#clear(observed);
  }

  /** `probeId` was answered over another member: it lives, and only the way is broken. */
  answeredFor(id: Id, probeId: number, nowMs: number): void {
    const observed = this.#observed.get(id);
    if (observed?.probe?.id !== probeId) return;
    observed.probe = null;
    observed.unconfirmed = 0;
    observed.probeAgainMs = nowMs + this.#options.intervalMs;
  }

  /** A helper says that it has got the request. */
  confirmed(probeId: number): void {
    for (const { probe } of this.#observed.values()) if (probe?.id === probeId) probe.isConfirmed = true;
  }

  /** This node has stood still: it knows nothing of anybody. */
  reset(nowMs: number): void {
    for (const observed of this.#observed.values()) {
      observed.detector.reset(nowMs);
      this.#clear(observed);
    }
  }

  /** What is to be done now. `isSettled`: it is accused by this node, or down, already. Call it several times an interval. */
  check(nowMs: number, self: SelfSuspicion, isSettled: (id: Id) => boolean): SuspicionAction[] {
    const actions: SuspicionAction[] = [];
    const { phiThreshold, probeTimeoutMs, intervalMs } = this.#options;
    for (const [id, observed] of this.#observed) {
      const { probe, detector } = observed;
      if (probe !== null) {
        if (nowMs < probe.untilMs) continue;
        observed.probe = null;
        observed.probeAgainMs = nowMs + intervalMs;
        if (!self.mayAccuse(nowMs)) continue;
        if (this.#observed.size > 1 && !probe.isConfirmed) {
          self.unanswered();
          if (observed.unconfirmed++ < UNCONFIRMED_MAX) {
            actions.push(this.#begin(id, observed, nowMs + probeTimeoutMs * self.multiplier));
            continue;
          }
        }
        actions.push({ type: 'accuse', target: id });
        continue;
      }
      const isSilent = detector.phi(nowMs) >= phiThreshold;
      if (isSilent && !observed.isSuspected) {
        observed.isSuspected = true;
        this.version++;
      }
      if ((isSilent || observed.isUrgent) && nowMs >= observed.probeAgainMs && !isSettled(id)) {
        observed.isUrgent = false;
        actions.push(this.#begin(id, observed, nowMs + probeTimeoutMs * self.multiplier));
      }
    }
    return actions;
  }

  #begin(target: Id, observed: Observed, untilMs: number): SuspicionAction {
    this.#probes = (this.#probes + 1) >>> 0;
    observed.probe = { id: this.#probes, untilMs, isConfirmed: false };
    return { type: 'probe', target, probeId: this.#probes };
  }

  #clear(observed: Observed): boolean {
    const wasSuspected = observed.isSuspected;
    if (wasSuspected) this.version++;
    observed.isSuspected = false;
    observed.probe = null;
    observed.unconfirmed = 0;
    observed.probeAgainMs = 0;
    return wasSuspected;
  }
}
