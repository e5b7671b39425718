/**
 * Fault classes: what befalls a run of the whole cluster, by the names that a person chooses among, each with what its faults are and what the store still promises under them.
 * All are drawn up front. Of those chosen each is on in about half of the runs [swarm testing: Groce et al., ISSTA 2012], and in one of ten none is.
 *
 * What lasting damage the store has to survive is one machine's (its *victim*): with W of N acknowledgements on disks, and R + W > N, the others have all of it.
 */
import { SeededRandom } from '../../../runtime/random.ts';
import type { FaultKind, PlanItem } from '../../../runtime/simulation/plan.ts';
import { generatePlan } from '../../../runtime/simulation/plan-generator.ts';
import type { NetworkSettings, NodeSettings } from '../../../runtime/simulation/settings.ts';

export const FAULT_CLASSES = [
  ...(['loss', 'delay', 'duplication', 'reordering', 'partition', 'one-way', 'reset'] as const),
  ...(['pause', 'slow', 'crash', 'outage', 'power', 'clock', 'slow-disk', 'disk-error', 'rot', 'disk-loss', 'ring'] as const),
];
export type FaultClass = (typeof FAULT_CLASSES)[number];

/** What `all` means. Changes of the ring have a workload of their own, whose checkers know what they may do (test/actors/streaming/). */
export const ALL_CLASSES: readonly FaultClass[] = FAULT_CLASSES.filter((name) => name !== 'ring');

/** One line each, for people; the rows of the fault catalogue in brackets. */
export const FAULT_TEXTS: Readonly<Record<FaultClass, string>> = {
  loss: 'messages are lost, and TCP has to repeat [N2]',
  delay: 'slow, heavy-tailed and narrow ways; ways that are held, then let go [N1, N11, N15]',
  duplication: 'messages come twice [N4]',
  reordering: 'messages overtake each other [N3]',
  partition: 'cuts: halves, one node alone, one pair; both ways [N6, N7, N9]',
  'one-way': 'cuts that let one direction through [N8]',
  reset: 'all connections of a pair break [N12]',
  pause: 'a node, or one thread of it, stands still, then does all that has piled up [P6, P9, M4]',
  slow: 'a node works 2 to 256 times slower [P7, V12]',
  crash: 'processes end and start again; worker threads do [P1, P4, P8]',
  outage: 'one or two machines are down or cut off for seconds, so that others stand in for them [P1, N6, N7]',
  power: 'machines lose power at any call to their disk: unsynced writes are lost, torn, or there out of order [P2, P5, D1 to D5]',
  clock: 'wall clocks are set, by up to an hour; monotonic ones run fast or slow [C1 to C4]',
  'slow-disk': 'calls to a disk take 4 to 1,024 times longer [D16]',
  'disk-error': 'reads, writes, syncs or renames of a disk fail with EIO or ENOSPC for a while [D6, D7, D9]',
  rot: 'bits of what a machine stores flip: one machine of the cluster [D12]',
  'disk-loss': 'the data directory of one machine of the cluster is gone, and it does not come back [P11, D18, O18]',
  ring: 'members join, leave and change their capacity under load: off unless it is named; bench:moves has a workload and checkers of its own for them [O3 to O6]',
};

