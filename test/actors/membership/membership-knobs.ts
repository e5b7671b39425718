/** What is drawn from the seed of a membership run, beside the world and its plan: times, placement, what the nodes are like. */
import type { GossipTuning } from '../../../actors/gossip/options.ts';
import type { RingOptions } from '../../../actors/membership/ring-options.ts';
import type { Planner } from '../../../actors/membership/transition-driver.ts';
import { planOwners } from '../../../actors/ring/plan.ts';
import type { Id, RingState } from '../../../actors/ring/ring-state.ts';
import { SeededRandom } from '../../../runtime/random.ts';

/** Faults and acts are over by then; what comes after is for healing. */
export const FAULTS_FROM_MS = 1200;
export const FAULTS_UNTIL_MS = 7000;
export const STOP_MS = 16_000;

/**
 * net: everything but disks. disks: the same, and disks that lose, go back, are swapped and copied. force: a majority is lost, and a `ring force` mends that.
 * calm: nothing but operations that compete. entering: machines end again and again while they join, and nobody is excluded, so that no ring follows by which who was away would hear that it is in.
 */
const DRAWN_PROFILES = ['net', 'disks', 'force', 'calm'] as const;
export type Profile = (typeof DRAWN_PROFILES)[number] | 'entering';

export interface MembershipKnobs {
  readonly profile: Profile;
  readonly cluster: Id;
  readonly partitions: number;
  /** As production plans; else partitions in turn, which costs less time. */
  readonly plansWell: boolean;
  readonly ring: Omit<RingOptions, 'mutants' | 'plan'>;
  readonly gossip: GossipTuning;
}

export function membershipKnobs(seed: number | string): MembershipKnobs {
  const random = new SeededRandom(`membership:${seed}`);
  const drawn = DRAWN_PROFILES[[0, 0, 0, 1, 1, 1, 1, 2, 2, 3][random.below(10)]!]!;
  // Why a draw of its own: the others stay what they were for plan files, of which a seed is all that is kept of a profile. `regressions.test.ts` looks that none of them draws this one.
  const profile = new SeededRandom(`joiners:${seed}`).chance(0.1) ? 'entering' : drawn;
  const intervalMs = 150 + random.below(100);
  return {
    profile,
    cluster: idFrom(random),
    partitions: 8 << random.below(3),
    plansWell: random.chance(0.15),
    gossip: { intervalMs, phiThreshold: 8, probeTimeoutMs: intervalMs / 2, indirectCount: 1 + random.below(3) },
    ring: {
      proposeTimeoutMs: 400 * 2 ** random.below(3),
      resendMs: 40 + random.below(60),
      backoffMs: 10 + random.below(30),
      backoffMaxMs: 300,
      settleMs: 150,
      takeOverMs: 250,
      excludeAfterMs: profile === 'entering' ? STOP_MS : 1500,
      registerMs: 100,
      // A copy of a directory may be believed by who is patient (registering.ts): so where disks are copied nobody is.
      registerGraceMs: profile === 'disks' ? 1_000_000 : 400,
      reregisterMs: 500,
      writeRetryMs: 50,
      driveMs: 60 + random.below(60),
      subscribeMs: 500,
    },
  };
}

export function plannerOf({ plansWell }: MembershipKnobs): Planner {
  if (!plansWell) return planInTurn;
  return (ring) => {
    const plan = planOwners(ring);
    return plan.isNeeded ? plan.owners : null;
  };
}

/** Partitions in turn to all that stay. */
function planInTurn({ members, owners }: RingState): Uint16Array | null {
  const stay = [...members.keys()].filter((index) => members[index]!.state !== 'leaving' && !members[index]!.isExcluded);
  if (stay.length === 0) return null;
  const planned = owners.map((_, p) => stay[p % stay.length]!);
  const isSettled =
    planned.every((owner, p) => owner === owners[p]) && members.every(({ state, isExcluded }) => state === 'up' || isExcluded);
  return isSettled ? null : planned;
}

export function idFrom(random: SeededRandom): Id {
  return Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
}
