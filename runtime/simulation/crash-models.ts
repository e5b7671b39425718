/**
 * What is left on a simulated disk when the power goes: for each edit that was not synced, whether it survives, and how. The contract
 * of `files.ts` allows any choice; these are those that have broken storage engines (Pillai et al., OSDI 2014; ALICE).
 */
import { BugError, unreachable } from '../errors.ts';
import { SeededRandom } from '../random.ts';
import type { SimBytes } from './sim-bytes.ts';
import { applyNames, applyToFile, type FileEdit, type NamesEdit, type SimNode } from './sim-inode.ts';

export const SECTOR_BYTES = 512;

/** An edit that was not synced, as the models see it. */
export interface PendingEdit {
  /** Among all pending ones of the disk, in the order in which they took effect. */
  readonly index: number;
  /** `names`: a directory's entries, those of one call. */
  readonly kind: 'write' | 'truncate' | 'names';
  /** Of the file or directory. */
  readonly path: string;
  /** Of a write; of a truncate the new length. Else 0. */
  readonly offset: number;
  /** Bytes of a write; else 0. */
  readonly length: number;
}

export type Survival =
  | 'lost'
  | 'whole'
  /** Of a write, the bytes from `start` to before `end`; other edits survive whole. */
  | { readonly start: number; readonly end: number }
  /** Of a write, the size it gives the file and not its content: what was there stays, what is new is filled. Other edits survive whole. */
  | { readonly filled: 'zeros' | 'garbage' };

export interface CrashModel {
  readonly name: string;
  survivalOf(edit: PendingEdit): Survival;
}

export const LOSE_ALL: CrashModel = { name: 'none survives', survivalOf: () => 'lost' };
export const KEEP_ALL: CrashModel = { name: 'all survive', survivalOf: () => 'whole' };
export const NAMES_ONLY: CrashModel = {
  name: 'names survive, content is lost',
  survivalOf: ({ kind }) => (kind === 'names' ? 'whole' : 'lost'),
};
export const CONTENT_ONLY: CrashModel = {
  name: 'content survives, names are lost',
  survivalOf: ({ kind }) => (kind === 'names' ? 'lost' : 'whole'),
};

export function keepPrefix(count: number): CrashModel {
  return { name: `the first ${count} survive`, survivalOf: ({ index }) => (index < count ? 'whole' : 'lost') };
}

/** As on a file system whose directories are written ahead of the data. */
export function keepPrefixAndNames(count: number): CrashModel {
  return {
    name: `all names and the first ${count} survive`,
    survivalOf: ({ index, kind }) => (index < count || kind === 'names' ? 'whole' : 'lost'),
  };
}

export function omitOne(omitted: number): CrashModel {
  return { name: `all but edit ${omitted} survive`, survivalOf: ({ index }) => (index === omitted ? 'lost' : 'whole') };
}

/** The write `torn` survives up to before its byte `end`, and what was before it; `later` says whether also what came after. */
export function tear(torn: number, end: number, later: 'lost' | 'whole' = 'lost'): CrashModel {
  return {
    name: `edit ${torn} is torn at byte ${end}, later ones are ${later}`,
    survivalOf: ({ index }) => (index < torn ? 'whole' : index === torn ? { start: 0, end } : later),
  };
}

/** From edit `first` on writes leave their size only. */
export function fillFrom(first: number, filled: 'zeros' | 'garbage'): CrashModel {
  return { name: `from edit ${first} on content is ${filled}`, survivalOf: ({ index }) => (index < first ? 'whole' : { filled }) };
}

/** Each edit is lost, whole or torn at a sector, by chance. */
export function keepRandom(seed: number): CrashModel {
  return {
    name: `random subset ${seed}`,
    survivalOf: ({ index, kind, length }) => {
      const random = new SeededRandom(`${seed}:${index}`);
      const draw = random.below(5);
      if (draw < 2) return 'lost';
      if (draw < 4 || kind !== 'write' || length <= SECTOR_BYTES) return 'whole';
      const cut = SECTOR_BYTES * (1 + random.below(Math.ceil(length / SECTOR_BYTES) - 1));
      return random.chance(0.5) ? { start: 0, end: cut } : { start: cut, end: length };
    },
  };
}

