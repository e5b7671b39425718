/** LocalSide: what this replica has under leaves and tokens, read for an exchange: for the peer that asks and for the one that compares. */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { KeyRange } from '../../storage/engine/api.ts';
import { ENGINE_KEY_PREFIX_BYTES, tokenHighOf, tokenLowOf } from '../store/engine-key.ts';
import { rangeOfTokens } from '../store/engine-range.ts';
import { STORAGE_FAILED } from '../store/store-request.ts';
import { DIGEST_BYTES } from '../version/digest.ts';
import { RecordView } from '../version/record-view.ts';
import { Digester } from './entry-hash.ts';
import { leafStart } from './leaves.ts';
import { compareTokens, Pairs, type Token } from './pairs.ts';
import type { Fault, RangeReads } from './range-reads.ts';
import { putEntry } from './repair-entries.ts';

const LAST_LOW = 0xffff_ffff;
const NO_KEY = new Uint8Array(0);
const ENTRIES_BYTES = 4_096;
/** A frame is 8 MiB at most; the longest record with the longest key fits. */
const ENTRIES_BYTES_MAX = 8 * 1_024 * 1_024 - 131_072;

export type OnPairs = (fault: Fault | undefined, pairs: Pairs) => void;
/** `entries`: of the first `items` of what was asked for. */
export type OnEntries = (fault: Fault | undefined, entries: OutBuffer, items: number) => void;

export class LocalSide {
  readonly #reads: RangeReads;
  readonly #record = new RecordView();
  readonly #digester: Digester;

  constructor(reads: RangeReads, mutants?: ReadonlySet<string>) {
    this.#reads = reads;
    this.#digester = new Digester(new OutBuffer(16, DIGEST_BYTES * 2), mutants);
  }

  /** What is in these leaves of a partition, which rise, from a token on; some `most` pairs, of whole tokens. */
  pairs(
    keyspace: number,
    partition: number,
    partitions: number,
    leaves: readonly number[],
    from: Token,
    most: number,
    done: OnPairs,
  ): void {
    const ranges: KeyRange[] = [];
    for (let i = 0; i < leaves.length; ) {
      let end = i + 1;
      while (end < leaves.length && leaves[end] === leaves[end - 1]! + 1) end++;
      const start = { high: leafStart(partition, leaves[i]!, partitions), low: 0 };
      const last = { high: leafStart(partition, leaves[end - 1]! + 1, partitions) - 1, low: LAST_LOW };
      i = end;
      if (compareTokens(last, from) < 0) continue;
      const first = compareTokens(start, from) < 0 ? from : start;
      ranges.push(rangeOfTokens(keyspace, first.high, first.low, NO_KEY, last.high, last.low));
    }
    this.#pairsOf(ranges, most, new Pairs(), done);
  }

  #pairsOf(ranges: readonly KeyRange[], most: number, pairs: Pairs, done: OnPairs): void {
    const [range, ...others] = ranges;
    if (range === undefined) return done(undefined, pairs);
    let isFull = false;
    this.#reads.read(range, {
      entry: (key, value) => {
        this.#record.open(value, 0, value.length);
        if (!this.#digester.take(this.#record)) return true;
        if (pairs.length >= most && !isLast(pairs, key)) {
          isFull = true;
          return false;
        }
        // Of one token there may be any number: then more than `most` are said, up to a bound.
        if (pairs.length >= most * 2) return true;
        pairs.add(tokenHighOf(key), tokenLowOf(key), this.#digester.high, this.#digester.low);
        return true;
      },
      ended: (fault) => {
        if (fault !== undefined) return done(fault, pairs);
        if (!isFull) return this.#pairsOf(others, most, pairs, done);
        pairs.covered = pairs.token(pairs.length - 1);
        done(undefined, pairs);
      },
    });
  }

  /**
   * Entries of the keys with these tokens, whole or without values; of those with a digest that is not 0 only what has that one. As many items as have room in `bytesMax`, but at least one.
   */
  entries(keyspace: number, wanted: Pairs, isWhole: boolean, bytesMax: number, done: OnEntries): void {
    const out = new OutBuffer(ENTRIES_BYTES, ENTRIES_BYTES_MAX);
    this.#entriesFrom(keyspace, wanted, 0, isWhole, bytesMax, out, done);
  }

  #entriesFrom(keyspace: number, wanted: Pairs, i: number, isWhole: boolean, bytesMax: number, out: OutBuffer, done: OnEntries): void {
    if (i === wanted.length || (i > 0 && out.length >= bytesMax)) return done(undefined, out, i);
    const { length } = out;
    const token = wanted.token(i);
    let hasRoom = true;
    this.#reads.read(rangeOfTokens(keyspace, token.high, token.low, NO_KEY, token.high, token.low), {
      entry: (key, value) => {
        const record = this.#record;
        record.open(value, 0, value.length);
        if (!this.#digester.take(record) || !this.#isWanted(wanted, i)) return true;
        hasRoom = putEntry(out, token, key, ENGINE_KEY_PREFIX_BYTES, record, this.#digester, isWhole);
        return hasRoom;
      },
      ended: (fault) => {
        if (fault !== undefined) return done(fault, out, i);
        if (hasRoom) return this.#entriesFrom(keyspace, wanted, i + 1, isWhole, bytesMax, out, done);
        out.length = length;
        if (i > 0) return done(undefined, out, i);
        done({ status: STORAGE_FAILED, message: 'the records of a token are too many for a frame' }, out, 0);
      },
    });
  }

  #isWanted(wanted: Pairs, i: number): boolean {
    const [high, low] = [wanted.digestHigh(i), wanted.digestLow(i)];
    return (high === 0 && low === 0) || (high === this.#digester.high >>> 0 && low === this.#digester.low >>> 0);
  }
}

function isLast(pairs: Pairs, key: Uint8Array): boolean {
  const i = pairs.length - 1;
  return pairs.high(i) === tokenHighOf(key) && pairs.low(i) === tokenLowOf(key);
}

/** Of a record as it came: its digest is what was said of it. */
export function hasDigest(
  record: RecordView,
  digest: { readonly digestHigh: number; readonly digestLow: number },
  out: OutBuffer,
): boolean {
  const digester = new Digester(out);
  digester.take(record);
  return digester.high >>> 0 === digest.digestHigh && digester.low >>> 0 === digest.digestLow;
}
