/**
 * Histories against a naive oracle of causality [FAULTS 4.4]: a graph of writes, each with all writes before it, and per vnode the set of writes that have reached it.
 * What a vnode holds must be what the graph says: exactly the writes that have reached it and that none of these follows.
 */
import { strict as assert } from 'node:assert';
import { fc } from '@fast-check/ava';
import { checkRecord } from '../../../actors/version/check-record.ts';
import { decodeNaive } from './naive-record.ts';
import { mergeBytes, NOTHING } from './records.ts';
import { readOf, TestCluster, type TestVnode } from './test-vnode.ts';

export const VNODES = 3;
const CLIENTS = 3;

const anyVnode = fc.nat(VNODES - 1);
const anyClient = fc.nat(CLIENTS - 1);
export const anyStep = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('put' as const), vnode: anyVnode, client: anyClient, isBlind: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('delete' as const), vnode: anyVnode, client: anyClient, isBlind: fc.constant(false) }),
  },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('replicate' as const), from: anyVnode, to: anyVnode }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('read' as const), client: anyClient, vnodes: fc.subarray([0, 1, 2], { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('late' as const), to: anyVnode, which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('restart' as const),
      vnode: anyVnode,
      how: fc.constantFrom('clean' as const, 'killed' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('lose' as const), vnode: anyVnode, how: fc.constantFrom('store' as const, 'wiped' as const) }),
  },
);
export type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

interface Known {
  /** Ids of writes, which are their stamps. */
  readonly seen: ReadonlySet<number>;
  readonly bytes: Buffer;
}

const NOBODY: Known = { seen: new Set(), bytes: NOTHING };

export class HistoryModel {
  readonly #vnodes: readonly TestVnode[];
  readonly #seen: Set<number>[];
  readonly #contexts: Known[] = Array.from({ length: CLIENTS }, () => NOBODY);
  /** All before a write, transitively. */
  readonly #before = new Map<number, ReadonlySet<number>>();
  /** Every record that was ever stored: messages that may arrive late. */
  readonly #sent: Known[] = [];
  readonly #isExact: boolean;
  readonly #isLww: boolean;
  #hasLost = false;

  /** `entriesMax`: version vectors are truncated to that; then a write that was seen may come back, and none may be lost. */
  constructor(cluster: TestCluster, entriesMax = Number.POSITIVE_INFINITY) {
    cluster.entriesMax = entriesMax;
    this.#isLww = cluster.isLww;
    this.#isExact = entriesMax === Number.POSITIVE_INFINITY;
    this.#vnodes = Array.from({ length: VNODES }, () => cluster.vnode());
    this.#seen = this.#vnodes.map(() => new Set());
  }

  /** Throws where something is not as the graph says. Returns, for the end, when everybody has heard everybody, the writes that each vnode holds, and those that it should. */
  run(steps: readonly Step[]): { readonly held: readonly (readonly number[])[]; readonly expected: readonly number[] } {
    for (const step of steps) this.#take(step);
    this.#converge();
    const seen = new Set(this.#seen.flatMap((ids) => [...ids]));
    return { held: this.#vnodes.map(({ record }) => writesIn(record)), expected: this.#survivors(seen) };
  }

  #take(step: Step): void {
    switch (step.type) {
      case 'put':
      case 'delete': {
        const context = step.isBlind ? NOBODY : this.#contexts[step.client]!;
        const id = this.#vnodes[step.vnode]!.put(step.type === 'delete' ? undefined : 'value', context.bytes);
        this.#before.set(id, context.seen);
        this.#add(step.vnode, [...context.seen, id]);
        return;
      }
      case 'replicate':
        this.#receive(step.to, { seen: this.#seen[step.from]!, bytes: this.#vnodes[step.from]!.record });
        return;
      case 'late': {
        const sent = this.#sent[step.which % Math.max(1, this.#sent.length)];
        if (sent !== undefined) this.#receive(step.to, sent);
        return;
      }
      case 'read': {
        const seen = new Set(step.vnodes.flatMap((v) => [...this.#seen[v]!]));
        this.#contexts[step.client] = { seen, bytes: readOf(step.vnodes.map((v) => this.#vnodes[v]!)) };
        return;
      }
      case 'restart':
        this.#vnodes[step.vnode]!.restart(step.how);
        return;
      case 'lose':
        if (step.how === 'store') this.#vnodes[step.vnode]!.loseStore();
        else this.#vnodes[step.vnode]!.restart('wiped');
        this.#seen[step.vnode] = new Set();
        this.#hasLost = true;
        return;
    }
  }

  #receive(to: number, { seen, bytes }: Known): void {
    this.#vnodes[to]!.receive(bytes);
    this.#add(to, seen);
  }

  #add(vnode: number, ids: Iterable<number>): void {
    const seen = this.#seen[vnode]!;
    for (const id of ids) seen.add(id);
    const { record } = this.#vnodes[vnode]!;
    this.#sent.push({ seen: new Set(seen), bytes: record });
    this.#check(record, seen);
  }

  /** Siblings equal true concurrency (A2, A3, A4); with truncation none is missing. */
  #check(record: Buffer, seen: ReadonlySet<number>): void {
    assert.equal(record.length === 0 ? undefined : checkRecord(record, 0, record.length), undefined);
    const held = writesIn(record);
    const expected = this.#survivors(seen);
    if (this.#isExact) assert.deepEqual(held, expected);
    else
      assert.deepEqual(
        expected.filter((id) => !held.includes(id)),
        [],
      );
  }

  /** Of `ids` those that none of the others follows; the newest, where the last writer wins. */
  #survivors(ids: ReadonlySet<number>): number[] {
    if (this.#isLww) return ids.size === 0 ? [] : [Math.max(...ids)];
    const followed = new Set([...ids].flatMap((id) => [...this.#before.get(id)!]));
    return [...ids].filter((id) => !followed.has(id)).sort(byNumber);
  }

  /** Everybody hears everybody: no acknowledged write is lost (A1), all hold the same (A9). */
  #converge(): void {
    for (let round = 0; round < 2; round++)
      for (let from = 0; from < VNODES; from++)
        for (let to = 0; to < VNODES; to++)
          if (from !== to) this.#receive(to, { seen: this.#seen[from]!, bytes: this.#vnodes[from]!.record });
    const [first, ...others] = this.#vnodes.map(({ record }) => record);
    if (this.#isExact) for (const record of others) assert.deepEqual(record, first);
    if (this.#hasLost || this.#isLww) return;
    const final = writesIn(first!);
    for (const id of this.#before.keys())
      assert.ok(
        final.some((held) => held === id || this.#before.get(held)!.has(id)),
        `A1: acknowledged write ${id} is lost`,
      );
    const merged = this.#vnodes.reduce<Buffer>((all, { record }) => mergeBytes(all, record), NOTHING);
    if (this.#isExact) assert.deepEqual(merged, first);
  }
}

/** Stamps of its siblings, rising. */
function writesIn(record: Buffer): number[] {
  const stamps = record.length === 0 ? [] : decodeNaive(record).siblings.map(({ stamp }) => stamp);
  return stamps.sort(byNumber);
}

function byNumber(a: number, b: number): number {
  return a - b;
}

/** Throws when a history of `count` random ones is not as the oracle says. */
export function checkHistories(mutants: ReadonlySet<string>, count: number, entriesMax?: number): void {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      new HistoryModel(new TestCluster(mutants), entriesMax).run(steps);
    }),
    { seed: 1, numRuns: count, endOnFailure: true },
  );
}
