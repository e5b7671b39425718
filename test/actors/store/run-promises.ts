/**
 * What a run of the whole cluster must show, by what befalls it: read off its plan, so that a plan that is reduced, or written by hand, is held to what it deserves.
 *
 * | what happens | what is not promised then |
 * |---|---|
 * | anything, or a network that loses | that every request is done: they may be refused, or their outcome unknown |
 * | a thread or machine ends (crash, power, disk-loss) or stores wrongly (rot) | that a monotonic read sees what an earlier one saw and no disk had (FAULTS 3.7) |
 * | the network loses messages to the end | that what is held for others is handed back within the time for healing: it has ten seconds more |
 * | wall clocks are set | that a record of who was long ahead of the others is taken by them before their clocks show what it did: a `cp` key may answer QUORUM_NOT_MET until then, or TIMED_OUT where a machine is away |
 * | stand-ins make up for primaries in a write or read of an `ap` key | that such a read sees such a write at once; what it has acknowledged is found when all is well for long |
 * | one machine's disk is lost or rots (its *victim*) | that it answers again; and what was acknowledged by W = 1, or with the help of stand-ins: one of them may have been the victim; and that what is held for it is handed over. All else must be found by a quorum of the others |
 *
 * All other checks of store-history.ts and register-checker.ts hold under every class, and all together: nothing that a quorum has acknowledged is lost, nothing refused is seen, nothing comes
 * back, siblings are concurrent, every request is answered in time by threads that run.
 */
import type { FaultKind } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';

export interface Promises {
  /** Nothing may be refused. */
  readonly isCalm: boolean;
  /** Replicas may lose what is not on disk yet. */
  readonly forgets: boolean;
  readonly clocksJump: boolean;
  /** The network loses messages to the end. */
  readonly isLossy: boolean;
  /** Machines whose disk is lost or wrong. */
  readonly victims: ReadonlySet<string>;
  /** What one replica alone has acknowledged is not lost. */
  readonly keepsSingle: boolean;
}

/** Slower networks are for timeouts. */
const CALM_DELAY_MS = 2;
const FORGETTING: readonly FaultKind[] = ['crash', 'killShard', 'powerLoss', 'wipe', 'rot'];

export function promisesOf({ plan, settings }: RunPlan): Promises {
  const faults = plan.filter(({ kind }) => kind !== 'act');
  const { delay, lossRatio = 0, duplicateRatio = 0, reorderRatio = 0 } = settings.network?.quality ?? {};
  const isFast = delay === undefined || (delay.kind === 'exponential' && delay.meanMs <= CALM_DELAY_MS);
  const victims = new Set(faults.flatMap((item) => (item.kind === 'wipe' || item.kind === 'rot' ? [item.node] : [])));
  return {
    isCalm: faults.length === 0 && isFast && lossRatio + duplicateRatio + reorderRatio === 0,
    forgets: faults.some(({ kind }) => FORGETTING.includes(kind)),
    clocksJump: faults.some(({ kind }) => kind === 'jump'),
    isLossy: lossRatio > 0,
    victims,
    keepsSingle: victims.size === 0,
  };
}
