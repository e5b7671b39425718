/**
 * Plan: what befalls a simulated world, as data, made before the run starts. Taking one item out changes no other, which is what makes
 * a failing plan shrinkable. Names of nodes and shards that do not exist are an error; a fault on what is already down has no effect.
 */
import { invalidArgument } from '../errors.ts';
import { checkQuality, type LinkQuality } from './conditions.ts';
import { SURVIVORS, type Survivors } from './crash-models.ts';
import { DISK_OPERATIONS, type DiskOperation } from './disk-faults.ts';

export type PlanItem =
  /** The process ends; `silent`: the machine loses power, so that nobody is told and what was not synced is lost. Starts again after `forMs`. */
  | { readonly kind: 'crash'; readonly atMs: number; readonly node: string; readonly forMs: number; readonly silent: boolean }
  /** One worker thread dies and is started again. */
  | { readonly kind: 'killShard'; readonly atMs: number; readonly node: string; readonly shard: number; readonly forMs: number }
  /** The node stands still, then does everything that has piled up. */
  | { readonly kind: 'pause'; readonly atMs: number; readonly node: string; readonly forMs: number }
  /** One thread of it does. */
  | { readonly kind: 'hang'; readonly atMs: number; readonly node: string; readonly shard: number; readonly forMs: number }
  /** All work of the node costs so many times more. */
  | { readonly kind: 'slow'; readonly atMs: number; readonly node: string; readonly factor: number; readonly forMs: number }
  /** Nothing gets from these nodes to those, nor back unless `oneWay`. */
  | {
      readonly kind: 'cut';
      readonly atMs: number;
      readonly from: readonly string[];
      readonly to: readonly string[];
      readonly forMs: number;
      readonly oneWay: boolean;
    }
  /** Everything on this way is held, then let go in its order. */
  | { readonly kind: 'clog'; readonly atMs: number; readonly from: string; readonly to: string; readonly forMs: number }
  /** All connections between two nodes break. */
  | { readonly kind: 'reset'; readonly atMs: number; readonly a: string; readonly b: string }
  /** Some qualities of this way are others for a while. */
  | {
      readonly kind: 'degrade';
      readonly atMs: number;
      readonly from: string;
      readonly to: string;
      readonly forMs: number;
      readonly quality: Partial<LinkQuality>;
    }
  /** The wall clock is set: the monotonic one goes on. */
  | { readonly kind: 'jump'; readonly atMs: number; readonly node: string; readonly byMs: number }
  /** The monotonic clock runs fast or slow by parts per million. */
  | { readonly kind: 'drift'; readonly atMs: number; readonly node: string; readonly ppm: number; readonly forMs: number }
  /**
   * The machine loses power, as a silent crash, and of what was not synced `survives` some, `draw` (any u32) saying which. `atCall`: 0: at once; else at
   * that call to its disk, counted from `atMs` on, if it comes in time. The machine has power again at `atMs + forMs`.
   */
  | {
      readonly kind: 'powerLoss';
      readonly atMs: number;
      readonly node: string;
      readonly forMs: number;
      readonly survives: Survivors;
      readonly draw: number;
      readonly atCall: number;
    }
  /** A silent crash, after which the machine has what was durable on its disk at `savedAtMs`, which is not after `atMs`. */
  | { readonly kind: 'rollback'; readonly atMs: number; readonly node: string; readonly forMs: number; readonly savedAtMs: number }
  /** A silent crash, after which the disk is empty. */
  | { readonly kind: 'wipe'; readonly atMs: number; readonly node: string; readonly forMs: number }
  /** A silent crash of both, after which each has the disk of the other. No effect when one is down. */
  | { readonly kind: 'swap'; readonly atMs: number; readonly a: string; readonly b: string; readonly forMs: number }
  /** A silent crash, after which the machine has a copy of what is durable on the disk of `of` at `atMs`. */
  | { readonly kind: 'copy'; readonly atMs: number; readonly node: string; readonly of: string; readonly forMs: number }
  /** Calls through the file system door of the node take so many times longer. Jobs of its pool don't. */
  | { readonly kind: 'slowDisk'; readonly atMs: number; readonly node: string; readonly factor: number; readonly forMs: number }
  /** All calls of that operation to files with `path` in their path fail, with that code. */
  | {
      readonly kind: 'diskError';
      readonly atMs: number;
      readonly node: string;
      readonly forMs: number;
      readonly operation: DiskOperation;
      readonly path: string;
      readonly code: string;
    }
  /** One bit of what is stored, in some file with `path` in its path, is wrong from now on; `draw` (any u32) says which. No effect where there is no such file. */
  | { readonly kind: 'rot'; readonly atMs: number; readonly node: string; readonly path: string; readonly draw: number }
  /** No fault: the workload itself is to do something at that node, which it knows by name; `draw` (any u32) says the rest. */
  | { readonly kind: 'act'; readonly atMs: number; readonly node: string; readonly action: string; readonly draw: number };

