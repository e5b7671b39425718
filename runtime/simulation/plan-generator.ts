/**
 * Generates plans from a seed, by swarm testing (Groce et al., ISSTA 2012): each kind of fault is on or off with p = 0.5 for a whole run, since runs
 * with few kinds reach states that runs with all of them never do.
 */
import type { Random } from '../doors.ts';
import { invalidArgument, unreachable } from '../errors.ts';
import { SeededRandom } from '../random.ts';
import type { LinkQuality } from './conditions.ts';
import { SURVIVORS } from './crash-models.ts';
import type { DiskOperation } from './disk-faults.ts';
import type { FaultKind, PlanItem } from './plan.ts';
import type { NodeSettings } from './settings.ts';

export interface PlanProfile {
  readonly nodes: readonly NodeSettings[];
  /** Faults begin in [fromMs, untilMs) and are over by `untilMs`. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Kinds that may be on. Default: `FAULT_KINDS`. */
  readonly kinds?: readonly FaultKind[];
  /** Mean time between two faults of one kind that is on. Default: a quarter of the time. */
  readonly everyMs?: number;
  /** Longest duration of a fault. Default: a quarter of the time. */
  readonly forMsMax?: number;
}

/** Those that leave a disk otherwise than the contract of syncs would, for actors that promise to live with it; and power losses at any of its calls. */
export const DISK_FAULT_KINDS: readonly FaultKind[] = ['powerLoss', 'rollback', 'wipe', 'swap', 'copy'];

/** Those of a disk that works badly, for actors that promise to live with it. */
export const BAD_DISK_KINDS: readonly FaultKind[] = ['slowDisk', 'diskError', 'rot'];

/** What every actor has to live with. */
export const FAULT_KINDS: readonly FaultKind[] = [
  'crash',
  'killShard',
  'pause',
  'hang',
  'slow',
  'cut',
  'clog',
  'reset',
  'degrade',
  'jump',
  'drift',
];
const AT_CALL_MAX = 64;
const ITEMS_PER_KIND_MAX = 1000;
const JUMP_MS_MAX = 3_600_000;
const DRIFT_PPM_MAX = 100_000;

/** The same seed and profile give the same plan, sorted by time. */
export function generatePlan(seed: number | string, profile: PlanProfile): PlanItem[] {
  const root = new SeededRandom(seed).fork('plan');
  const spanMs = profile.untilMs - profile.fromMs;
  const everyMs = profile.everyMs ?? spanMs / 4;
  const forMsMax = Math.min(profile.forMsMax ?? spanMs / 4, spanMs);
  const items: PlanItem[] = [];
  for (const kind of profile.kinds ?? FAULT_KINDS) {
    const random = root.fork(kind);
    if (!random.chance(0.5)) continue;
    let atMs = profile.fromMs;
    for (let count = 0; count < ITEMS_PER_KIND_MAX; count++) {
      atMs += -Math.log(1 - random.float()) * everyMs;
      if (atMs >= profile.untilMs) break;
      // Short ones are as likely as long ones, by order of magnitude.
      const forMs = rounded(Math.min(profile.untilMs - atMs, forMsMax ** random.float()));
      const item = makeItem(kind, rounded(atMs), forMs, profile.nodes, random);
      if (item !== undefined) items.push(item);
    }
  }
  return items.sort((a, b) => a.atMs - b.atMs);
}

