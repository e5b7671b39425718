/** Why an operation is not done, and what one changes. */
import type { OperationRefusal } from './operation.ts';
import type { RingState } from './ring-state.ts';

export interface Refusal {
  readonly ok: false;
  readonly code: OperationRefusal;
  /** For people: what was found and what was expected. */
  readonly message: string;
}

/** What an operation changes of a ring. */
export type Change = Partial<Pick<RingState, 'members' | 'owners' | 'transition' | 'keyspaces' | 'nextKeyspaceId' | 'banned'>>;
/** Null: it is done already. */
export type ChangeOrRefusal = Change | null | Refusal;

export function refuse(code: OperationRefusal, message: string): Refusal {
  return { ok: false, code, message };
}

export function isRefusal(outcome: object | null): outcome is Refusal {
  return outcome !== null && 'ok' in outcome;
}
