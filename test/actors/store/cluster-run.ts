/** The run of a seed of the whole-cluster workload: nodes, network, scheduler, faults and requests of clients, all drawn up front, so that a failing run can be reduced. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import type { NetworkSettings, NodeSettings } from '../../../runtime/simulation/settings.ts';
import { ALL_CLASSES, type DrawnFaults, drawFaults, type FaultClass } from './fault-classes.ts';

/** The cluster has formed by then, as a rule. */
const FROM_MS = 5_000;
const UNTIL_MS = 8_000;
/** Between the last fault and the last look. */
const HEAL_MS = 3_500;
export const STOP_MS = UNTIL_MS + HEAL_MS;

/** get: may be monotonic, or of R = 1. purging: anywhere in the plan, it has tombstones purged all the time. setUp: the keyspaces that there are from the start, several times, since proposals may lose. */
export type Action = 'get' | 'put' | 'delete' | 'createKeyspace' | 'setUp' | 'purging';

const REQUESTS = 260;
/** Of runs; purging comes with repair, which mends what some planted bugs do. */
const PURGING_RATIO = 0.4;
/** A machine that is no member until an operator lets it join; of runs with changes of the ring. */
export const SPARE = 'spare';

export interface ClusterRunOptions {
  /** Machines. Default: 3 to 5, by the seed. */
  readonly nodes?: number;
  /** Classes that may be on. Default `ALL_CLASSES`. */
  readonly faults?: readonly FaultClass[];
  readonly mutants?: readonly string[];
}

export interface DrawnRun {
  readonly run: RunPlan;
  /** How many faults of each class are in it; a class that only shows in the qualities of the network counts one. */
  readonly faults: ReadonlyMap<FaultClass, number>;
}

export function clusterRun(seed: number, options: ClusterRunOptions = {}): RunPlan {
  return drawRun(seed, options).run;
}

export function drawRun(seed: number, { nodes: count, faults: classes = ALL_CLASSES, mutants = [] }: ClusterRunOptions = {}): DrawnRun {
  const random = new SeededRandom(seed).fork('store');
  const some = 3 + random.below(3);
  const members: NodeSettings[] = Array.from({ length: count ?? some }, (_, index) => ({ name: `m${index}`, shards: 1 + random.below(3) }));
  const drawn = drawFaults(seed, classes, { nodes: members, fromMs: FROM_MS, untilMs: UNTIL_MS });
  const setUp = [1_500, 2_000, 2_500, 3_000].map((atMs, draw): PlanItem => ({ kind: 'act', atMs, node: 'm0', action: 'setUp', draw }));
  const isPurging = new SeededRandom(`purging:${seed}`).chance(PURGING_RATIO);
  const purging: readonly PlanItem[] = isPurging ? [{ kind: 'act', atMs: 1, node: 'm0', action: 'purging', draw: 0 }] : [];
  const plan = [
    ...setUp,
    ...purging,
    ...drawn.items.map(({ item }) => item),
    ...requestsOf(members, random.fork('requests'), isPurging ? 0.5 : 0.2),
  ];
  const nodes = classes.includes('ring') ? [...members, { name: SPARE, shards: 2 }] : members;
  return {
    faults: countsOf(drawn),
    run: {
      seed,
      stopMs: STOP_MS,
      plan: plan.sort((a, b) => a.atMs - b.atMs),
      settings: {
        nodes,
        network: networkOf(drawn),
        scheduling: { policy: (['fifo', 'random', 'pct'] as const)[random.below(3)]! },
        ...(mutants.length === 0 ? {} : { mutants }),
      },
    },
  };
}

function countsOf({ items, always }: DrawnFaults): ReadonlyMap<FaultClass, number> {
  const counts = new Map<FaultClass, number>();
  for (const name of [...items.map((drawn) => drawn.name), ...always]) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

export function networkOf({ quality }: Pick<DrawnFaults, 'quality'>): NetworkSettings {
  return {
    quality,
    limits: {
      handshakeTimeoutMs: 400,
      holdMs: 400,
      pingIntervalMs: 150,
      peerTimeoutMs: 450,
      unreachableMs: 1_500,
      backoff: { minMs: 20, maxMs: 300, factor: 2, jitterRatio: 0.5 },
    },
  };
}

/** `deletes`: of writes, so many. */
function requestsOf(nodes: readonly NodeSettings[], random: SeededRandom, deletes: number): PlanItem[] {
  return Array.from({ length: REQUESTS }, () => {
    const { name: node } = nodes[random.below(nodes.length)]!;
    const atMs = FROM_MS + random.below((UNTIL_MS + 300 - FROM_MS) * 1_000) / 1_000;
    const action: Action = random.chance(0.01) ? 'createKeyspace' : random.chance(0.5) ? 'get' : random.chance(deletes) ? 'delete' : 'put';
    return { kind: 'act', atMs, node, action, draw: random.u32() };
  });
}