/** Undefined where the cluster is too small for the fault. */
function makeItem(kind: FaultKind, atMs: number, forMs: number, nodes: readonly NodeSettings[], random: Random): PlanItem | undefined {
  const { name: node, shards } = nodes[random.below(nodes.length)]!;
  const shard = shards === 0 ? 0 : random.below(shards);
  const other = nodes[random.below(nodes.length)]!.name;
  switch (kind) {
    case 'crash':
      return { kind, atMs, node, forMs, silent: random.chance(0.5) };
    case 'killShard':
    case 'hang':
      return shards === 0 ? undefined : { kind, atMs, node, shard, forMs };
    case 'pause':
      return { kind, atMs, node, forMs };
    case 'slow':
      return { kind, atMs, node, factor: 2 ** (1 + random.below(8)), forMs };
    case 'cut':
      return makeCut(atMs, forMs, nodes, random);
    case 'clog':
      return node === other ? undefined : { kind, atMs, from: node, to: other, forMs };
    case 'reset':
      return node === other ? undefined : { kind, atMs, a: node, b: other };
    case 'degrade':
      return node === other ? undefined : { kind, atMs, from: node, to: other, forMs, quality: makeQuality(random) };
    case 'jump':
      return { kind, atMs, node, byMs: Math.round((random.float() * 2 - 1) * JUMP_MS_MAX) };
    case 'drift':
      return { kind, atMs, node, ppm: Math.round((random.float() * 2 - 1) * DRIFT_PPM_MAX), forMs };
    case 'powerLoss':
    case 'rollback':
    case 'wipe':
    case 'swap':
    case 'copy':
      return makeDiskItem(kind, atMs, forMs, node, other, random);
    case 'slowDisk':
      return { kind, atMs, node, factor: 2 ** (2 + random.below(9)), forMs };
    case 'diskError':
      return { kind, atMs, node, forMs, path: '', ...makeError(random) };
    case 'rot':
      return { kind, atMs, node, path: '', draw: random.u32() };
    case 'act':
      throw invalidArgument('plan: acts are made by the workload that knows them');
    default:
      return unreachable(kind);
  }
}

function makeDiskItem(
  kind: 'powerLoss' | 'rollback' | 'wipe' | 'swap' | 'copy',
  atMs: number,
  forMs: number,
  node: string,
  other: string,
  random: Random,
): PlanItem | undefined {
  switch (kind) {
    case 'powerLoss': {
      const survives = SURVIVORS[random.below(SURVIVORS.length)]!;
      return { kind, atMs, node, forMs, survives, draw: random.u32(), atCall: random.chance(0.5) ? 0 : 1 + random.below(AT_CALL_MAX) };
    }
    case 'rollback':
      return { kind, atMs, node, forMs, savedAtMs: rounded(atMs * random.float()) };
    case 'wipe':
      return { kind, atMs, node, forMs };
    case 'swap':
      return node === other ? undefined : { kind, atMs, a: node, b: other, forMs };
    case 'copy':
      return node === other ? undefined : { kind, atMs, node, of: other, forMs };
    default:
      return unreachable(kind);
  }
}

function makeError(random: Random): { readonly operation: DiskOperation; readonly code: string } {
  const operation = (['pread', 'pwrite', 'datasync', 'open', 'syncDir', 'rename', 'truncate'] as const)[random.below(7)]!;
  return { operation, code: operation !== 'pread' && random.chance(0.5) ? 'ENOSPC' : 'EIO' };
}

/** Halves, one node alone, or one pair. */
function makeCut(atMs: number, forMs: number, nodes: readonly NodeSettings[], random: Random): PlanItem | undefined {
  if (nodes.length < 2) return undefined;
  const names = shuffled(
    nodes.map((node) => node.name),
    random,
  );
  const oneWay = random.chance(0.3);
  const kind = random.below(3);
  if (kind === 0) return { kind: 'cut', atMs, from: names.slice(0, 1), to: names.slice(1), forMs, oneWay };
  if (kind === 1) return { kind: 'cut', atMs, from: names.slice(0, 1), to: names.slice(1, 2), forMs, oneWay };
  const half = 1 + random.below(names.length - 1);
  return { kind: 'cut', atMs, from: names.slice(0, half), to: names.slice(half), forMs, oneWay };
}

/** What TCP lives with; nothing of the qualities that go beyond it. */
function makeQuality(random: Random): Partial<LinkQuality> {
  switch (random.below(4)) {
    case 0:
      return { delay: { kind: 'heavyTail', minMs: 0.2, alpha: 1.2, maxMs: 1000 } };
    case 1:
      return { delay: { kind: 'uniform', minMs: 1, maxMs: 100 } };
    case 2:
      return { retransmitRatio: rounded(random.float() * 0.3) };
    default:
      return { bandwidthKBps: 1 + random.below(200) };
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/** Three decimals: microseconds, readable in a file. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
