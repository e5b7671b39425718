/** The plan of a run: which faults begin when, drawn up front from the seed, so that it can be read, kept in a file, and played again as far as real time allows. */
import { SeededRandom } from '../../runtime/random.ts';

/**
 * | kind | what, from `atMs` on for `forMs` |
 * |---|---|
 * | delay | bytes on `links` come up to `amount` ms late |
 * | throttle | `amount` bytes a second on `links` |
 * | stall | bytes on `links` wait |
 * | cut | bytes on `links` are lost |
 * | reset | the connections on `links` are reset, behind `amount` bytes each |
 * | pause | `nodes` are stopped (SIGSTOP) and go on |
 * | kill | `nodes` are killed (SIGKILL) and are started again |
 * | storm | `nodes` are killed again and again while they start, `amount` ms after each start at most |
 * | fill | the disks of `nodes` are full |
 * | wipe | a node is killed and started with an empty directory: to be refused; then with its own |
 * | rollback | a node is killed and started with an older copy of its directory, `amount` starts older: to be refused; then with its own |
 * | join | a node that is none becomes a member, with an empty directory, while all else goes on; `forMs` says nothing |
 * | leave | a member is told to leave, when all are up: it hands over what it has, and ends; its directory is emptied. While all else goes on |
 * | restore | all nodes are killed and go on with older copies of their directories: nobody is left who could know, and what was written since is lost |
 */
export const FAULT_KINDS = [
  'delay',
  'throttle',
  'stall',
  'cut',
  'reset',
  'pause',
  'kill',
  'storm',
  'fill',
  'wipe',
  'rollback',
  'join',
  'leave',
  'restore',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];
/** All that a cluster must survive; restore is the control: it must be found. */
export const SURVIVABLE_KINDS: readonly FaultKind[] = FAULT_KINDS.filter((kind) => kind !== 'restore');

export interface PlanItem {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly forMs: number;
  /** `n1>n2`: what n1 sends to n2. */
  readonly links: readonly string[];
  readonly nodes: readonly string[];
  readonly amount: number;
}

export interface Plan {
  readonly seed: string;
  readonly nodes: number;
  readonly runMs: number;
  readonly items: readonly PlanItem[];
}

/** These want all else whole, and are done alone. */
const ALONE: ReadonlySet<FaultKind> = new Set(['wipe', 'rollback', 'restore']);
/** How much of the time is without a new fault, in ms: at least, and at most. */
const GAP_MIN_MS = 300;
const GAP_MAX_MS = 3_000;
const CALM_MS = 2_000;
const SHORT_MS = 8_000;

export function isAlone({ kind }: Pick<PlanItem, 'kind'>): boolean {
  return ALONE.has(kind);
}

/** The one that joins first; undefined: none does. One member more than there are at first is the most. */
export function spareOf({ nodes, items }: Pick<Plan, 'nodes' | 'items'>): string | undefined {
  return items.some(({ kind }) => kind === 'join') ? spareName(nodes) : undefined;
}

function spareName(nodes: number): string {
  return `n${nodes + 1}`;
}

export function nodeNames(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `n${index + 1}`);
}

/** Requires: three nodes or more, and a kind or more. */
export function planOf(seed: string, nodes: number, runMs: number, kinds: readonly FaultKind[]): Plan {
  const random = new SeededRandom(seed).fork('plan');
  let names = nodeNames(nodes);
  let out: string | null = spareName(nodes);
  const items: PlanItem[] = [];
  for (let atMs = CALM_MS; atMs < runMs - CALM_MS; atMs += GAP_MIN_MS + random.below(GAP_MAX_MS - GAP_MIN_MS)) {
    const kind = kinds[random.below(kinds.length)]!;
    // Rare, since all waits for them.
    if (ALONE.has(kind) && random.chance(0.7)) continue;
    if (kind === 'join' ? out === null : kind === 'leave' && out !== null) continue;
    const item: PlanItem = kind === 'join' ? { ...calmItem(kind, atMs), nodes: [out!] } : itemOf(kind, atMs, names, random);
    items.push(item);
    const [named] = item.nodes;
    if (kind === 'join') {
      names = [...names, named!];
      out = null;
    } else if (kind === 'leave') {
      names = names.filter((name) => name !== named);
      out = named!;
    }
  }
  return { seed, nodes, runMs, items };
}

