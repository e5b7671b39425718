/** What the actors of a soak say to each other, and what its processes report. */
import type { ServiceKey } from '../../../runtime/receptionist-protocol.ts';
import { serviceKey } from '../../../runtime/receptionist-protocol.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { Gap, PairState } from './sequence-checker.ts';

/** Which start of which shard. */
export interface Incarnation {
  readonly place: string;
  readonly boot: number;
}

export interface Item {
  readonly type: 'item';
  /** Number that the sender drew when it started. */
  readonly from: number;
  /** 1, 2, 3, ... for each target. */
  readonly n: number;
  readonly text: string;
}

export interface Question {
  readonly type: 'question';
  readonly n: number;
  readonly replyTo: Ref<number>;
}

export type SinkMessage =
  | Item
  | Question
  | { readonly type: 'report' }
  | { readonly type: 'collectors'; readonly refs: readonly Ref<Report>[] };

/** Of the binary path: [u32 from / 2^32, u32 from % 2^32, u32 n]. */
export const OPERATION_ITEM = 1;
export const ITEM_BYTES = 64;

export interface SinkReport extends Incarnation {
  readonly type: 'sink';
  readonly received: number;
  readonly pairs: readonly PairState[];
  readonly gaps: readonly Gap[];
  readonly gapCount: number;
  readonly violations: readonly string[];
  readonly violationCount: number;
}

export interface SenderReport extends Incarnation {
  readonly type: 'sender';
  readonly from: number;
  /** Messages accepted for each target, by its name. */
  readonly sent: readonly { readonly to: Incarnation; readonly count: number; readonly isBlocked: boolean }[];
  readonly asks: AskCounts;
  readonly isHalted: boolean;
}

export type Report = SinkReport | SenderReport;

export interface AskCounts {
  readonly asked: number;
  readonly answered: number;
  /** By error code. */
  readonly failed: Readonly<Record<string, number>>;
  /** By how much the latest outcome was later than its deadline; negative: none was. */
  readonly latestMs: number;
}

export function outcomesOf(asks: AskCounts): number {
  return asks.answered + Object.values(asks.failed).reduce((sum, count) => sum + count, 0);
}

/** The sinks of a node's own shards, for other nodes to find. */
export const sinkKey: ServiceKey<SinkMessage> = serviceKey('soak.sink');
/** All sinks, of this and other nodes, that the senders of this node send to. */
export const targetKey: ServiceKey<SinkMessage> = serviceKey('soak.target');
export const senderKey: ServiceKey<SenderMessage> = serviceKey('soak.sender');
export const collectorKey: ServiceKey<Report> = serviceKey('soak.collector');

export type SenderMessage =
  | { readonly type: 'targets'; readonly refs: readonly Ref<SinkMessage>[] }
  | { readonly type: 'collectors'; readonly refs: readonly Ref<Report>[] }
  | { readonly type: 'outcome'; readonly deadline: number; readonly code: string }
  | { readonly type: 'more' }
  | { readonly type: 'report' }
  | { readonly type: 'halt' };

export interface MemorySample {
  readonly rssMiB: number;
  readonly heapMiB: number;
}

/** What a process tells of itself. */
export interface NodeReport {
  readonly node: string;
  readonly reports: readonly Report[];
  readonly asks: AskCounts;
  readonly memory: MemorySample;
}

export type ToNode =
  | { readonly type: 'halt' }
  | { readonly type: 'stop' }
  | { readonly type: 'kill'; readonly shard: number; readonly how: 'crash' | 'terminate' };
export type FromNode = { readonly type: 'up' } | { readonly type: 'report'; readonly report: NodeReport } | { readonly type: 'stopped' };
