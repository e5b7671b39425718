/** The run of a seed: machines, network, scheduler, faults and acts of operators, all drawn up front. */
import { SeededRandom } from '../../../runtime/random.ts';
import type { FaultKind, PlanItem } from '../../../runtime/simulation/plan.ts';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { FAULT_KINDS, generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { NetworkSettings, NodeSettings } from '../../../runtime/simulation/settings.ts';
import { ACTIONS, type Action } from './membership-acts.ts';
import { FAULTS_FROM_MS, FAULTS_UNTIL_MS, type MembershipKnobs, membershipKnobs, STOP_MS } from './membership-knobs.ts';

export interface MembershipRunOptions {
  readonly mutants?: readonly string[];
}

const NET_KINDS: readonly FaultKind[] = FAULT_KINDS.filter((kind) => kind !== 'degrade');
/** With the mean time between two of a kind: those that take members away are few, so that mostly a majority is left. */
const DISK_KINDS: readonly (readonly [FaultKind, number])[] = [
  ...([
    ['powerLoss', 1500],
    ['powerLoss', 1500],
    ['rollback', 4500],
    ['wipe', 9000],
    ['swap', 9000],
    ['copy', 4500],
  ] as const),
];
const ACTS_MAX = 24;
/** Of machines that join: how often one ends, until when, and how long it is away, at most. */
const ENTERING_CRASHES_MAX = 20;
const ENTERING_UNTIL_MS = FAULTS_FROM_MS * 1.5;
const ENTERING_AWAY_MS = 1000;
const RESTART_MS = 400;

export function membershipRun(seed: number, options: MembershipRunOptions = {}): RunPlan {
  const knobs = membershipKnobs(seed);
  const random = new SeededRandom(seed).fork('membership');
  const isEven = random.chance(0.5);
  const shards = 1 + random.below(3);
  const count = 3 + Math.min(random.below(5), random.below(5));
  const nodes: NodeSettings[] = Array.from({ length: count }, (_, index) => ({
    name: `m${index}`,
    shards: isEven ? shards : 1 + random.below(3),
  }));
  const plan = [...faultsOf(seed, knobs, nodes, random.fork('faults')), ...actsOf(knobs, nodes, random.fork('acts'))];
  return {
    seed,
    stopMs: STOP_MS,
    plan: plan.sort((a, b) => a.atMs - b.atMs),
    settings: {
      nodes,
      network: networkOf(random.fork('network')),
      scheduling: { policy: (['fifo', 'random', 'pct'] as const)[random.below(3)]! },
      ...(options.mutants === undefined ? {} : { mutants: options.mutants }),
    },
  };
}

function networkOf(random: SeededRandom): NetworkSettings {
  return {
    quality: {
      delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(9) },
      splitRatio: random.chance(0.5) ? 0.3 : 0,
      lossRatio: random.chance(0.5) ? 0.05 * random.float() : 0,
      duplicateRatio: random.chance(0.5) ? 0.1 * random.float() : 0,
      reorderRatio: random.chance(0.5) ? 0.3 * random.float() : 0,
    },
    limits: {
      handshakeTimeoutMs: 400,
      holdMs: 400,
      pingIntervalMs: 150,
      peerTimeoutMs: 450,
      unreachableMs: 1500,
      backoff: { minMs: 20, maxMs: 300, factor: 2, jitterRatio: 0.5 },
    },
  };
}