/** Within which faults begin and end, and of which nodes. */
export interface FaultBounds {
  readonly nodes: readonly NodeSettings[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Of one run. */
export interface DrawnFaults {
  readonly items: readonly { readonly name: FaultClass; readonly item: PlanItem }[];
  readonly quality: NonNullable<NetworkSettings['quality']>;
  /** Those that only show in `quality`. */
  readonly always: readonly FaultClass[];
}

const EVERY_MS = 1_200;
/** Where the engines of a machine are. */
const SHARDS = '/data/shard-';
const VICTIM_CLASSES: readonly FaultClass[] = ['rot', 'disk-loss'];

/** Reads a list such as `all`, `none`, `loss,crash`, `all,-clock`, `all,ring`. Errors: says which name is none, and which there are. */
export function parseClasses(text: string): readonly FaultClass[] {
  const chosen = new Set<FaultClass>();
  for (const word of text.split(',').map((part) => part.trim())) {
    const isOff = word.startsWith('-');
    const name = isOff ? word.slice(1) : word;
    if (name === 'none') continue;
    if (name !== 'all' && !isClass(name))
      throw new Error(`faults: expected all, none or some of ${FAULT_CLASSES.join(', ')}, got ${JSON.stringify(name)}`);
    for (const one of name === 'all' ? ALL_CLASSES : [name]) {
      if (isOff) chosen.delete(one);
      else chosen.add(one);
    }
  }
  return FAULT_CLASSES.filter((name) => chosen.has(name));
}

function isClass(name: string): name is FaultClass {
  return (FAULT_CLASSES as readonly string[]).includes(name);
}

export function drawFaults(seed: number | string, chosen: readonly FaultClass[], bounds: FaultBounds): DrawnFaults {
  const random = new SeededRandom(`faults:${seed}`);
  const isCalm = random.chance(0.1);
  const victim = bounds.nodes[random.below(bounds.nodes.length)]!.name;
  // Of one run only one of them, so that two machines are never damaged, and none in two ways.
  const damage = VICTIM_CLASSES[random.below(VICTIM_CLASSES.length)]!;
  const on = (name: FaultClass): boolean => !isCalm && chosen.includes(name);
  const items = FAULT_CLASSES.filter((name) => on(name) && (!VICTIM_CLASSES.includes(name) || name === damage)).flatMap((name) =>
    itemsOf(name, seed, bounds, victim).map((item) => ({ name, item })),
  );
  const quality = random.fork('quality');
  const ratio = (name: FaultClass, most: number): number => {
    const [isOn, share] = [quality.chance(0.5), quality.float()];
    return on(name) && isOn ? most * share : 0;
  };
  const [lossRatio, duplicateRatio, reorderRatio] = [ratio('loss', 0.15), ratio('duplication', 0.2), ratio('reordering', 0.3)];
  const meanMs = 0.1 * 2 ** quality.below(on('delay') ? 8 : 4);
  return {
    items,
    quality: {
      delay: { kind: 'exponential', minMs: 0.05, meanMs },
      splitRatio: quality.chance(0.5) ? 0.3 : 0,
      lossRatio,
      duplicateRatio,
      reorderRatio,
    },
    always: [
      ...(lossRatio > 0 ? (['loss'] as const) : []),
      ...(duplicateRatio > 0 ? (['duplication'] as const) : []),
      ...(reorderRatio > 0 ? (['reordering'] as const) : []),
      ...(meanMs > 1 && on('delay') ? (['delay'] as const) : []),
    ],
  };
}

function itemsOf(name: FaultClass, seed: number | string, bounds: FaultBounds, victim: string): readonly PlanItem[] {
  const some = (kinds: readonly FaultKind[], round = 0): PlanItem[] =>
    generatePlan(`${seed}:${name}:${round}`, { ...bounds, everyMs: EVERY_MS, forMsMax: EVERY_MS, kinds });
  switch (name) {
    case 'loss':
      return some(['degrade']).map((item) =>
        item.kind === 'degrade' ? { ...item, quality: { retransmitRatio: 0.3, lossRatio: 0.5 } } : item,
      );
    case 'delay':
      return some(['degrade', 'clog']);
    case 'duplication':
      return some(['degrade']).map((item) => (item.kind === 'degrade' ? { ...item, quality: { duplicateRatio: 0.8 } } : item));
    case 'reordering':
      return some(['degrade']).map((item) => (item.kind === 'degrade' ? { ...item, quality: { reorderRatio: 0.8 } } : item));
    case 'partition':
      return some(['cut']).map((item) => (item.kind === 'cut' ? { ...item, oneWay: false } : item));
    case 'one-way':
      return some(['cut']).map((item) => (item.kind === 'cut' ? { ...item, oneWay: true } : item));
    case 'reset':
      return some(['reset']);
    case 'pause':
      return some(['pause', 'hang']);
    case 'slow':
      return some(['slow']);
    case 'crash':
      return [...some(['crash', 'killShard']), ...some(['crash', 'killShard'], 1)];
    case 'outage':
      return outages(seed, bounds);
    case 'power':
      return [...some(['powerLoss']), ...some(['powerLoss'], 1)];
    case 'clock':
      return some(['jump', 'drift']).map(nearer);
    case 'slow-disk':
      return some(['slowDisk']);
    case 'disk-error':
      return some(['diskError']).map((item) => (item.kind === 'diskError' ? { ...item, path: SHARDS } : item));
    case 'rot':
      return some(['rot']).map((item) => (item.kind === 'rot' ? { ...item, path: SHARDS, node: victim } : item));
    case 'disk-loss':
      return some(['wipe'])
        .map((item) => (item.kind === 'wipe' ? { ...item, node: victim } : item))
        .slice(0, 1);
    case 'ring':
      return ringActs(seed, bounds);
  }
}

/** In half of the runs: down or cut off, for most of the time or twice. Of three machines one, as two are the majority of what replicas there are. */
function outages(seed: number | string, { nodes, fromMs, untilMs }: FaultBounds): PlanItem[] {
  const random = new SeededRandom(`outage:${seed}`);
  if (!random.chance(0.5)) return [];
  const names = nodes.map(({ name }) => name);
  const items: PlanItem[] = [];
  let atMs = fromMs + random.below(300);
  for (let left = 1 + random.below(2); left > 0; left--) {
    const forMs = Math.round((untilMs - atMs) / left) - random.below(300);
    const first = random.below(names.length);
    const second = (first + 1 + random.below(names.length - 1)) % names.length;
    const away = [names[first]!, names[second]!].slice(0, names.length < 4 ? 1 : 1 + random.below(2));
    const isCut = random.chance(0.5);
    const silent = random.chance(0.5);
    const to = names.filter((name) => !away.includes(name));
    if (isCut) items.push({ kind: 'cut', atMs, from: away, to, forMs, oneWay: false });
    else for (const node of away) items.push({ kind: 'crash', atMs, node, forMs, silent });
    atMs += forMs + 200;
  }
  return items;
}

/** Small jumps are as likely as great ones, by order of magnitude. */
function nearer(item: PlanItem): PlanItem {
  if (item.kind !== 'jump') return item;
  const size = Math.abs(item.byMs) / 3_600_000;
  return { ...item, byMs: Math.sign(item.byMs) * Math.round(3_600_000 ** size) };
}

/** Acts of operators (cluster-ring-acts.ts). */
export const RING_ACTIONS = ['setCapacity', 'removeMember', 'join'] as const;

function ringActs(seed: number | string, { nodes, fromMs, untilMs }: FaultBounds): PlanItem[] {
  const random = new SeededRandom(`ring:${seed}`);
  return Array.from({ length: random.below(4) }, () => ({
    kind: 'act',
    atMs: fromMs + random.below((untilMs - fromMs) * 1_000) / 1_000,
    node: nodes[random.below(nodes.length)]!.name,
    action: RING_ACTIONS[random.below(RING_ACTIONS.length)]!,
    draw: random.u32(),
  }));
}
