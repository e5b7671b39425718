/** What a scenario is given, and what it says. */
import type { CoursePoint, WindowFigures } from './windows.ts';

export interface ScenarioOptions {
  /** Operations per second, of all clients together. */
  readonly perSecond: number;
  /** Load before the first window: what compiles as it runs is slow at first. */
  readonly settleMs: number;
  /** Of each window. */
  readonly windowMs: number;
  /** How long a node is down, where that is what it is about. */
  readonly downMs: number;
  readonly records: number;
  readonly valueBytes: number;
  readonly durability: 'sync' | 'none';
  readonly seed: number;
  readonly say: (text: string) => void;
}

export interface Row {
  readonly clients: string;
  readonly phase: string;
  readonly figures: WindowFigures;
  /** p99 by that of the same clients before the event; null: it is that window, or there is nothing to compare. */
  readonly timesBefore: number | null;
}

/** A figure beside what it is to be. */
export interface Claim {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** At most; null: nothing is asked for. */
  readonly aim: number | null;
}

export interface Report {
  readonly scenario: string;
  /** Which cluster, what is done to it, and who the clients are. */
  readonly described: string;
  readonly rows: readonly Row[];
  readonly claims: readonly Claim[];
  /** Of all clients together, by the fifth of a second, from the event on. */
  readonly course: readonly CoursePoint[];
  /** What must not be, whatever the machine: something was lost, an error that clients may not see. */
  readonly faults: readonly string[];
}

export interface Scenario {
  readonly name: string;
  readonly run: (options: ScenarioOptions) => Promise<Report>;
}

export function isMet({ value, aim }: Claim): boolean {
  return aim === null || value <= aim;
}
