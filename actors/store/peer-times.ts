/**
 * PeerTimes: how long each peer takes to answer reads, as one coordinator sees it: when to ask another one as well, and whom to ask last.
 *
 * Two things are known of a peer. The times of its late answers, as a histogram that forgets by halves: from it the p95, after which it is late. And moving averages, by which it is
 * *slow* when others of a key are four times faster. Who is asked again elsewhere may never be heard, since the request is over by then: so a peer that is late counts in the
 * averages at once, and not in the histogram. In the one that it is judged by for several times what it has taken so far; in the one that others are measured by for just that, or a
 * moment's pause of the quick one would make a slow one look as good. Whoever has the least of these is never slow, or all would be after such a moment. Who is slow is asked by one read in a second *beside* those that this read needs, a probe, whose answer counts whenever it
 * comes: no read waits for it. Replies of RESP come in order, so with one that waits all wait that its client has asked for since.
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
const NO_PROBE = -1;

export class PeerTimes {
  readonly #unmeasuredMs: number;
  #topology: Topology | null = null;
  /** By member of the topology. */
  #counts = new Uint16Array(0);
  #totals = new Uint16Array(0);
  #p95Ms = new Float64Array(0);
  #averageMs = new Float64Array(0);
  /** With what is late counted LATE_FACTOR times. */
  #fearedMs = new Float64Array(0);
  #heardMs = new Float64Array(0);
  /** Of the probe that is under way, and when it was sent; NO_PROBE: there is none. */
  #probes = new Float64Array(0);
  #probedMs = new Float64Array(0);
  #probing = 0;

  /** `unmeasuredMs`: the p95 of a peer of which too little is known. */
  constructor(unmeasuredMs: number) {
    this.#unmeasuredMs = unmeasuredMs;
  }

  /** Members are of this one from now on. What is known of those who stay is kept. */
  use(topology: Topology): void {
    if (topology === this.#topology) return;
    const before = new Map<Id, number>(this.#topology?.ring.members.map(({ id }, index) => [id, index]));
    const { members } = topology.ring;
    const [counts, totals, p95Ms, heardMs] = [this.#counts, this.#totals, this.#p95Ms, this.#heardMs];
    const [averageMs, fearedMs] = [this.#averageMs, this.#fearedMs];
    this.#topology = topology;
    this.#counts = new Uint16Array(members.length * LATENCY_BUCKETS);
    this.#totals = new Uint16Array(members.length);
    this.#p95Ms = new Float64Array(members.length).fill(this.#unmeasuredMs);
    this.#averageMs = new Float64Array(members.length);
    this.#fearedMs = new Float64Array(members.length);
    this.#heardMs = new Float64Array(members.length).fill(Number.NEGATIVE_INFINITY);
    this.#probes = new Float64Array(members.length).fill(NO_PROBE);
    this.#probedMs = new Float64Array(members.length);
    this.#probing = 0;
    for (const [index, { id }] of members.entries()) {
      const old = before.get(id);
      if (old === undefined) continue;
      this.#counts.set(counts.subarray(old * LATENCY_BUCKETS, (old + 1) * LATENCY_BUCKETS), index * LATENCY_BUCKETS);
      this.#totals[index] = totals[old]!;
      this.#p95Ms[index] = p95Ms[old]!;
      this.#averageMs[index] = averageMs[old]!;
      this.#fearedMs[index] = fearedMs[old]!;
      this.#heardMs[index] = heardMs[old]!;
    }
  }

  /** It has answered after `ms`. Cost: some comparisons; every 16th time 34 additions. */
  answered(member: number, ms: number, nowMs: number): void {
    this.#heard(member, ms, nowMs);
    this.#counts[member * LATENCY_BUCKETS + latencyBucket(ms)]!++;
    const total = ++this.#totals[member]!;
    if (total % STEP === 0) this.#measure(member);
  }

  /** It was asked `ms` ago, and has said nothing. */
  late(member: number, ms: number, nowMs: number): void {
    this.#average(member, ms, ms * LATE_FACTOR, nowMs, false);
  }

  /** When it is late: 95 of 100 answers come within that, rounded up to a bucket's bound. */
  p95Ms(member: number): number {
    return this.#p95Ms[member]!;
  }

  /** What it takes, at present; 0: not known. */
  averageMs(member: number): number {
    return this.#averageMs[member]!;
  }

  /** `fastest`: of those that could be asked, who has the least average; -1: none is known. */
  isSlow(member: number, fastest: number): boolean {
    return fastest >= 0 && member !== fastest && this.#fearedMs[member]! > this.#averageMs[fastest]! * SLOW_FACTOR + SLOW_MS;
  }

  /** Whether one that is slow, or without a connection, is to be asked once more by what has that id, since nothing was heard of it for a second; then that is noted. */
  takeProbe(member: number, id: number, nowMs: number): boolean {
    if (nowMs - this.#heardMs[member]! <= TRUST_MS) return false;
    if (this.#probes[member] === NO_PROBE) this.#probing++;
    this.#probes[member] = id;
    this.#probedMs[member] = nowMs;
    this.#heardMs[member] = nowMs;
    return true;
  }

  get isProbing(): boolean {
    return this.#probing > 0;
  }

  /** An answer to that id: it may be a probe's. */
  probeAnswered(id: number, nowMs: number): void {
    const member = this.#probes.indexOf(id);
    if (member < 0) return;
    this.#probes[member] = NO_PROBE;
    this.#probing--;
    this.#heard(member, nowMs - this.#probedMs[member]!, nowMs);
  }

  #heard(member: number, ms: number, nowMs: number): void {
    const feared = this.#fearedMs[member]!;
    // What answers a probe in good time is slow no more.
    this.#average(member, ms, ms, nowMs, feared > RECOVERED_MS && ms * SLOW_FACTOR < feared);
  }

  #average(member: number, ms: number, fearedMs: number, nowMs: number, isRecovered: boolean): void {
    const before = this.#averageMs[member]!;
    // Not by `#heardMs`, which a probe of one that was never heard of sets.
    const isNew = isRecovered || before === 0;
    const feared = this.#fearedMs[member]!;
    this.#averageMs[member] = isNew ? ms : before + (ms - before) * WEIGHT;
    this.#fearedMs[member] = isNew ? fearedMs : feared + (fearedMs - feared) * WEIGHT;
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
