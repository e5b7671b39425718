/**
 * Records in place, beside what one would write first: objects with a Map and strings (`objects`), and the same behind JSON text (`JSON`), which is what a store pays
 * that keeps bytes and works on objects. Contexts beside HMAC-SHA-256 of node:crypto.
 * `node dist/bench/version.js [--runs N] [--ms N] [--json FILE]`
 *
 * `objects` neither reads nor writes bytes: it is the work alone, and its values are not copied. "Garbage" is what the heap grows by per operation; for peers that make much of it too
 * little, since pieces of a run in which it was collected don't count.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { ContextSeal } from '../actors/version/causal-context.ts';
import { checkRecord } from '../actors/version/check-record.ts';
import { writeDigest } from '../actors/version/digest.ts';
import { compare, merge } from '../actors/version/merge.ts';
import { newestSibling } from '../actors/version/newest.ts';
import { put } from '../actors/version/put.ts';
import { RecordView } from '../actors/version/record-view.ts';
import { Write } from '../actors/version/write.ts';
import { OutBuffer } from '../runtime/bytes.ts';
import {
  decodeNaive,
  encodeNaive,
  type NaiveRecord,
  type NaiveSibling,
  NO_RECORD,
  naiveCompare,
  naiveMerge,
  naivePut,
} from '../test/actors/version/naive-record.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';
import { medianOf } from './lib/stats.ts';

const { values: options } = optionsOf({
  options: { runs: { type: 'string', default: '5' }, ms: { type: 'string', default: '60' }, json: { type: 'string' } },
});
const runs = wholeNumber('runs', options.runs);
const runMs = wholeNumber('ms', options.ms);
/** How many different records each case goes round. */
const RECORDS = 64;
const NOW = 1_764_000_000_000 * 1_024;
const KEYSPACE = 7;

interface Contender {
  readonly label: string;
  readonly step: (i: number) => unknown;
}

interface Case {
  readonly name: string;
  readonly ours: Contender;
  readonly peers: readonly Contender[];
}

/** Where results go, so that the compiler can't leave out what makes them. */
const kept: { result: unknown } = { result: undefined };
const actors = Array.from({ length: 3 }, () => randomBytes(16));
const out = new OutBuffer(1 << 16, 1 << 20);
const a = new RecordView();
const b = new RecordView();
const none = new RecordView();
const key = Buffer.from('user:00000042');

function cases(valueBytes: number): Case[] {
  const value = Buffer.alloc(valueBytes, 'v');
  const text = value.toString('latin1');
  const sibling = (i: number, actor: number, counter: number): NaiveSibling => ({
    actor: actors[actor]!.toString('hex'),
    counter,
    stamp: NOW + i * 1_024 + counter,
    expiry: 0,
    isTombstone: false,
    value: text,
  });
  const records = Array.from({ length: RECORDS }, (_, i) => {
    const old = naivePut(naivePut(NO_RECORD, NO_RECORD, sibling(i, 1, 40 + i)), NO_RECORD, sibling(i, 0, 10 + i));
    const base = naivePut(old, old, sibling(i, 0, 100 + i));
    const newer = naivePut(base, base, sibling(i, 1, 200 + i));
    const other = naivePut(base, base, sibling(i, 2, 300 + i));
    return [base, newer, other] as const;
  });
  const bytes = records.map((row) => row.map(encodeNaive) as [Buffer, Buffer, Buffer]);
  const texts = records.map((row) => row.map(toJson) as [string, string, string]);
  const write = new Write();
  write.actor = actors[0]!;
  write.value = value;
  write.valueEnd = valueBytes;
  const ours = (step: (i: number) => unknown): Contender => ({ label: '', step });
  const peers = (objects: (i: number) => unknown, json: (i: number) => unknown): Contender[] => [
    { label: 'objects', step: objects },
    { label: 'JSON', step: json },
  ];
  const open = (view: RecordView, i: number, which: number): void => view.open(bytes[i]![which]!, 0, bytes[i]![which]!.length);
  const size = valueBytes < 1_000 ? `${valueBytes} B` : `${valueBytes / 1_000} KB`;
  return [
    {
      name: `put over a version, ${size}`,
      ours: ours((i) => {
        open(a, i, 0);
        write.counter = 1_000 + i;
        write.stamp = NOW + i * 1_024 + 1_000;
        out.length = 0;
        return put(a, a, write, out);
      }),
      peers: peers(
        (i) => naivePut(records[i]![0], records[i]![0], sibling(i, 0, 1_000 + i)),
        (i) => {
          const local = fromJson(texts[i]![0]);
          return toJson(naivePut(local, local, sibling(i, 0, 1_000 + i)));
        },
      ),
    },
    {
      name: `put of a new key, ${size}`,
      ours: ours((i) => {
        write.counter = 1_000 + i;
        write.stamp = NOW + i * 1_024 + 1_000;
        out.length = 0;
        return put(none, none, write, out);
      }),
      peers: peers(
        (i) => naivePut(NO_RECORD, NO_RECORD, sibling(i, 0, 1_000 + i)),
        (i) => toJson(naivePut(NO_RECORD, NO_RECORD, sibling(i, 0, 1_000 + i))),
      ),
    },
    {
      name: `merge of two siblings, ${size}`,
      ours: ours((i) => {
        open(a, i, 1);
        open(b, i, 2);
        out.length = 0;
        return merge(a, b, out);
      }),
      peers: peers(
        (i) => naiveMerge(records[i]![1], records[i]![2]),
        (i) => toJson(naiveMerge(fromJson(texts[i]![1]), fromJson(texts[i]![2]))),
      ),
    },
    {
      name: `compare with a newer one, ${size}`,
      ours: ours((i) => {
        open(a, i, 0);
        open(b, i, 1);
        return compare(a, b);
      }),
      peers: peers(
        (i) => naiveCompare(records[i]![0], records[i]![1]),
        (i) => naiveCompare(fromJson(texts[i]![0]), fromJson(texts[i]![1])),
      ),
    },
    {
      name: `compare with an equal one, ${size}`,
      ours: ours((i) => {
        open(a, i, 1);
        open(b, i, 1);
        return compare(a, b);
      }),
      peers: peers(
        (i) => naiveCompare(records[i]![1], records[i]![1]),
        (i) => naiveCompare(fromJson(texts[i]![1]), fromJson(texts[i]![1])),
      ),
    },
    {
      name: `check, ${size}`,
      ours: ours((i) => checkRecord(bytes[i]![0], 0, bytes[i]![0].length)),
      peers: [
        { label: 'decode to objects', step: (i) => decodeNaive(bytes[i]![0]) },
        { label: 'JSON', step: (i) => fromJson(texts[i]![0]) },
      ],
    },
    {
      name: `newest sibling of one, ${size}`,
      ours: ours((i) => {
        open(a, i, 0);
        return newestSibling(a);
      }),
      peers: [{ label: 'objects', step: (i) => records[i]![0].siblings.reduce((x, y) => (y.stamp > x.stamp ? y : x)) }],
    },
    {
      name: `digest, ${size}`,
      ours: ours((i) => {
        open(a, i, 0);
        out.length = 0;
        return writeDigest(a, out);
      }),
      peers: [{ label: 'HMAC-SHA-256', step: (i) => hmac(bytes[i]![0]) }],
    },
  ];
}

