/** Relays: probes that this node makes for others. Bounded, and forgotten after a while: who asked has given up by then. */
import type { Id } from '../ring/ring-state.ts';

export interface Relay {
  readonly target: Id;
  readonly asker: Id;
  /** The asker's. */
  readonly probeId: number;
  readonly untilMs: number;
}

const RELAYS_MAX = 256;

export class Relays {
  readonly #relays = new Map<number, Relay>();
  #probes: number;

  /** `probesBase`: anything random. */
  constructor(probesBase: number) {
    this.#probes = probesBase;
  }

  /** Returns the id of the probe to make; undefined when it is under way already, or there are too many. */
  add(relay: Relay): number | undefined {
    if (this.#relays.size >= RELAYS_MAX) return undefined;
    for (const { asker, probeId } of this.#relays.values()) if (asker === relay.asker && probeId === relay.probeId) return undefined;
    this.#probes = (this.#probes + 1) >>> 0;
    this.#relays.set(this.#probes, relay);
    return this.#probes;
  }

  /** The target has answered: for whom. Undefined: for nobody. */
  take(target: Id, probeId: number): Relay | undefined {
    const relay = this.#relays.get(probeId);
    if (relay?.target !== target) return undefined;
    this.#relays.delete(probeId);
    return relay;
  }

  forgetOld(nowMs: number): void {
    for (const [id, { untilMs }] of this.#relays) if (nowMs >= untilMs) this.#relays.delete(id);
  }
}