function faultsOf(seed: number, { profile }: MembershipKnobs, nodes: readonly NodeSettings[], random: SeededRandom): PlanItem[] {
  if (profile === 'calm') return [];
  if (profile === 'entering') return crashesOfJoiners(nodes, random);
  // Now and then already while the cluster forms.
  const fromMs = random.chance(0.2) ? 0 : FAULTS_FROM_MS;
  const untilMs = profile === 'force' ? FAULTS_UNTIL_MS - 2000 : FAULTS_UNTIL_MS;
  const bounds = { nodes, fromMs, untilMs, everyMs: 1500, forMsMax: 2500 };
  const faults = generatePlan(seed, { ...bounds, kinds: NET_KINDS });
  if (profile === 'force') return [...faults, ...lostMajority(nodes, random)];
  if (profile === 'net') return faults;
  const disks = DISK_KINDS.flatMap(([kind, everyMs], index) => generatePlan(`${seed}:${index}`, { ...bounds, everyMs, kinds: [kind] }));
  return [...faults, ...disks.flatMap((item) => withRestart(item))];
}

/** Any of them, while the cluster forms: mostly before it is in, or has on its disk that it is. */
function crashesOfJoiners(nodes: readonly NodeSettings[], random: SeededRandom): PlanItem[] {
  return nodes.flatMap(({ name }) =>
    Array.from({ length: random.below(ENTERING_CRASHES_MAX + 1) }, (): PlanItem => {
      const atMs = Math.round(ENTERING_UNTIL_MS * random.float());
      return { kind: 'crash', atMs, node: name, forMs: Math.ceil(ENTERING_AWAY_MS ** random.float()), silent: random.chance(0.5) };
    }),
  );
}

/** A directory that goes back, or is copied, is one that the cluster can tell when it has started again in between. */
function withRestart(item: PlanItem): readonly PlanItem[] {
  if (item.kind === 'rollback') {
    const atMs = item.savedAtMs + (item.atMs - item.savedAtMs) * 0.3;
    return [{ kind: 'crash', atMs, node: item.node, forMs: RESTART_MS / 4, silent: false }, item];
  }
  if (item.kind === 'copy') {
    const restart: PlanItem = { kind: 'crash', atMs: item.atMs + 1, node: item.of, forMs: RESTART_MS / 4, silent: false };
    return [{ ...item, forMs: item.forMs + RESTART_MS * 2 }, restart];
  }
  return [item];
}

/** More than half of the machines go, for good as far as the operator knows. */
function lostMajority(nodes: readonly NodeSettings[], random: SeededRandom): PlanItem[] {
  const lost = Math.floor(nodes.length / 2) + 1;
  const names = nodes.map(({ name }) => name);
  while (names.length > lost) names.splice(random.below(names.length), 1);
  const atMs = FAULTS_UNTIL_MS - 2000;
  const crashes = names.map((node): PlanItem => ({ kind: 'crash', atMs, node, forMs: 4000, silent: true }));
  const acts = nodes.map(({ name }): PlanItem => act('force', atMs + 500 + random.below(500), name, random));
  return [...crashes, ...acts];
}

function actsOf({ profile }: MembershipKnobs, nodes: readonly NodeSettings[], random: SeededRandom): PlanItem[] {
  if (profile === 'entering') return [];
  const some = ACTIONS.filter((action) => action !== 'force' && random.chance(0.6));
  const count = random.below(ACTS_MAX);
  const acts: PlanItem[] = [];
  const untilMs = profile === 'force' ? FAULTS_UNTIL_MS - 2500 : FAULTS_UNTIL_MS;
  while (some.length > 0 && acts.length < count) {
    const atMs = FAULTS_FROM_MS + random.below(untilMs - FAULTS_FROM_MS);
    // At several nodes at once, so that they compete.
    const first = random.below(nodes.length);
    const rivals = 1 + random.below(4);
    const isOne = random.chance(0.25);
    for (let i = 0; i < rivals; i++) {
      const action = some[random.below(some.length)]!;
      // Now and then one node has several to do: it begins the next when it has given up the one before.
      const node = nodes[(first + (isOne ? 0 : i)) % nodes.length]!;
      acts.push(act(action, atMs + random.below(3), node.name, random));
    }
  }
  return acts;
}

function act(action: Action, atMs: number, node: string, random: SeededRandom): PlanItem {
  return { kind: 'act', atMs, node, action, draw: random.u32() };
}
