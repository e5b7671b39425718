/** The run of a seed of the workload in which data moves: members join, leave and are replaced while clients ask, machines and network fail, and transitions are taken back. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { LinkQuality } from '../../../runtime/simulation/conditions.ts';
import type { FaultKind, PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { NodeSettings } from '../../../runtime/simulation/settings.ts';
import { type Action, clusterRun, networkOf } from '../store/cluster-run.ts';

/** The cluster has formed by then, as a rule. */
export const FROM_MS = 3_500;
const UNTIL_MS = 9_000;
const REQUESTS = 420;
const STOP_MS = 24_000;

/** calm: no faults. net: machines keep what they know. crashes: they do not. dead: one is killed for good, and replaced or removed. */
export const MOVE_PROFILES = ['calm', 'net', 'crashes', 'dead'] as const;
export type MoveProfile = (typeof MOVE_PROFILES)[number];

/** fill: keys that are written once, on all replicas. join: a machine asks to be added from then on. leave, cancel: proposed, at that node. kill, replace, remove: of the machine that is lost. */
export type MoveAction = Action | 'join' | 'leave' | 'cancel' | 'kill' | 'replace' | 'remove' | 'fill';

const NET_KINDS: readonly FaultKind[] = ['pause', 'hang', 'slow', 'cut', 'clog', 'reset', 'degrade'];
const CRASH_KINDS: readonly FaultKind[] = ['crash', 'killShard', 'powerLoss'];

export interface MoveShape {
  readonly profile: MoveProfile;
  /** Machines that form the cluster, of those that there are. */
  readonly first: number;
  /** How many of them leave, or are lost: those behind the first. */
  readonly leaving: number;
  /** Members that are away for longer are excluded: when they leave then, nobody copies what they have. */
  readonly excludes: boolean;
}

export function shapeOf(seed: number | string): MoveShape {
  const random = new SeededRandom(`moves:${seed}`);
  const profile = MOVE_PROFILES[[0, 1, 1, 2, 2, 2, 2, 3, 3, 3][random.below(10)]!]!;
  const isDead = profile === 'dead';
  return { profile, first: 3 + random.below(2), leaving: isDead ? 1 : random.below(2), excludes: isDead };
}

export function moveRun(seed: number, mutants: readonly string[] = []): RunPlan {
  const { profile, first, leaving } = shapeOf(seed);
  const random = new SeededRandom(seed).fork('moves');
  const joining = profile === 'dead' ? 1 : leaving === 0 ? 1 : random.below(2);
  const nodes: NodeSettings[] = Array.from({ length: first + joining }, (_, i) => ({ name: `m${i}`, shards: 1 + random.below(2) }));
  const { settings, plan } = clusterRun(seed, { mutants });
  const setUp = plan.filter((item) => item.kind === 'act' && item.action === 'setUp');
  const acts = [...changesOf(nodes, first, leaving, profile, random.fork('changes')), ...requestsOf(nodes, random.fork('requests'))];
  // With repair, all the time.
  const isPurging = new SeededRandom(`moves:purging:${seed}`).chance(0.3);
  const purging: readonly PlanItem[] = isPurging ? [{ kind: 'act', atMs: 1, node: 'm0', action: 'purging', draw: 0 }] : [];
  const living = profile === 'dead' ? nodes.filter(({ name }) => name !== LOST) : nodes;
  return {
    seed,
    stopMs: STOP_MS,
    plan: [...setUp, ...purging, ...faultsOf(seed, profile, living), ...acts].sort((a, b) => a.atMs - b.atMs),
    settings: { ...settings, nodes, network: networkOf({ quality: qualityOf(profile === 'calm', random.fork('network')) }) },
  };
}

/** `isCalm`: the network only delays. */
export function qualityOf(isCalm: boolean, random: SeededRandom): Partial<LinkQuality> {
  const ratio = (most: number): number => (!isCalm && random.chance(0.5) ? most * random.float() : 0);
  return {
    delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(isCalm ? 5 : 8) },
    splitRatio: random.chance(0.5) ? 0.3 : 0,
    lossRatio: ratio(0.15),
    duplicateRatio: ratio(0.2),
    reorderRatio: ratio(0.3),
  };
}

/** The machine that leaves, or is lost: not the first one, which has made the cluster. */
export const LOST = 'm1';

function changesOf(
  nodes: readonly NodeSettings[],
  first: number,
  leaving: number,
  profile: MoveProfile,
  random: SeededRandom,
): readonly PlanItem[] {
  const items: PlanItem[] = [];
  // Who is killed proposes nothing.
  const operators = nodes.slice(0, first).filter(({ name }) => profile !== 'dead' || name !== LOST);
  const act = (atMs: number, action: MoveAction, node = operators[random.below(operators.length)]!.name): void =>
    void items.push({ kind: 'act', atMs: Math.round(atMs), node, action, draw: random.u32() });
  for (let i = 0; i < 3; i++) act(FROM_MS - 300 + i * 100, 'fill', nodes[0]!.name);
  const startMs = FROM_MS + 300 + random.below(1_200);
  if (profile === 'dead') {
    act(startMs, 'kill', LOST);
    const action = random.chance(0.6) ? 'replace' : 'remove';
    for (let i = 0; i < 5; i++) act(startMs + 200 + i * 700, action);
    if (action === 'remove') for (let i = 0; i < 3; i++) act(startMs + 100 + i * 500, 'join', nodes[first]!.name);
    return items;
  }
  for (const { name } of nodes.slice(first)) for (let i = 0; i < 3; i++) act(startMs + random.below(1_000) + i * 500, 'join', name);
  if (leaving > 0) for (let i = 0; i < 4; i++) act(startMs + 500 + random.below(1_500) + i * 800, 'leave');
  if (random.chance(0.3)) for (let i = 0; i < 3; i++) act(startMs + 600 + random.below(3_000), 'cancel');
  return items;
}

export function faultsOf(seed: number, profile: MoveProfile, nodes: readonly NodeSettings[], forMsMax = 900): readonly PlanItem[] {
  if (profile === 'calm') return [];
  const bounds = { nodes, fromMs: FROM_MS + 300, untilMs: UNTIL_MS, everyMs: 2_000, forMsMax };
  const faults = generatePlan(seed, { ...bounds, kinds: NET_KINDS });
  if (profile !== 'crashes') return faults;
  return [
    ...faults,
    ...generatePlan(`${seed}:c`, { ...bounds, everyMs: 1_500, kinds: CRASH_KINDS }),
    ...generatePlan(`${seed}:d`, { ...bounds, everyMs: 1_500, kinds: CRASH_KINDS }),
  ];
}

export function requestsOf(nodes: readonly NodeSettings[], random: SeededRandom): readonly PlanItem[] {
  return Array.from({ length: REQUESTS }, () => {
    const { name: node } = nodes[random.below(nodes.length)]!;
    const atMs = FROM_MS + random.below((UNTIL_MS + 300 - FROM_MS) * 1_000) / 1_000;
    const action: Action = random.chance(0.005) ? 'createKeyspace' : random.chance(0.5) ? 'get' : random.chance(0.2) ? 'delete' : 'put';
    return { kind: 'act', atMs, node, action, draw: random.u32() };
  });
}
