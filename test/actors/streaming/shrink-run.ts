/**
 * The run of a seed of the workload in which a cluster shrinks: several members leave, one after the other or at once, until there are fewer than replicas, in some runs one alone; some of
 * them are excluded when they do, or killed for good.
 */
import { SeededRandom } from '../../../runtime/random.ts';
import type { PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import type { NodeSettings } from '../../../runtime/simulation/settings.ts';
import { clusterRun, networkOf } from '../store/cluster-run.ts';
import { FROM_MS, faultsOf, LOST, type MoveAction, type MoveShape, qualityOf, requestsOf } from './move-run.ts';

/** Later than other moves: transitions are one after the other, and slow networks have each take many seconds. */
const STOP_MS = 36_000;
/** Leaves that were refused, since a transition was under way or an operator was away, are proposed again. */
const TRIES = 7;
/** So long are some away, so that they are excluded. */
const AWAY_MS_MAX = 3_000;

export function shrinkShapeOf(seed: number | string): MoveShape {
  const random = new SeededRandom(`shrinks:${seed}`);
  const profile = (['calm', 'net', 'net', 'crashes', 'crashes', 'dead'] as const)[random.below(6)]!;
  const first = 3 + random.below(3);
  const isDead = profile === 'dead';
  // Two of whom one is dead are no majority, and decide nothing.
  const leaving = 1 + random.below(first - (isDead ? 2 : 1));
  return { profile, first, leaving, excludes: isDead || (profile === 'net' && random.chance(0.5)) };
}

export function shrinkRun(seed: number, mutants: readonly string[] = []): RunPlan {
  const { profile, first, leaving, excludes } = shrinkShapeOf(seed);
  const random = new SeededRandom(seed).fork('shrinks');
  const joining = random.chance(0.3) ? 1 : 0;
  const nodes: NodeSettings[] = Array.from({ length: first + joining }, (_, i) => ({ name: `m${i}`, shards: 1 + random.below(2) }));
  const { settings, plan } = clusterRun(seed, { mutants });
  const setUp = plan.filter((item) => item.kind === 'act' && item.action === 'setUp');
  const living = profile === 'dead' ? nodes.filter(({ name }) => name !== LOST) : nodes;
  const acts = changesOf(nodes, first, leaving, profile === 'dead', random.fork('changes'));
  const faults = faultsOf(seed, profile, living, excludes ? AWAY_MS_MAX : undefined);
  return {
    seed,
    stopMs: STOP_MS,
    plan: [...setUp, ...faults, ...acts, ...requestsOf(nodes, random.fork('requests'))].sort((a, b) => a.atMs - b.atMs),
    settings: { ...settings, nodes, network: networkOf({ quality: qualityOf(profile === 'calm', random.fork('network')) }) },
  };
}

function changesOf(
  nodes: readonly NodeSettings[],
  first: number,
  leaving: number,
  isDead: boolean,
  random: SeededRandom,
): readonly PlanItem[] {
  const items: PlanItem[] = [];
  // Who is killed proposes nothing.
  const operators = nodes.slice(0, first).filter(({ name }) => !isDead || name !== LOST);
  const act = (atMs: number, action: MoveAction, node: string, draw = random.u32()): void =>
    void items.push({ kind: 'act', atMs: Math.round(atMs), node, action, draw });
  for (let i = 0; i < 3; i++) act(FROM_MS - 300 + i * 100, 'fill', 'm0');
  const startMs = FROM_MS + 300 + random.below(1_200);
  if (isDead) act(startMs, 'kill', LOST);
  // All at once, or over some seconds.
  const apartMs = [50, 500, 1_500][random.below(3)]!;
  for (let leaver = 0; leaver < leaving; leaver++) {
    const firstMs = startMs + 200 + random.below(1 + apartMs * leaving);
    // `leave` takes its draw modulo `leaving` for whom it is about.
    for (let i = 0; i < TRIES; i++)
      act(firstMs + i * 900, 'leave', operators[random.below(operators.length)]!.name, random.below(10_000) * leaving + leaver);
  }
  if (random.chance(0.2))
    for (let i = 0; i < 2; i++) act(startMs + 600 + random.below(3_000), 'cancel', operators[random.below(operators.length)]!.name);
  for (const { name } of nodes.slice(first)) for (let i = 0; i < 3; i++) act(startMs + random.below(3_000) + i * 500, 'join', name);
  return items;
}
