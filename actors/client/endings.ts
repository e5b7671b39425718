/** Errors with which operations end that no coordinator has answered. */
import type { StopReason } from '../../runtime/actor.ts';
import { DELETE } from '../store/store-request.ts';
import { closed } from './client-desk.ts';
import { ClientError } from './client-error.ts';
import type { Operation } from './operation.ts';

/** `hasRing`: somebody was reached, once. */
export function pastDeadline({ trouble, timeoutMs, mayBeDone, outstanding, phase }: Operation, hasRing: boolean): ClientError {
  const cause = trouble ?? undefined;
  if (mayBeDone)
    return new ClientError('INDETERMINATE', `no answer within ${timeoutMs} ms; the write may be found later, or not`, { cause, mayBeDone });
  const isNobody = trouble?.code === 'UNREACHABLE' || phase === 'awaitingPlace' || (!hasRing && outstanding === 0);
  const why = trouble === null ? '' : `: ${trouble.message}`;
  return new ClientError(isNobody ? 'UNREACHABLE' : 'TIMED_OUT', `no answer within ${timeoutMs} ms${why}`, { cause });
}

/** Of what was sent to a node or shard that is gone. `reason`: the runtime's word for how. */
export function lost({ kind, place, mayBeDone }: Operation, reason: string): ClientError {
  const went = `node ${place?.node.name} went down (${reason})`;
  if (!mayBeDone) return new ClientError('UNREACHABLE', went);
  return new ClientError('INDETERMINATE', `${went} with the ${kind === DELETE ? 'delete' : 'put'}; it may be found later, or not`, {
    mayBeDone,
  });
}

/** The client itself has stopped, or failed. */
export function abandoned({ mayBeDone }: Operation, reason: StopReason): ClientError {
  if (reason === 'stopped') return new ClientError('CLOSED', closed().message, { mayBeDone });
  return new ClientError(mayBeDone ? 'INDETERMINATE' : 'OVERLOADED', 'the client has failed and starts again', { mayBeDone });
}
