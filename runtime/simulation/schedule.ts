/** How simulated doors wait: runs `task` `afterMs` virtual milliseconds from now, once, never within the call. */
export type Schedule = (afterMs: number, task: () => void) => void;

/** A range of virtual microseconds, both ends included, integers. */
export interface CostRange {
  readonly minUs: number;
  readonly maxUs: number;
}
