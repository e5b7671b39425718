/** StoreDoor: the coordinator of a shard, as gateways of the same thread see it. */
import { RecordView } from '../version/record-view.ts';
import type { Coordinator } from './coordinator.ts';
import { LOADING, StoreAnswer, type StoreRequest } from './store-request.ts';

export interface StoreDoor {
  /** Answers exactly once to `request.sink`, within the call or later, by `request.deadlineMs`. The request may be filled in anew when it returns. */
  begin(request: StoreRequest): void;
}

/** Null: the coordinator is being started. */
export interface CoordinatorHolder {
  coordinator: Coordinator | null;
}

/** Answers LOADING while there is no coordinator. */
export function doorOf(holder: CoordinatorHolder): StoreDoor {
  const answer = new StoreAnswer(new RecordView());
  return {
    begin(request): void {
      if (holder.coordinator !== null) return holder.coordinator.begin(request);
      answer.status = LOADING;
      answer.message = 'the coordinator of this shard is being started';
      answer.record.clear();
      request.sink.answered(request.token, answer);
    },
  };
}
