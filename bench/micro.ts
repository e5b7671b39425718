/**
 * Micro-benchmarks, by benny: the parts that every message passes, each beside what one would use instead.
 * `node dist/bench/micro.js [--json FILE] [--only TEXT] [--quick]`
 */
import { createHash } from 'node:crypto';
import { add, configure, suite } from 'benny';
import { Decoder, Encoder } from 'cbor-x';
import farmhash from 'farmhash';
import { copyBytes, OutBuffer } from '../runtime/bytes.ts';
import { Ring } from '../runtime/ring.ts';
import { PayloadCodec } from '../runtime/wire/codec.ts';
import { optionsOf, usageError } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, setupOf, writeReport } from './lib/report.ts';
import { tableBenches } from './lib/table-benches.ts';

const { values: options } = optionsOf({
  options: { json: { type: 'string' }, only: { type: 'string', default: '' }, quick: { type: 'boolean', default: false } },
});

interface Case {
  readonly label: string;
  readonly run: () => unknown;
}

interface MicroBench {
  readonly name: string;
  readonly ours: Case;
  readonly peers: readonly Case[];
}

const KEY = 'user:00000042:profile';
const MESSAGES: Readonly<Record<string, unknown>> = {
  '64 B message': { type: 'put', n: 70_000, text: 'x'.repeat(40) },
  'message of 8 fields': { type: 'read', key: KEY, n: 3, r: 2, w: 2, requestId: 4711, isRepair: false, at: 1_700_000_000_123.25 },
  'message with 1 KiB of bytes': { type: 'value', key: KEY, bytes: new Uint8Array(1024).fill(7) },
};
/** A mailbox goes up and down; this is how far. */
const DEPTH = 64;

/** Where results go, so that the compiler can't leave out what makes them. */
const kept: { result: unknown } = { result: undefined };
const place = { node: 'bench', shard: 0 };
const peer = { place, boot: 1 };
const benches: MicroBench[] = [
  hashing(),
  ...[16, 100, 200, 1_024].map(copying),
  ...Object.entries(MESSAGES).flatMap(([name, message]) => [encoding(name, message), decoding(name, message)]),
  queueing(),
  ...tableBenches(),
];
const wanted = benches.filter(({ name }) => name.includes(options.only));
if (wanted.length === 0) usageError(`--only: expected a part of the name of a row, got ${options.only}`);
const setup = setupOf({ what: 'one thread, closed loop, medians of benny samples' });
printSetup(setup);
const rows: Row[] = [];
for (const bench of wanted) rows.push(...(await measure(bench)));
printRows(rows);
writeReport(options.json, setup, rows);

function hashing(): MicroBench {
  return {
    name: 'fingerprint64 of a key of 21 characters',
    ours: { label: 'farmhash', run: () => farmhash.fingerprint64(KEY) },
    peers: [
      { label: 'FNV-1a of 32 bits, in JavaScript', run: () => fnv1a(KEY) },
      { label: 'MD5, node:crypto', run: () => createHash('md5').update(KEY).digest() },
    ],
  };
}

function copying(bytes: number): MicroBench {
  const from = Buffer.alloc(4_096, 7);
  const to = new Uint8Array(4_096);
  return {
    name: `copies, of ${bytes} bytes`,
    ours: { label: 'copyBytes', run: () => copyBytes(from, 100, 100 + bytes, to, 8) },
    peers: [{ label: 'subarray and set', run: () => to.set(from.subarray(100, 100 + bytes), 8) }],
  };
}

function encoding(name: string, message: unknown): MicroBench {
  const codec = newCodec();
  const out = new OutBuffer(4096, 1 << 20);
  const encoder = new Encoder({ useRecords: false, mapsAsObjects: true });
  return {
    name: `encode, ${name}`,
    ours: {
      label: 'PayloadCodec',
      run: () => {
        out.length = 0;
        return codec.encode(message, out);
      },
    },
    peers: [
      { label: 'cbor-x', run: () => encoder.encode(message) },
      { label: 'JSON', run: () => JSON.stringify(message) },
    ],
  };
}

function decoding(name: string, message: unknown): MicroBench {
  const codec = newCodec();
  const out = new OutBuffer(4096, 1 << 20);
  codec.encode(message, out);
  const bytes = Buffer.from(out.bytes.subarray(0, out.length));
  const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });
  const text = JSON.stringify(message);
  return {
    name: `decode, ${name}`,
    ours: { label: 'PayloadCodec', run: () => codec.decode(bytes, 0, bytes.length, peer, true) },
    peers: [
      { label: 'PayloadCodec, from a stranger', run: () => codec.decode(bytes, 0, bytes.length, peer, false) },
      { label: 'cbor-x', run: () => decoder.decode(bytes) as unknown },
      { label: 'JSON', run: () => JSON.parse(text) as unknown },
    ],
  };
}

function queueing(): MicroBench {
  const ring = new Ring();
  const array: unknown[] = [];
  const message = { type: 'put' };
  return {
    name: `queue, ${DEPTH} in and out`,
    ours: {
      label: 'Ring',
      run: () => {
        for (let i = 0; i < DEPTH; i++) ring.push(message);
        let last: unknown;
        while (ring.length > 0) last = ring.shift();
        return last;
      },
    },
    peers: [
      {
        label: 'array, push and shift',
        run: () => {
          for (let i = 0; i < DEPTH; i++) array.push(message);
          let last: unknown;
          while (array.length > 0) last = array.shift();
          return last;
        },
      },
    ],
  };
}

function newCodec(): PayloadCodec {
  return new PayloadCodec({
    ...peer,
    bind: () => {
      throw new Error('no refs in these messages');
    },
  });
}

async function measure(bench: MicroBench): Promise<Row[]> {
  const cases = [bench.ours, ...bench.peers];
  const maxTime = options.quick ? 0.1 : 0.6;
  const summary = await suite(
    bench.name,
    configure({ cases: { minSamples: 5, minTime: 0.02, maxTime } }),
    ...cases.map(({ label, run }) =>
      add(label, () => {
        kept.result = run();
      }),
    ),
  );
  const [ours, ...theirs] = summary.results.map(({ details }) => ({
    median: 1 / details.median,
    min: 1 / details.max,
    max: 1 / details.min,
  }));
  if (ours === undefined) throw new Error(`${bench.name}: no result`);
  return theirs.map(({ median }, index) => ({
    name: bench.name,
    unit: 'op/s',
    ...ours,
    peer: bench.peers[index]?.label ?? '',
    peerMedian: median,
    ratio: ours.median / median,
    better: 'higher' as const,
  }));
}

function fnv1a(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
