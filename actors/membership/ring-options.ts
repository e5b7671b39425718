/** Times of a RingActor, and its planted bugs. */

import type { ProposalTimes } from './proposals.ts';
import { type DriverTimes, leastMovement, type Planner } from './transition-driver.ts';

export interface RingOptions extends ProposalTimes, DriverTimes {
  /** While unconfirmed, the members are told who this is so often. */
  readonly registerMs: number;
  /** A voter that has told all it can reach, but not the majority of others, counts itself after so long (registering.ts). */
  readonly registerGraceMs: number;
  /** Once confirmed, the voters are told so often: a newer start of the same id is heard of by it. */
  readonly reregisterMs: number;
  /** After a failed write of the state. */
  readonly writeRetryMs: number;
  /** How often it is looked whether the ring waits for something. */
  readonly driveMs: number;
  /** GossipActor is asked for its view so often, so that one that has restarted knows. */
  readonly subscribeMs: number;
  /** The owners that the members should have. */
  readonly plan: Planner;
  /**
   * Planted bugs: acceptorForgetsPromise, quorumOneTooFew, precomputedRing, answersBeforeDurable, ignoresGeneration, ballotReused,
   * votesUnconfirmed, acceptsLowerBoot, decidesOwnValue, doubleCountsAnswers.
   */
  readonly mutants: ReadonlySet<string>;
}

export const RING_DEFAULTS: RingOptions = {
  proposeTimeoutMs: 10_000,
  resendMs: 250,
  backoffMs: 50,
  backoffMaxMs: 2_000,
  settleMs: 1_000,
  takeOverMs: 3_000,
  excludeAfterMs: 60_000,
  registerMs: 500,
  registerGraceMs: 5_000,
  reregisterMs: 10_000,
  writeRetryMs: 1_000,
  driveMs: 500,
  subscribeMs: 5_000,
  plan: leastMovement,
  mutants: new Set(),
};
