/**
 * StoreHistory: what clients did and saw, and the checkers of it. Ids are the values put; a delete is not told apart from others and has none, so histories here put only.
 *
 * | check | says |
 * |---|---|
 * | A1 | what was acknowledged is in the final state, or a descendant of it is |
 * | A4 | siblings of one answer are truly concurrent: none is an ancestor of another |
 * | A5 | what is returned was put under that key, before |
 * | A14 | what was said not to have been written is never seen |
 * | regular | a read that begins after an acknowledgement sees that put or a descendant of it (R + W > N) |
 */
export interface Put {
  readonly id: string;
  readonly key: string;
  /** Ids that its context had seen. */
  readonly parents: ReadonlySet<string>;
  readonly calledMs: number;
  outcome: 'open' | 'ok' | 'refused' | 'unknown';
  ackedMs: number;
}

export class StoreHistory {
  readonly puts = new Map<string, Put>();
  readonly faults: string[] = [];
  /** Everything that was ever returned. */
  readonly #seen = new Set<string>();

  put(id: string, key: string, parents: Iterable<string>, calledMs: number): Put {
    const put: Put = { id, key, parents: new Set(parents), calledMs, outcome: 'open', ackedMs: Number.POSITIVE_INFINITY };
    this.puts.set(id, put);
    return put;
  }

  /** A read of `key` that began at `calledMs` returned `ids` at `nowMs`. */
  read(key: string, ids: readonly string[], calledMs: number, nowMs: number): void {
    for (const id of ids) {
      this.#seen.add(id);
      const put = this.puts.get(id);
      if (put === undefined || put.key !== key || put.calledMs > nowMs) this.faults.push(`A5 ${key}: ${id} was not put`);
      for (const other of ids) if (other !== id && this.#descends(other, id)) this.faults.push(`A4 ${key}: ${other} follows ${id}`);
    }
    for (const put of this.puts.values()) {
      if (put.key !== key || put.outcome !== 'ok' || put.ackedMs >= calledMs) continue;
      if (!this.#isCovered(put.id, ids)) this.faults.push(`regular ${key}: ${put.id} acknowledged before, found ${ids.join(' ')}`);
    }
  }

  /** `finals`: by key, the siblings when all is over. */
  end(finals: ReadonlyMap<string, readonly string[]>): void {
    for (const { id, key, outcome } of this.puts.values()) {
      const final = finals.get(key) ?? [];
      for (const it of final) this.#seen.add(it);
      if (outcome === 'ok' && !this.#isCovered(id, final)) this.faults.push(`A1 ${key}: ${id} is lost, found ${final.join(' ')}`);
    }
    for (const { id, key, outcome } of this.puts.values()) {
      if (outcome === 'refused' && this.#seen.has(id)) this.faults.push(`A14 ${key}: ${id} was said not to be written`);
    }
  }

  #isCovered(id: string, ids: readonly string[]): boolean {
    return ids.some((it) => it === id || this.#descends(it, id));
  }

  #descends(id: string, ancestor: string): boolean {
    const put = this.puts.get(id);
    if (put === undefined) return false;
    if (put.parents.has(ancestor)) return true;
    for (const parent of put.parents) if (this.#descends(parent, ancestor)) return true;
    return false;
  }
}
