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
  | { readonly type: 'fetchAnswered'; readonly answer: Answer<Fetched> }
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

export type RingActorMessage = RingMessage | OwnMessage;

const OWN: Readonly<Record<OwnMessage['type'], true>> = {
  ...{ opened: true, written: true, retryWrite: true, registerAgain: true, registerAnswered: true, fetchAnswered: true },
  ...{ voteAnswered: true, proposeAgain: true, drive: true, driven: true, listen: true },
};

export function isOwn(message: RingActorMessage): message is OwnMessage {
  return typeof message === 'object' && message !== null && Object.hasOwn(OWN, message.type);
}
