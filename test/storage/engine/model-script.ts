/** Scripts of what can be done with an engine, as plain data that fast-check makes and shrinks. */
import fc from 'fast-check';
import type { Durability, KeyRange } from '../../../storage/engine/api.ts';

export interface ScriptOptions {
  readonly codec: 'none' | 'deflate';
  readonly inlineReads: boolean;
  readonly keepFlushed: boolean;
  readonly cacheBytes: number;
  readonly memtablesMax: number;
}

/** Keys, snapshots and iterators are indexes, modulo how many there are. `wait` false: later steps don't wait for the answer. */
export type Step =
  | {
      readonly op: 'put';
      readonly key: number;
      readonly bytes: number;
      readonly durability: Durability | undefined;
      readonly wait: boolean;
    }
  | { readonly op: 'delete'; readonly key: number; readonly wait: boolean }
  | { readonly op: 'deleteRange'; readonly key: number; readonly end: number; readonly wait: boolean }
  | { readonly op: 'batch'; readonly changes: readonly BatchChange[]; readonly wait: boolean }
  | { readonly op: 'fill'; readonly from: number; readonly count: number; readonly bytes: number }
  | { readonly op: 'get'; readonly key: number; readonly snapshot: number | undefined; readonly wait: boolean }
  | { readonly op: 'getMany'; readonly keys: readonly number[]; readonly snapshot: number | undefined; readonly wait: boolean }
  | {
      readonly op: 'iterator';
      readonly range: RangeIndexes;
      readonly reverse: boolean;
      readonly values: boolean;
      readonly snapshot: number | undefined;
    }
  | { readonly op: 'next'; readonly iterator: number; readonly count: number; readonly bytes: number; readonly wait: boolean }
  | { readonly op: 'seek'; readonly iterator: number; readonly key: number }
  | { readonly op: 'closeIterator'; readonly iterator: number }
  | { readonly op: 'snapshot' }
  | { readonly op: 'release'; readonly snapshot: number }
  | { readonly op: 'flush'; readonly wait: boolean }
  | { readonly op: 'compact'; readonly range: RangeIndexes; readonly wait: boolean }
  | { readonly op: 'scan'; readonly reverse: boolean }
  | { readonly op: 'reopen'; readonly how: 'close' | 'closeBusy' | 'kill'; readonly options: ScriptOptions }
  | { readonly op: 'readOnly' }
  | { readonly op: 'checkpoint'; readonly readOnly: boolean }
  | { readonly op: 'settle' };

export interface BatchChange {
  readonly kind: 'put' | 'delete' | 'deleteRange';
  readonly key: number;
  readonly end: number;
  readonly bytes: number;
}

export type RangeIndexes = { readonly [bound in keyof KeyRange]?: number | undefined };

export interface Script {
  readonly options: ScriptOptions;
  readonly steps: readonly Step[];
}

export const FILL_KEYS = 120;
const FILL = Array.from({ length: FILL_KEYS }, (_, i) => Buffer.from(`fill/${String(i).padStart(3, '0')}`));
const SHORT = [
  '',
  '\0',
  '\0\0',
  'a',
  'a\0',
  'aa',
  'aaa',
  'aab',
  'ab',
  'b',
  'b\xff',
  'b\xff\xff',
  'c',
  'fill',
  'fill/',
  'fill/05',
  'g',
  '\xff',
].map((text) => Buffer.from(text, 'latin1'));
const LONG = [
  Buffer.alloc(65_536, 'a'),
  Buffer.alloc(65_535, 'a'),
  Buffer.concat([Buffer.alloc(65_535, 'a'), Buffer.from('b')]),
  Buffer.alloc(65_536, 0xff),
];
export const KEYS: readonly Buffer[] = [...FILL, ...SHORT, ...LONG];
/** With the longest key, all that a memtable holds. */
export const VALUE_BYTES_MAX = 128 * 1_024 - 4_096 - 65_536 - 16;

