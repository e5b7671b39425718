/** Rumors: news that is to be passed on soon, each once. */
import type { Accusation, Heartbeat } from '../gossip-protocol.ts';
import type { Id } from '../ring/ring-state.ts';
import { isAgainst, keyOf, type News } from './membership.ts';

export class Rumors {
  readonly #beats = new Map<Id, Heartbeat>();
  readonly #accusations = new Map<string, Accusation>();

  /** Later beats replace earlier ones. Returns true when there was nothing before, so that somebody has to come back for it. */
  add({ beats, accusations }: News): boolean {
    const wasEmpty = this.#beats.size === 0;
    for (const beat of beats) this.#beats.set(beat.id, beat);
    for (const accusation of accusations) this.#accusations.set(keyOf(accusation), accusation);
    return wasEmpty && this.#beats.size > 0;
  }

  /** At most `max` of each; what is more comes with the next digests. Accusations that were refuted by now are left out. */
  take(max: number): News {
    const beats = [...this.#beats.values()].slice(0, max);
    const byId = new Map(beats.map((beat) => [beat.id, beat]));
    const accusations = [...this.#accusations.values()].filter((accusation) => {
      const beat = byId.get(accusation.accused);
      return beat !== undefined && isAgainst(accusation, beat);
    });
    this.#beats.clear();
    this.#accusations.clear();
    return { beats, accusations: accusations.slice(0, max) };
  }
}