export type FaultKind = PlanItem['kind'];
export type ActItem = Extract<PlanItem, { kind: 'act' }>;

type FieldType = 'string' | 'number' | 'boolean' | 'names' | 'quality' | 'survivors' | 'operation';

const FIELDS: Readonly<Record<FaultKind, Readonly<Record<string, FieldType>>>> = {
  crash: { atMs: 'number', node: 'string', forMs: 'number', silent: 'boolean' },
  killShard: { atMs: 'number', node: 'string', shard: 'number', forMs: 'number' },
  pause: { atMs: 'number', node: 'string', forMs: 'number' },
  hang: { atMs: 'number', node: 'string', shard: 'number', forMs: 'number' },
  slow: { atMs: 'number', node: 'string', factor: 'number', forMs: 'number' },
  cut: { atMs: 'number', from: 'names', to: 'names', forMs: 'number', oneWay: 'boolean' },
  clog: { atMs: 'number', from: 'string', to: 'string', forMs: 'number' },
  reset: { atMs: 'number', a: 'string', b: 'string' },
  degrade: { atMs: 'number', from: 'string', to: 'string', forMs: 'number', quality: 'quality' },
  jump: { atMs: 'number', node: 'string', byMs: 'number' },
  drift: { atMs: 'number', node: 'string', ppm: 'number', forMs: 'number' },
  powerLoss: { atMs: 'number', node: 'string', forMs: 'number', survives: 'survivors', draw: 'number', atCall: 'number' },
  rollback: { atMs: 'number', node: 'string', forMs: 'number', savedAtMs: 'number' },
  wipe: { atMs: 'number', node: 'string', forMs: 'number' },
  swap: { atMs: 'number', a: 'string', b: 'string', forMs: 'number' },
  copy: { atMs: 'number', node: 'string', of: 'string', forMs: 'number' },
  slowDisk: { atMs: 'number', node: 'string', factor: 'number', forMs: 'number' },
  diskError: { atMs: 'number', node: 'string', forMs: 'number', operation: 'operation', path: 'string', code: 'string' },
  rot: { atMs: 'number', node: 'string', path: 'string', draw: 'number' },
  act: { atMs: 'number', node: 'string', action: 'string', draw: 'number' },
};

/** Checks a plan that may come from a file. Throws INVALID_ARGUMENT, naming item and field. */
export function checkPlan(plan: unknown): asserts plan is readonly PlanItem[] {
  if (!Array.isArray(plan)) throw invalidArgument('plan: expected an array of items');
  for (const [index, item] of (plan as unknown[]).entries()) {
    const fields = isRecord(item) ? FIELDS[item.kind as FaultKind] : undefined;
    if (!isRecord(item) || fields === undefined)
      throw invalidArgument(`plan item ${index}: expected a known kind, got ${JSON.stringify(item)}`);
    for (const [name, type] of Object.entries(fields)) {
      if (!isOfType(item[name], type)) throw invalidArgument(`plan item ${index} (${String(item.kind)}): expected ${name} to be ${type}`);
    }
    if (item.kind === 'degrade') checkQuality(item.quality as Partial<LinkQuality>);
    if (item.kind === 'rollback' && (item.savedAtMs as number) > (item.atMs as number))
      throw invalidArgument(
        `plan item ${index} (rollback): expected savedAtMs of at most ${String(item.atMs)}, got ${String(item.savedAtMs)}`,
      );
  }
}

