/**
 * What the compaction actor of a node and the agents of its shards tell each other.
 *
 * | message | from | to | answer |
 * |---|---|---|---|
 * | request, rescore | agent | CompactionActor | granted, once there is a turn |
 * | released | agent | CompactionActor | none |
 * | state, every second | agent | CompactionActor | granted again, for what was given a turn and still waits; rate |
 *
 * `state` says all that the others say, so that whatever is lost, by a full mailbox or a restart, is made good within a second.
 */
import type { Ref } from '../runtime/ref.ts';
import type { EngineLoad, WorkClass } from '../storage/compaction/scheduler.ts';

export interface WorkRequest {
  /** The agent's own, never used twice. */
  readonly requestId: number;
  readonly workClass: WorkClass;
  readonly score: number;
}

type Agent = Ref<CompactionAgentMessage>;

export type CompactionMessage =
  | { readonly type: 'request'; readonly agent: Agent; readonly request: WorkRequest }
  | { readonly type: 'rescore'; readonly agent: Agent; readonly requestId: number; readonly score: number }
  /** The turn is over, or the request withdrawn. */
  | { readonly type: 'released'; readonly agent: Agent; readonly requestId: number }
  | {
      readonly type: 'state';
      readonly agent: Agent;
      readonly waiting: readonly WorkRequest[];
      readonly running: readonly WorkRequest[];
      /** Of all engines of the shard together. */
      readonly load: EngineLoad;
    };

export type CompactionAgentMessage =
  | { readonly type: 'granted'; readonly requestId: number }
  /** KiB per second that each merge of the agent's may read; 0: no limit. */
  | { readonly type: 'rate'; readonly kibPerSecond: number };