function calmItem(kind: FaultKind, atMs: number): PlanItem {
  return { kind, atMs, forMs: 1, links: [], nodes: [], amount: 0 };
}

function itemOf(kind: Exclude<FaultKind, 'join'>, atMs: number, names: readonly string[], random: SeededRandom): PlanItem {
  const one = [names[random.below(names.length)]!];
  const forMs = random.chance(0.8) ? 200 + random.below(2_800) : 3_000 + random.below(SHORT_MS - 3_000);
  const item = { kind, atMs, forMs, links: [], nodes: [], amount: 0 };
  switch (kind) {
    case 'delay':
      return { ...item, links: someLinks(names, random), amount: 2 ** random.below(9) };
    case 'throttle':
      return { ...item, links: someLinks(names, random), amount: 1_000 * 2 ** random.below(8) };
    case 'stall':
    case 'cut':
      return { ...item, links: someLinks(names, random) };
    case 'reset':
      return { ...item, links: someLinks(names, random), amount: random.below(4_096) };
    case 'pause':
      return { ...item, nodes: one };
    case 'kill':
      return { ...item, nodes: random.chance(0.15) ? names : random.chance(0.15) ? twoOf(names, random) : one };
    case 'storm':
      return { ...item, nodes: one, amount: 50 + random.below(1_500) };
    case 'fill':
    case 'wipe':
      return { ...item, nodes: one };
    case 'leave':
      return { ...calmItem(kind, atMs), nodes: one };
    case 'rollback':
      return { ...item, nodes: one, amount: random.below(2) };
    case 'restore':
      return { ...item, nodes: names };
  }
}

function twoOf(names: readonly string[], random: SeededRandom): readonly string[] {
  const first = random.below(names.length);
  return [names[first]!, names[(first + 1 + random.below(names.length - 1)) % names.length]!];
}

/** One direction, both, all of one node, or all between two halves. */
function someLinks(names: readonly string[], random: SeededRandom): readonly string[] {
  const [a, b] = twoOf(names, random) as [string, string];
  const others = names.filter((name) => name !== a);
  switch (random.below(5)) {
    case 0:
      return [`${a}>${b}`];
    case 1:
      return [`${a}>${b}`, `${b}>${a}`];
    case 2:
      return others.map((name) => `${a}>${name}`);
    case 3:
      return others.flatMap((name) => [`${a}>${name}`, `${name}>${a}`]);
    default: {
      const left = names.filter((name) => name === a || (name !== b && random.chance(0.5)));
      const right = names.filter((name) => !left.includes(name));
      return left.flatMap((from) => right.flatMap((to) => [`${from}>${to}`, `${to}>${from}`]));
    }
  }
}

export function formatPlan(plan: Plan): string {
  const lines = plan.items.map((item) => `    ${JSON.stringify(item)}`);
  const { seed, nodes, runMs } = plan;
  return `{\n  "seed": ${JSON.stringify(seed)}, "nodes": ${nodes}, "runMs": ${runMs},\n  "items": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/** Errors: it is none, saying where. */
export function parsePlan(text: string): Plan {
  const { seed, nodes, runMs, items } = JSON.parse(text) as Partial<Plan>;
  if (typeof seed !== 'string' || !isCount(nodes) || !isCount(runMs) || !Array.isArray(items))
    throw new Error('plan: expected {"seed", "nodes", "runMs", "items"}');
  const names = [...nodeNames(nodes), spareName(nodes)];
  (items as readonly PlanItem[]).forEach((item, index) => {
    const fault = faultOf(item, names);
    if (fault !== null) throw new Error(`plan, item ${index}: expected ${fault}, got ${JSON.stringify(item).slice(0, 200)}`);
  });
  return { seed, nodes, runMs, items };
}

function faultOf(item: PlanItem, names: readonly string[]): string | null {
  if (!FAULT_KINDS.includes(item.kind)) return `a kind out of ${FAULT_KINDS.join(', ')}`;
  if (!isCount(item.atMs) || !isCount(item.forMs) || !isCount(item.amount)) return 'atMs, forMs and amount';
  if (!Array.isArray(item.nodes) || !item.nodes.every((name) => names.includes(name))) return `nodes out of ${names.join(', ')}`;
  const isLink = (link: unknown): boolean =>
    typeof link === 'string' && link.split('>').length === 2 && link.split('>').every((it) => names.includes(it));
  return Array.isArray(item.links) && item.links.every(isLink) ? null : 'links like n1>n2';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
