/**
 * One run of a RepairCluster under faults: clients write and delete at any node, with W = 1, while nodes are cut off, crash, lose power or a disk, and the network loses, repeats and reorders; repair
 * runs all the time. When all has been well for a while all replicas must be byte-equal, and have nothing that no client wrote.
 */
import { DELETE, OK, PUT } from '../../../actors/store/store-request.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { FaultKind } from '../../../runtime/simulation/plan.ts';
import { generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { PlanItem } from '../../../runtime/simulation/testing.ts';
import { decodeNaive } from '../version/naive-record.ts';
import { NODES, RepairCluster, SHARDS } from './repair-cluster.ts';

export interface RepairRunResult {
  readonly faults: readonly string[];
  readonly acknowledged: number;
  readonly pushed: number;
  readonly pulled: number;
  /** Between the last fault and the moment all were equal, virtual. */
  readonly healMs: number;
}

const FROM_MS = 400;
const UNTIL_MS = 6_000;
const HEAL_MS_MAX = 45_000;
const LOOK_MS = 500;
const STEP_MS = 20;
const KEYS = 60;
const INTERVAL_MS = 1_000;
const KINDS: readonly FaultKind[] = ['crash', 'killShard', 'pause', 'hang', 'cut', 'clog', 'reset', 'degrade', 'powerLoss'];

export function runRepair(seed: number, mutants: readonly string[] = []): RepairRunResult {
  const random = new SeededRandom(`repair ${seed}`);
  const cluster = new RepairCluster({ seed, mutants, intervalMs: INTERVAL_MS, plan: planOf(seed, random), quality: qualityOf(random) });
  const written = new Set<string>();
  let acknowledged = 0;
  for (let i = 0; cluster.sim.now < UNTIL_MS; i++) {
    const key = `k${random.below(KEYS)}`;
    const isDelete = random.chance(0.25);
    const value = `w${i}`;
    if (!isDelete) written.add(value);
    const node = NODES[random.below(NODES.length)]!;
    // A new sibling now and then.
    const contextKind = random.chance(0.2) ? 0 : 1;
    cluster.ask(node, { kind: isDelete ? DELETE : PUT, w: 1, contextKind }, key, isDelete ? '' : value, (status) => {
      if (status === OK) acknowledged++;
    });
    cluster.run(random.below(STEP_MS));
  }
  const healedAtMs = cluster.sim.now;
  let isConverged = cluster.isConverged();
  while (!isConverged && cluster.sim.now < healedAtMs + HEAL_MS_MAX) {
    cluster.run(LOOK_MS);
    isConverged = cluster.isConverged();
  }
  const faults = [...(isConverged ? [] : [`A9: replicas differ ${HEAL_MS_MAX} ms after the last fault: ${differenceOf(cluster)}`])];
  faults.push(...strangersOf(cluster, written));
  let [pushed, pulled] = [0, 0];
  for (const node of NODES)
    for (let shard = 0; shard < SHARDS; shard++) {
      const { figures } = cluster.figures(node, shard);
      pushed += figures.pushedKeys!;
      pulled += figures.pulledKeys!;
    }
  return { faults, acknowledged, pushed, pulled, healMs: cluster.sim.now - healedAtMs };
}

/** Values that no client wrote. */
function strangersOf(cluster: RepairCluster, written: ReadonlySet<string>): readonly string[] {
  const faults: string[] = [];
  for (const node of NODES)
    for (const [key, record] of cluster.dump(node) ?? [])
      for (const { value, isTombstone } of decodeNaive(Buffer.from(record, 'hex')).siblings)
        if (!isTombstone && !written.has(value)) faults.push(`T17: ${node} has a value under ${key} that nobody wrote`);
  return faults;
}

function differenceOf(cluster: RepairCluster): string {
  const dumps = NODES.map((node) => cluster.dump(node));
  const keys = new Set(dumps.flatMap((dump) => [...(dump?.keys() ?? [])]));
  const differing = [...keys].filter((key) => new Set(dumps.map((dump) => dump?.get(key))).size > 1);
  return `${differing.length} of ${keys.size} keys, ${differing.slice(0, 3).join(', ')}`;
}

/** One node loses its disk in half of the runs. */
function planOf(seed: number, random: SeededRandom): readonly PlanItem[] {
  const nodes = NODES.map((name) => ({ name, shards: SHARDS }));
  const plan = generatePlan(`repair ${seed}`, { nodes, fromMs: FROM_MS, untilMs: UNTIL_MS - 300, kinds: KINDS, forMsMax: 800 });
  if (!random.chance(0.5)) return plan;
  const wipe: PlanItem = {
    kind: 'wipe',
    atMs: 2_000 + random.below(2_000),
    node: NODES[random.below(NODES.length)]!,
    forMs: 50 + random.below(300),
  };
  return [...plan, wipe].sort((a, b) => a.atMs - b.atMs);
}

function qualityOf(random: SeededRandom) {
  const ratio = (most: number): number => (random.chance(0.5) ? most * random.float() : 0);
  return {
    delay: { kind: 'exponential', minMs: 0.05, meanMs: 0.1 * 2 ** random.below(7) },
    lossRatio: ratio(0.15),
    duplicateRatio: ratio(0.2),
    reorderRatio: ratio(0.3),
  } as const;
}
