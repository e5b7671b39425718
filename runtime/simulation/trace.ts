/**
 * Trace: is told what happens in a simulated world while it happens, for whoever draws it. It draws no random number and schedules nothing, so a run with one is the same run, event by
 * event, as without. Frames are told of in the fidelity `frames` only.
 */
import type { Place } from '../address.ts';
import type { PlanItem } from './plan.ts';

export interface Trace {
  /** Whole frames `bytes[start, end)` have arrived; they were sent at `sentMs`. Valid until this returns. */
  arrived?(from: Place, to: Place, sentMs: number, bytes: Buffer, start: number, end: number): void;
  /** A frame was sent, and will not arrive: of a network that loses. What a machine loses by going down is not told of. */
  lost?(from: Place, to: Place, bytes: Buffer, start: number, end: number): void;
  /** A fault, or an act, of the plan begins. */
  began?(item: PlanItem): void;
  /** A fault that lasts is over. */
  ended?(item: PlanItem): void;
  /** A thread of a node begins its life of that number, from 1. */
  started?(place: Place, boot: number): void;
  died?(place: Place): void;
}
