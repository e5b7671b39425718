/**
 * PeerTimes: how long each peer takes to answer reads, as one coordinator sees it: when to ask another one as well, and whom to ask last.
 *
 * Two things are known of a peer. The times of its late answers, as a histogram that forgets by halves: from it the p95, after which it is late. And a moving average, by which it is
 * *slow* when others of a key are four times faster. Who is asked again elsewhere may never be heard, since the request is over by then: so a peer that is late counts in the
 * average at once, for several times what it has taken so far, and not in the histogram. Who was slow is given one read when it was not heard of for a second, and no more until that is answered or a
 * second has passed: if all reads of the time until that is late tried it, they would be some percent of all.
 */
import type { Id } from '../ring/ring-state.ts';
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS, latencyBucket } from './latency-buckets.ts';
import type { Topology } from './topology.ts';

/** Fewer say nothing. */
const SAMPLES_MIN = 16;
/** With so many all are halved. */
const SAMPLES_MAX = 1_024;
/** The p95 is computed anew after so many. */
const STEP = 16;
const WEIGHT = 1 / 8;
const LATE_FACTOR = 8;
const SLOW_FACTOR = 4;
/** Less is no difference. */
const SLOW_MS = 1;
const TRUST_MS = 1_000;
const RECOVERED_MS = 20;

export class PeerTimes {
  readonly #unmeasuredMs: number;
  #topology: Topology | null = null;
  /** By member of the topology. */
  #counts = new Uint16Array(0);
  #totals = new Uint16Array(0);
  #p95Ms = new Float64Array(0);
  #averageMs = new Float64Array(0);
  #heardMs = new Float64Array(0);

  /** `unmeasuredMs`: the p95 of a peer of which too little is known. */
  constructor(unmeasuredMs: number) {
    this.#unmeasuredMs = unmeasuredMs;
  }

  /** Members are of this one from now on. What is known of those who stay is kept. */
  use(topology: Topology): void {
    if (topology === this.#topology) return;
    const before = new Map<Id, number>(this.#topology?.ring.members.map(({ id }, index) => [id, index]));
    const { members } = topology.ring;
    const [counts, totals, p95Ms, averageMs, heardMs] = [this.#counts, this.#totals, this.#p95Ms, this.#averageMs, this.#heardMs];
    this.#topology = topology;
    this.#counts = new Uint16Array(members.length * LATENCY_BUCKETS);
    this.#totals = new Uint16Array(members.length);
    this.#p95Ms = new Float64Array(members.length).fill(this.#unmeasuredMs);
    this.#averageMs = new Float64Array(members.length);
    this.#heardMs = new Float64Array(members.length).fill(Number.NEGATIVE_INFINITY);
    for (const [index, { id }] of members.entries()) {
      const old = before.get(id);
      if (old === undefined) continue;
      this.#counts.set(counts.subarray(old * LATENCY_BUCKETS, (old + 1) * LATENCY_BUCKETS), index * LATENCY_BUCKETS);
      this.#totals[index] = totals[old]!;
      this.#p95Ms[index] = p95Ms[old]!;
      this.#averageMs[index] = averageMs[old]!;
      this.#heardMs[index] = heardMs[old]!;
    }
  }

  /** It has answered after `ms`. Cost: some comparisons; every 16th time 34 additions. */
  answered(member: number, ms: number, nowMs: number): void {
    this.#average(member, ms, nowMs);
    this.#counts[member * LATENCY_BUCKETS + latencyBucket(ms)]!++;
    const total = ++this.#totals[member]!;
    if (total % STEP === 0) this.#measure(member);
  }

  /** It was asked `ms` ago, and has said nothing. */
  late(member: number, ms: number, nowMs: number): void {
    this.#average(member, ms * LATE_FACTOR, nowMs);
  }

  /** When it is late: 95 of 100 answers come within that, rounded up to a bucket's bound. */
  p95Ms(member: number): number {
    return this.#p95Ms[member]!;
  }

  /** 0: not known, or not any more. */
  averageMs(member: number, nowMs: number): number {
    return nowMs - this.#heardMs[member]! > TRUST_MS ? 0 : this.#averageMs[member]!;
  }

  /** `fastestMs`: the least average of those that it could be asked instead of. One that is to be given a try is not, once. */
  isSlow(member: number, fastestMs: number, nowMs: number): boolean {
    if (this.#averageMs[member]! <= fastestMs * SLOW_FACTOR + SLOW_MS) return false;
    if (nowMs - this.#heardMs[member]! <= TRUST_MS) return true;
    this.#heardMs[member] = nowMs;
    return false;
  }

  #average(member: number, ms: number, nowMs: number): void {
    const isFirst = this.#heardMs[member] === Number.NEGATIVE_INFINITY;
    const before = this.#averageMs[member]!;
    // What answers a try in good time is slow no more.
    const isRecovered = before > RECOVERED_MS && ms * SLOW_FACTOR < before;
    this.#averageMs[member] = isFirst || isRecovered ? ms : before + (ms - before) * WEIGHT;
    this.#heardMs[member] = nowMs;
  }

  #measure(member: number): void {
    const base = member * LATENCY_BUCKETS;
    const counts = this.#counts;
    const total = this.#totals[member]!;
    if (total >= SAMPLES_MIN) {
      let left = total * 0.05;
      let bucket = LATENCY_BUCKETS - 1;
      while (bucket > 0 && counts[base + bucket]! <= left) left -= counts[base + bucket--]!;
      this.#p95Ms[member] = LATENCY_BOUNDS_MS[Math.min(bucket, LATENCY_BOUNDS_MS.length - 1)]!;
    }
    if (total < SAMPLES_MAX) return;
    let halved = 0;
    for (let i = 0; i < LATENCY_BUCKETS; i++) {
      counts[base + i]! >>>= 1;
      halved += counts[base + i]!;
    }
    // A multiple of STEP, so that the next computation comes.
    this.#totals[member] = halved - (halved % STEP);
  }
}