function contextCases(): Case[] {
  const seal = new ContextSeal(Buffer.alloc(16, 3));
  const records = Array.from({ length: RECORDS }, (_, i) => {
    const sibling = { stamp: NOW, expiry: 0, isTombstone: false, value: '', counter: i + 1 };
    const one = naivePut(NO_RECORD, NO_RECORD, { ...sibling, actor: actors[0]!.toString('hex') });
    return encodeNaive(naivePut(one, one, { ...sibling, actor: actors[1]!.toString('hex') }));
  });
  const sealed = records.map((bytes) => {
    a.open(bytes, 0, bytes.length);
    out.length = 0;
    seal.seal(a, KEYSPACE, key, 0, key.length, out);
    return Buffer.from(out.bytes.subarray(0, out.length));
  });
  return [
    {
      name: 'context sealed, two actors',
      ours: {
        label: '',
        step: (i) => {
          a.open(records[i]!, 0, records[i]!.length);
          out.length = 0;
          return seal.seal(a, KEYSPACE, key, 0, key.length, out);
        },
      },
      peers: [{ label: 'HMAC-SHA-256', step: (i) => hmac(records[i]!) }],
    },
    {
      name: 'context opened, two actors',
      ours: { label: '', step: (i) => seal.open(sealed[i]!, 0, sealed[i]!.length, KEYSPACE, key, 0, key.length, a) },
      peers: [{ label: 'HMAC-SHA-256', step: (i) => hmac(records[i]!) }],
    },
  ];
}

function hmac(bytes: Buffer): Buffer {
  return createHmac('sha256', key).update(key).update(bytes).digest();
}

function toJson({ vector, siblings }: NaiveRecord): string {
  return JSON.stringify([[...vector], siblings]);
}

function fromJson(text: string): NaiveRecord {
  const [vector, siblings] = JSON.parse(text) as [[string, { counter: number; stamp: number }][], NaiveSibling[]];
  return { vector: new Map(vector), siblings };
}

/** Operations per second. */
function rateOf({ step }: Contender): number {
  const begun = performance.now();
  let done = 0;
  let now = begun;
  while (now - begun < runMs) {
    for (let i = 0; i < RECORDS; i++) kept.result = step(i);
    done += RECORDS;
    now = performance.now();
  }
  return (done / (now - begun)) * 1_000;
}

/** Bytes of heap per operation; the median of pieces too short for a collection, and those with one don't count. */
function garbageOf({ step }: Contender): number {
  const samples: number[] = [];
  for (let piece = 0; piece < 25; piece++) {
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 20; round++) for (let i = 0; i < RECORDS; i++) kept.result = step(i);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) samples.push(grown / (20 * RECORDS));
  }
  return medianOf(samples);
}

const setup = setupOf({ what: 'one thread, closed loop, records in memory', runs, runMs });
printSetup(setup);
const rows: Row[] = [];
const garbage: Row[] = [];
for (const { name, ours, peers } of [...cases(100), ...cases(10_000), ...contextCases()]) {
  const all = [ours, ...peers];
  const rates = all.map((): number[] => []);
  for (let run = -1; run < runs; run++)
    for (const [index, contender] of all.entries()) {
      const rate = rateOf(contender);
      if (run >= 0) rates[index]!.push(rate);
    }
  const idle = garbageOf({ label: '', step: (i) => i });
  const heap = all.map((contender) => Math.max(0, Math.round(garbageOf(contender) - idle)));
  for (const [index, { label }] of peers.entries()) {
    rows.push(rowOf(name, 'op/s', rates[0]!, label, rates[index + 1]));
    garbage.push(rowOf(`${name}: garbage`, 'bytes/op', [heap[0]!], label, [heap[index + 1]!]));
  }
}
printRows([...rows, ...garbage]);
writeReport(options.json, setup, [...rows, ...garbage]);
