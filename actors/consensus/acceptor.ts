/**
 * Acceptor: the memory of single-decree Paxos, as functions from state to state. What a step returns may be answered only once the
 * state it returns is durable.
 *
 * Invariants: `promised` only rises; what was accepted has a ballot of at most `promised`.
 * Source: [Paxos Made Simple 2.2], P1a.
 */
import type { Accepted, Ballot } from '../ring-protocol.ts';
import { compareBallots } from './ballot.ts';

/** For one decision. */
export interface AcceptorState {
  readonly promised: Ballot | null;
  readonly accepted: Accepted | null;
}

export type AcceptorAnswer =
  | { readonly type: 'promised'; readonly accepted: Accepted | null }
  | { readonly type: 'accepted' }
  | { readonly type: 'refused'; readonly promised: Ballot };

export interface AcceptorStep {
  /** The very state that was given when nothing changed: then there is nothing to make durable. */
  readonly state: AcceptorState;
  readonly answer: AcceptorAnswer;
}

export const FRESH_ACCEPTOR: AcceptorState = { promised: null, accepted: null };

/** A promise that is asked for twice is given twice: the first answer may have been lost, and no ballot is used for two attempts. */
export function promise(state: AcceptorState, ballot: Ballot): AcceptorStep {
  const { promised, accepted } = state;
  const order = promised === null ? 1 : compareBallots(ballot, promised);
  if (promised !== null && order < 0) return { state, answer: { type: 'refused', promised } };
  return { state: order === 0 ? state : { promised: ballot, accepted }, answer: { type: 'promised', accepted } };
}

/** Accepts unless a higher ballot was promised. An acceptance is a promise too. */
export function accept(state: AcceptorState, ballot: Ballot, proposal: Uint8Array): AcceptorStep {
  const { promised, accepted } = state;
  if (promised !== null && compareBallots(ballot, promised) < 0) return { state, answer: { type: 'refused', promised } };
  const isKnown = accepted !== null && compareBallots(accepted.ballot, ballot) === 0;
  return { state: isKnown ? state : { promised: ballot, accepted: { ballot, proposal } }, answer: { type: 'accepted' } };
}
