/** CoordinatorFigures: what a coordinator has done since its start, counted in fixed arrays: a request allocates nothing for it. */
import { LATENCY_BUCKETS, latencyBucket } from './latency-buckets.ts';
import { type AnswerStatus, DELETE, GET, INDETERMINATE, LAST_STATUS, PUT, type RequestKind, TIMED_OUT } from './store-request.ts';

const KINDS: readonly RequestKind[] = [GET, PUT, DELETE];
const STATUSES = LAST_STATUS + 1;

/** Of one kind of request; those that came by FORWARD are counted where they were done too. */
export interface KindFigures {
  readonly begun: number;
  /** By status, OK first (store-request.ts). Their sum is less than `begun` by what is under way. */
  readonly answered: readonly number[];
  /** By latency-buckets.ts, from begin to answer; of those that were not refused at once. */
  readonly latency: readonly number[];
  /** Sum of these times. */
  readonly latencyMs: number;
}

/** Plain data, which can be sent to another thread. */
export interface CoordinatorFigures {
  readonly get: KindFigures;
  readonly put: KindFigures;
  readonly delete: KindFigures;
  /** Requests under way. */
  readonly underWay: number;
  readonly timedOut: number;
  readonly indeterminate: number;
  /** Writes sent on to another coordinator, and requests that came so. */
  readonly forwarded: number;
  readonly cameForwarded: number;
  /** Reads in which records or digests of replicas differed. */
  readonly digestMismatches: number;
  /** Times that a read asked once more, as what one replica had may have been purged meanwhile. */
  readonly readsAskedAgain: number;
  /** Records sent to replicas that lacked something; those before the answer, and all. */
  readonly repairsAwaited: number;
  readonly repairs: number;
  /** Replicas asked since another one was slower than mostly; and since one had failed or said nothing for long. */
  readonly speculativeReads: number;
  readonly readRetries: number;
  /** Records sent again to who had not confirmed them. */
  readonly writeRetries: number;
  /** Requests begun again, since rings differed. */
  readonly staleRings: number;
  /** Members asked in the place of primaries, of reads and writes; and writes that were minted in their place. */
  readonly standIns: number;
  readonly mintedByStandIn: number;
}

export class CoordinatorCounters {
  readonly #begun = new Float64Array(KINDS.length + 1);
  readonly #answered = new Float64Array((KINDS.length + 1) * STATUSES);
  readonly #latency = new Float64Array((KINDS.length + 1) * LATENCY_BUCKETS);
  readonly #latencyMs = new Float64Array(KINDS.length + 1);
  forwarded = 0;
  cameForwarded = 0;
  digestMismatches = 0;
  readsAskedAgain = 0;
  repairsAwaited = 0;
  repairs = 0;
  speculativeReads = 0;
  readRetries = 0;
  writeRetries = 0;
  staleRings = 0;
  standIns = 0;
  mintedByStandIn = 0;

  begun(kind: number): void {
    this.#begun[kind]!++;
  }

  answered(kind: number, status: AnswerStatus): void {
    this.#answered[kind * STATUSES + status]!++;
  }

  took(kind: number, ms: number): void {
    this.#latency[kind * LATENCY_BUCKETS + latencyBucket(ms)]!++;
    this.#latencyMs[kind]! += ms;
  }

  /** Those of this moment. */
  figures(underWay: number): CoordinatorFigures {
    return {
      get: this.#ofKind(GET),
      put: this.#ofKind(PUT),
      delete: this.#ofKind(DELETE),
      underWay,
      timedOut: this.#withStatus(TIMED_OUT),
      indeterminate: this.#withStatus(INDETERMINATE),
      forwarded: this.forwarded,
      cameForwarded: this.cameForwarded,
      digestMismatches: this.digestMismatches,
      readsAskedAgain: this.readsAskedAgain,
      repairsAwaited: this.repairsAwaited,
      repairs: this.repairs,
      speculativeReads: this.speculativeReads,
      readRetries: this.readRetries,
      writeRetries: this.writeRetries,
      staleRings: this.staleRings,
      standIns: this.standIns,
      mintedByStandIn: this.mintedByStandIn,
    };
  }

  #ofKind(kind: RequestKind): KindFigures {
    return {
      begun: this.#begun[kind]!,
      answered: [...this.#answered.subarray(kind * STATUSES, (kind + 1) * STATUSES)],
      latency: [...this.#latency.subarray(kind * LATENCY_BUCKETS, (kind + 1) * LATENCY_BUCKETS)],
      latencyMs: this.#latencyMs[kind]!,
    };
  }

  #withStatus(status: AnswerStatus): number {
    return KINDS.reduce((sum, kind) => sum + this.#answered[kind * STATUSES + status]!, 0);
  }
}
