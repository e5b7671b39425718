/**
 * Timeline: what happened in one run, as a person looks at it. Plain data; times are virtual milliseconds since the start. `timeline-text.ts` and `timeline-html.ts` show it.
 *
 * ```
 * lane m0  ====[ pause ]=====================[ down ]====      spans: faults and crashes,
 *            [put ap/k1 w7 -> OK]                                  requests from their beginning to their answer
 *               \  MERGE ap/k1 [w7]                            arrows: messages, from the moment they were sent
 * lane m1  ------\-----x---------------| ring 4 |--------      marks: rings, violations; x: a message that was lost
 * ```
 */

/** `down`: a node, or a thread of one, does not run. */
export type SpanKind = 'fault' | 'down' | 'request';

export interface Span {
  readonly kind: SpanKind;
  /** Nodes. */
  readonly lanes: readonly string[];
  readonly fromMs: number;
  /** Null: it had not ended when the run did. */
  readonly toMs: number | null;
  readonly text: string;
  /** Of a request: what came of it; empty: nothing. */
  readonly answer: string;
  /** `keyspace/key`, of a request. */
  readonly key: string;
  /** The violation names it. */
  readonly isSuspect: boolean;
}

export interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly sentMs: number;
  /** Null: the network lost it. */
  readonly arrivedMs: number | null;
  readonly text: string;
  /** Empty: it is about none, or nobody can tell. */
  readonly key: string;
}

export interface Mark {
  readonly kind: 'ring' | 'violation';
  readonly atMs: number;
  /** A node; empty: all. */
  readonly lane: string;
  readonly text: string;
}

export interface Timeline {
  readonly title: string;
  readonly lanes: readonly string[];
  readonly endMs: number;
  /** What comes later is not looked at first. */
  readonly viewEndMs: number;
  readonly spans: readonly Span[];
  readonly arrows: readonly Arrow[];
  readonly marks: readonly Mark[];
  /** The key that the violation is about; empty: there is none, or it names none. */
  readonly key: string;
  /** What two runs of it agree in. */
  readonly digest: string;
}

export interface TimelineFilter {
  /** `ap/k1`, or `k1` of any keyspace. Default: all. */
  readonly key?: string;
  /** A node. Default: all. */
  readonly node?: string;
}

export function isOfKey(key: string, wanted: string | undefined): boolean {
  return wanted === undefined || key === wanted || key.endsWith(`/${wanted}`);
}

export function isOfNode(lanes: readonly string[], wanted: string | undefined): boolean {
  return wanted === undefined || lanes.includes(wanted);
}
