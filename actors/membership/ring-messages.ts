/** What a RingActor sends itself: outcomes and timers. */
import type { Answer } from '../../runtime/actor.ts';
import type { FileResult } from '../../runtime/files.ts';
import type { StorageResult } from '../../storage/errors.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Member } from '../ring/ring-state.ts';
import type { AcceptAnswer, Fetched, PrepareAnswer, RegisterAnswer, RingMessage } from '../ring-protocol.ts';
import type { OpenedRingStore } from './ring-store.ts';

export type OwnMessage =
  | { readonly type: 'opened'; readonly result: StorageResult<OpenedRingStore> }
  | { readonly type: 'written'; readonly result: FileResult<void> }
  | { readonly type: 'retryWrite' }
  | { readonly type: 'registerAgain' }
  | { readonly type: 'registerAnswered'; readonly member: Member; readonly answer: Answer<RegisterAnswer> }
  | { readonly type: 'fetchAnswered'; readonly member: Member; readonly answer: Answer<Fetched> }
  | { readonly type: 'departAgain' }
  | {
      readonly type: 'voteAnswered';
      readonly attempt: number;
      readonly voter: Member;
      readonly answer: Answer<PrepareAnswer | AcceptAnswer>;
    }
  | { readonly type: 'proposeAgain' }
  | { readonly type: 'drive' }
  | { readonly type: 'driven'; readonly operation: Operation['type']; readonly answer: Answer<OperationOutcome> }
  | { readonly type: 'listen' };

/** No message that was decoded is an instance of it: so nobody else can send one. */
export class Own {
  readonly message: OwnMessage;

  constructor(message: OwnMessage) {
    this.message = message;
  }
}

export type RingActorMessage = RingMessage | Own;

/** Whoever sends it sends it again: it need not be kept. */
export function isRepeated({ type }: RingMessage): boolean {
  return !(type === 'propose' || type === 'init' || type === 'force' || type === 'status' || type === 'subscribe');
}