/** Kinds of models, as they stand in plan files: append only. */
export const SURVIVORS = [
  'none',
  'all',
  'names',
  'content',
  'prefix',
  'prefixAndNames',
  'allButOne',
  'torn',
  'zeros',
  'garbage',
  'random',
] as const;
export type Survivors = (typeof SURVIVORS)[number];

/** The model of a kind for these edits; `draw`, a u32, says which edit and which byte, where there is a choice. */
export function drawnModel(survives: Survivors, draw: number, pending: readonly PendingEdit[]): CrashModel {
  const random = new SeededRandom(draw);
  const edit = random.below(Math.max(1, pending.length));
  switch (survives) {
    case 'none':
      return LOSE_ALL;
    case 'all':
      return KEEP_ALL;
    case 'names':
      return NAMES_ONLY;
    case 'content':
      return CONTENT_ONLY;
    case 'prefix':
      return keepPrefix(edit);
    case 'prefixAndNames':
      return keepPrefixAndNames(edit);
    case 'allButOne':
      return omitOne(edit);
    case 'torn':
      return tear(edit, random.below(Math.max(1, pending[edit]?.length ?? 1)), random.chance(0.5) ? 'whole' : 'lost');
    case 'zeros':
    case 'garbage':
      return fillFrom(edit, survives);
    case 'random':
      return keepRandom(draw);
    default:
      return unreachable(survives);
  }
}

export interface CrashChoices {
  /** Where writes are torn: at each multiple of it, from the file's beginning. 1: at every byte. 0: nowhere. Default 512. */
  readonly tearBytes?: number;
  /** Random subsets. Default 0. */
  readonly randomCount?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Every choice of the kinds above for these edits. With none pending that is one. Count: some 6 per edit, and one per tear. */
export function allCrashModels(pending: readonly PendingEdit[], choices: CrashChoices = {}): readonly CrashModel[] {
  const { tearBytes = SECTOR_BYTES, randomCount = 0, seed = 1 } = choices;
  if (pending.length === 0) return [LOSE_ALL];
  const models: CrashModel[] = [LOSE_ALL, KEEP_ALL];
  if (pending.some(({ kind }) => kind === 'names') && pending.some(({ kind }) => kind !== 'names')) models.push(NAMES_ONLY, CONTENT_ONLY);
  for (const { index, kind, offset, length } of pending) {
    if (index > 0) models.push(keepPrefix(index), keepPrefixAndNames(index));
    if (pending.length > 1) models.push(omitOne(index));
    if (kind !== 'write') continue;
    models.push(fillFrom(index, 'zeros'), fillFrom(index, 'garbage'));
    if (tearBytes === 0) continue;
    const first = tearBytes - (offset % tearBytes);
    for (let end = first; end < length; end += tearBytes) {
      models.push(tear(index, end));
      if (index < pending.length - 1) models.push(tear(index, end, 'whole'));
    }
  }
  for (let i = 0; i < randomCount; i++) models.push(keepRandom(seed + i));
  return models;
}

/** Makes of an edit durable what survives of it. */
export function applySurvival(node: SimNode, edit: FileEdit | NamesEdit, survival: Survival): void {
  if (survival === 'lost') return;
  if (node.kind === 'directory') {
    if (edit.kind !== 'names') throw new BugError('disk: an edit of a file in a directory');
    applyNames(node.durable, edit);
  } else if (edit.kind === 'names') {
    throw new BugError('disk: an edit of a directory in a file');
  } else if (survival === 'whole' || edit.kind === 'truncate') {
    applyToFile(node.durable, edit);
  } else if ('filled' in survival) {
    fill(node.durable, edit, survival.filled);
  } else {
    node.durable.write(edit.bytes.subarray(survival.start, survival.end), edit.offset + survival.start);
  }
}

function fill(durable: SimBytes, edit: FileEdit & { readonly kind: 'write' }, filled: 'zeros' | 'garbage'): void {
  const end = edit.offset + edit.bytes.length;
  const from = Math.max(durable.length, edit.offset);
  if (end <= durable.length) return;
  durable.truncate(end);
  if (filled === 'zeros') return;
  const random = new SeededRandom(`garbage:${edit.sequence}`);
  durable.write(
    Uint8Array.from({ length: end - from }, () => random.below(256)),
    from,
  );
}