const key = fc.oneof(
  { arbitrary: fc.nat(FILL_KEYS - 1), weight: 12 },
  { arbitrary: fc.nat(SHORT.length - 1).map((i) => FILL_KEYS + i), weight: 12 },
  { arbitrary: fc.nat(LONG.length - 1).map((i) => FILL_KEYS + SHORT.length + i), weight: 1 },
);
const bytes = fc.oneof(
  { arbitrary: fc.constantFrom(0, 1, 30, 100), weight: 10 },
  { arbitrary: fc.constantFrom(400, 3_000), weight: 3 },
  { arbitrary: fc.constantFrom(40_000, VALUE_BYTES_MAX), weight: 1 },
);
const wait = fc.boolean();
const snapshot = fc.option(fc.nat(5), { nil: undefined, freq: 2 });
const bound = fc.option(key, { nil: undefined, freq: 1 });
const range: fc.Arbitrary<RangeIndexes> = fc.record({ gt: bound, gte: bound, lt: bound, lte: bound });
const durability = fc.constantFrom<Durability | undefined>('sync', 'periodic', 'none', undefined);
export const scriptOptions: fc.Arbitrary<ScriptOptions> = fc.record({
  codec: fc.constantFrom('none', 'deflate'),
  inlineReads: fc.boolean(),
  keepFlushed: fc.nat(3).map((i) => i === 0),
  cacheBytes: fc.constantFrom(0, 4_096, 1 << 20),
  memtablesMax: fc.constantFrom(1, 2, 3, 4),
});
const change: fc.Arbitrary<BatchChange> = fc.record({
  kind: fc.constantFrom('put', 'put', 'put', 'delete', 'deleteRange'),
  key,
  end: key,
  bytes: fc.constantFrom(0, 10, 200),
});

function op<T extends string>(name: T): fc.Arbitrary<T> {
  return fc.constant(name);
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: op('put'), key, bytes, durability, wait }) },
  { weight: 5, arbitrary: fc.record({ op: op('delete'), key, wait }) },
  { weight: 4, arbitrary: fc.record({ op: op('deleteRange'), key, end: key, wait }) },
  { weight: 4, arbitrary: fc.record({ op: op('batch'), changes: fc.array(change, { maxLength: 8 }), wait }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: op('fill'),
      from: fc.nat(FILL_KEYS - 1),
      count: fc.integer({ min: 1, max: FILL_KEYS }),
      bytes: fc.constantFrom(5, 100, 900),
    }),
  },
  { weight: 10, arbitrary: fc.record({ op: op('get'), key, snapshot, wait }) },
  { weight: 3, arbitrary: fc.record({ op: op('getMany'), keys: fc.array(key, { maxLength: 10 }), snapshot, wait }) },
  { weight: 5, arbitrary: fc.record({ op: op('iterator'), range, reverse: fc.boolean(), values: fc.boolean(), snapshot }) },
  {
    weight: 10,
    arbitrary: fc.record({
      op: op('next'),
      iterator: fc.nat(5),
      count: fc.integer({ min: 1, max: 50 }),
      bytes: fc.constantFrom(1, 500, 1 << 20),
      wait,
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: op('seek'), iterator: fc.nat(5), key }) },
  { weight: 1, arbitrary: fc.record({ op: op('closeIterator'), iterator: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ op: op('snapshot') }) },
  { weight: 1, arbitrary: fc.record({ op: op('release'), snapshot: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.record({ op: op('flush'), wait }) },
  { weight: 2, arbitrary: fc.record({ op: op('compact'), range, wait }) },
  { weight: 1, arbitrary: fc.record({ op: op('scan'), reverse: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: op('reopen'), how: fc.constantFrom('close', 'closeBusy', 'kill'), options: scriptOptions }) },
  { weight: 1, arbitrary: fc.record({ op: op('readOnly') }) },
  { weight: 1, arbitrary: fc.record({ op: op('checkpoint'), readOnly: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ op: op('settle') }) },
);

export const script: fc.Arbitrary<Script> = fc.record({
  options: scriptOptions,
  steps: fc.array(step, { minLength: 1, maxLength: 120, size: 'max' }),
});
