/**
 * Conditions of the simulated network: for each ordered pair of nodes, how long things take, what is lost, and whether anything gets
 * through at all. Both fidelities ask the same `Path`.
 */
import { invalidArgument } from '../errors.ts';
import type { SeededRandom } from '../random.ts';
import { checkDistribution, type Distribution, sampleUs } from './distribution.ts';

/** One direction between two nodes. */
export interface LinkQuality {
  /** One way. */
  readonly delay: Distribution;
  /** Kilobytes per second, for each connection; 0: no limit. */
  readonly bandwidthKBps: number;
  /** Share of sends that TCP has to repeat: they, and all behind them, are late by `retransmitMs`. */
  readonly retransmitRatio: number;
  readonly retransmitMs: number;
  /** Fidelity 'bytes': what is written arrives in pieces of 1 to this many bytes. */
  readonly chunkBytesMax: number;
  /** Fidelity 'frames': share of flushes whose frames arrive one by one, with others' between them. */
  readonly splitRatio: number;
  // Beyond what TCP does, and only in the fidelity 'frames': for actors that promise to live with it.
  /** Share of frames that are silently lost. */
  readonly lossRatio: number;
  /** Share of frames that arrive twice. */
  readonly duplicateRatio: number;
  /** Share of frames that later ones may overtake. */
  readonly reorderRatio: number;
}

export const PERFECT_QUALITY: LinkQuality = {
  delay: { kind: 'constant', ms: 0.1 },
  bandwidthKBps: 0,
  retransmitRatio: 0,
  retransmitMs: 200,
  chunkBytesMax: 65_536,
  splitRatio: 0,
  lossRatio: 0,
  duplicateRatio: 0,
  reorderRatio: 0,
};

const RATIOS = ['retransmitRatio', 'splitRatio', 'lossRatio', 'duplicateRatio', 'reorderRatio'] as const;

/** Throws INVALID_ARGUMENT when a field, which may come from a file, is out of its range. */
export function checkQuality(quality: Partial<LinkQuality>): void {
  if (quality.delay !== undefined) checkDistribution(quality.delay, 'quality: delay');
  for (const name of RATIOS) {
    const ratio = quality[name];
    if (ratio !== undefined && !(ratio >= 0 && ratio <= 1)) throw invalidArgument(`quality: expected ${name} from 0 to 1, got ${ratio}`);
  }
  if (quality.chunkBytesMax !== undefined && !(quality.chunkBytesMax >= 1)) {
    throw invalidArgument(`quality: expected chunkBytesMax of at least 1, got ${quality.chunkBytesMax}`);
  }
}

/** The way from one node to another. */
export class Path {
  readonly from: string;
  readonly to: string;
  readonly random: SeededRandom;
  /** As it is now. */
  quality: LinkQuality;
  readonly #base: LinkQuality;
  /** Faults that are on, in the order they came. */
  readonly #faults = new Set<Partial<LinkQuality>>();
  /** How many faults that let nothing through are on at the moment: cuts, and clogs. */
  cuts = 0;
  clogs = 0;
  /** Told when `isBlocked` changes; in the order they were added. */
  readonly users = new Set<PathUser>();

  constructor(from: string, to: string, random: SeededRandom, quality: LinkQuality) {
    this.from = from;
    this.to = to;
    this.random = random;
    this.quality = quality;
    this.#base = quality;
  }

  /** Replaces some fields until `restore` is called with the same object. */
  degrade(fault: Partial<LinkQuality>): void {
    this.#faults.add(fault);
    this.quality = { ...this.quality, ...fault };
  }

  restore(fault: Partial<LinkQuality>): void {
    this.#faults.delete(fault);
    this.quality = Object.assign({}, this.#base, ...this.#faults);
  }

  get isBlocked(): boolean {
    return this.cuts > 0 || this.clogs > 0;
  }

  /** Microseconds that `bytes` bytes take, with what has to be repeated. */
  delayUs(bytes: number): number {
    const { delay, bandwidthKBps, retransmitRatio, retransmitMs } = this.quality;
    let us = sampleUs(delay, this.random);
    if (bandwidthKBps > 0) us += (bytes * 1000) / bandwidthKBps;
    if (retransmitRatio > 0 && this.random.chance(retransmitRatio)) us += retransmitMs * 1000;
    return us;
  }
}

/** A connection that uses a path. */
export interface PathUser {
  /** It is blocked from now on. */
  blocked(): void;
  /** It is open again; what waited there goes on after so many microseconds. */
  opened(afterUs: number): void;
}

export class Conditions {
  readonly #random: SeededRandom;
  readonly #quality: LinkQuality;
  readonly #paths = new Map<string, Path>();

  constructor(random: SeededRandom, quality: LinkQuality) {
    this.#random = random;
    this.#quality = quality;
  }

  path(from: string, to: string): Path {
    const key = `${from}>${to}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = new Path(from, to, this.#random.fork(key), this.#quality);
      this.#paths.set(key, path);
    }
    return path;
  }

  /** Lets nothing through from one node to another until the same is taken back with -1. Faults of one path add up. */
  cut(from: string, to: string, by: 1 | -1): void {
    this.#change(this.path(from, to), (path) => {
      path.cuts += by;
    });
  }

  /** As `cut`, of a way that is not broken but full: what is under way goes on at once when it is over. */
  clog(from: string, to: string, by: 1 | -1): void {
    this.#change(this.path(from, to), (path) => {
      path.clogs += by;
    });
  }

  #change(path: Path, change: (path: Path) => void): void {
    const { isBlocked: wasBlocked, cuts } = path;
    change(path);
    if (path.isBlocked === wasBlocked) return;
    // After a cut TCP sends again what was lost only when its timer fires; a clogged way just goes on.
    const delayMaxUs = cuts > 0 ? path.quality.retransmitMs * 1000 : 0;
    for (const user of [...path.users]) {
      if (path.isBlocked) user.blocked();
      else user.opened(path.random.below(delayMaxUs + 1));
    }
  }
}