function isOfType(value: unknown, type: FieldType): boolean {
  if (type === 'names') return Array.isArray(value) && value.every((name) => typeof name === 'string');
  if (type === 'quality') return isRecord(value);
  if (type === 'operation') return DISK_OPERATIONS.includes(value as DiskOperation);
  if (type === 'survivors') return SURVIVORS.includes(value as Survivors);
  return typeof value === type && (type !== 'number' || Number.isFinite(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** When the last effect of a plan is over, in ms. */
export function planEndMs(plan: readonly PlanItem[]): number {
  return plan.reduce((end, item) => Math.max(end, item.atMs + ('forMs' in item ? item.forMs : 0)), 0);
}

/** One line for a person. */
export function describeItem(item: PlanItem): string {
  const { kind, atMs, ...rest } = item;
  const fields = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
  );
  return `${atMs.toFixed(1)} ms ${kind} ${fields.join(' ')}`;
}

/** Items that do less than this one, the mildest first. */
export function milderItems(item: PlanItem): PlanItem[] {
  const milder: PlanItem[] = [];
  if ('forMs' in item && item.forMs > 2) {
    milder.push({ ...item, forMs: 1 }, { ...item, forMs: Math.round(item.forMs / 4) }, { ...item, forMs: Math.round(item.forMs / 2) });
  }
  if (item.kind === 'crash' && item.silent) milder.push({ ...item, silent: false });
  milder.push(...milderDisks(item));
  if (item.kind === 'cut') {
    if (item.from.length > 1) milder.push(...item.from.map((name) => ({ ...item, from: [name] })));
    if (item.to.length > 1) milder.push(...item.to.map((name) => ({ ...item, to: [name] })));
  }
  if (item.kind === 'degrade') {
    for (const name of Object.keys(item.quality)) {
      const { [name as keyof LinkQuality]: _dropped, ...quality } = item.quality;
      if (Object.keys(quality).length > 0) milder.push({ ...item, quality });
    }
  }
  return milder;
}

/** Of those that leave a disk other than it was: a crash that does not, or one that leaves more of it. */
function milderDisks(item: PlanItem): PlanItem[] {
  const { atMs } = item;
  const crash = (node: string, forMs: number): PlanItem => ({ kind: 'crash', atMs, node, forMs, silent: true });
  switch (item.kind) {
    case 'powerLoss': {
      const milder = [crash(item.node, item.forMs)];
      if (item.survives !== 'none') milder.push({ ...item, survives: 'none', draw: 0 });
      if (item.atCall > 0) milder.push({ ...item, atCall: 0 });
      return milder;
    }
    case 'rollback': {
      const { node, forMs, savedAtMs } = item;
      const later = Math.round((savedAtMs + atMs) / 2);
      return later > savedAtMs && later <= atMs ? [crash(node, forMs), { ...item, savedAtMs: later }] : [crash(node, forMs)];
    }
    case 'wipe':
      return [crash(item.node, item.forMs)];
    case 'swap': {
      const { a, b, forMs } = item;
      const copies: PlanItem[] = [
        { kind: 'copy', atMs, node: a, of: b, forMs },
        { kind: 'copy', atMs, node: b, of: a, forMs },
      ];
      return [crash(a, forMs), crash(b, forMs), ...copies];
    }
    case 'copy':
      return [crash(item.node, item.forMs)];
    default:
      return [];
  }
}
