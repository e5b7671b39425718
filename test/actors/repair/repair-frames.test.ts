import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Pairs } from '../../../actors/repair/pairs.ts';
import {
  HEADS,
  NODES,
  PAIRS,
  putHash,
  RECORDS,
  RepairAsk,
  ROOTED,
  ROOTS,
  RootsAsk,
  readNoded,
  readPaired,
  readRooted,
  readTold,
  writePaired,
  writeRooted,
} from '../../../actors/repair/repair-frames.ts';
import { beginAnswer, statusOfAnswer } from '../../../actors/store/data-frames.ts';
import { INVALID, OK } from '../../../actors/store/store-request.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { RepairPair } from './repair-pair.ts';

const anyU32 = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat());
const anyNodes = fc
  .uniqueArray(fc.integer({ min: 0, max: 65_535 }), { minLength: 1, maxLength: 256 })
  .map((nodes) => nodes.sort((a, b) => a - b));
const anyWanted = fc.array(fc.tuple(anyU32, anyU32, anyU32, anyU32), { minLength: 1, maxLength: 128 });

function pairsOf(items: readonly (readonly [number, number, number, number])[]): Pairs {
  const pairs = new Pairs();
  for (const item of items) pairs.add(...item);
  return pairs;
}

function itemsOf(pairs: Pairs): number[][] {
  return Array.from({ length: pairs.length }, (_, i) => [pairs.high(i), pairs.low(i), pairs.digestHigh(i), pairs.digestLow(i)]);
}

function askWith(fields: Partial<RepairAsk>): RepairAsk {
  return Object.assign<RepairAsk, Partial<RepairAsk>>(new RepairAsk(), fields);
}

/** In the middle of other bytes. */
function taken(out: OutBuffer): readonly [bytes: Buffer, start: number, end: number] {
  const bytes = Buffer.concat([Buffer.alloc(7, 0xee), out.bytes.subarray(0, out.length), Buffer.alloc(9, 0xee)]);
  return [bytes, 7, 7 + out.length];
}

const head = { keyspace: fc.integer({ min: 1, max: 0xffff_ffff }), generation: anyU32 };

testProp(
  'repair frames: NODES, PAIRS, HEADS and RECORDS are read as they were written',
  [
    fc.record({ ...head, tokenHigh: anyU32, tokenLow: anyU32, changedAt: anyU32, option: fc.nat(255), partitionBits: fc.nat(255) }),
    anyNodes,
    anyWanted,
  ],
  (t, fields, nodes, items) => {
    for (const operation of [NODES, PAIRS, HEADS, RECORDS]) {
      const isOfNodes = operation === NODES || operation === PAIRS;
      const ask = askWith({ ...fields, ...(isOfNodes ? { nodes } : { wanted: pairsOf(items) }) });
      const out = new OutBuffer(16, 10_000);
      ask.write(operation, out);
      const read = new RepairAsk();
      t.is(read.read(operation, ...taken(out)), undefined);
      const { wanted: readWanted } = read;
      t.deepEqual(Object.assign(read, { wanted: ask.wanted }), ask);
      const wanted = operation === HEADS ? items.map(([high, low]) => [high, low, 0, 0]) : items;
      if (!isOfNodes) t.deepEqual(itemsOf(readWanted), wanted);
    }
  },
  { numRuns: 50 },
);

testProp(
  'repair frames: ROOTS and ROOTED are read as they were written',
  [fc.record({ ...head, changed: anyU32 }), anyNodes, anyU32],
  (t, fields, partitions, ageMs) => {
    const roots = partitions.map((partition) => ({ partition, low: partition * 7 - 9, high: 3 - partition }));
    const ask = Object.assign(new RootsAsk(), fields, { partitionBits: 16, roots });
    const out = new OutBuffer(16, 10_000);
    ask.write(out);
    const read = new RootsAsk();
    t.is(read.read(...taken(out)), undefined);
    t.deepEqual(read, ask);
    out.clear();
    beginAnswer(out, OK);
    writeRooted(out, ageMs, partitions);
    t.deepEqual(readRooted(...taken(out), roots), { ageMs, differing: partitions });
    const others = roots.slice(1);
    t.is(typeof readRooted(...taken(out), others), 'string');
  },
  { numRuns: 50 },
);

testProp('repair frames: PAIRED and NODED are read as they were written', [anyWanted, fc.boolean()], (t, items, isEnd) => {
  const rising = [...items].sort(([a, b], [c, d]) => a - c || b - d);
  const pairs = pairsOf(rising);
  if (!isEnd) pairs.covered = pairs.token(pairs.length - 1);
  const out = new OutBuffer(16, 100_000);
  beginAnswer(out, OK);
  writePaired(out, pairs);
  const read = readPaired(...taken(out));
  t.true(typeof read !== 'string');
  if (typeof read === 'string') return;
  t.deepEqual([itemsOf(read), read.covered], [itemsOf(pairs), pairs.covered]);
  beginAnswer(out, OK);
  for (const [low, high] of items) putHash(out, low, high);
  t.deepEqual(
    [...(readNoded(...taken(out), items.length) as Int32Array)],
    items.flatMap(([low, high]) => [low | 0, high | 0]),
  );
  t.is(typeof readNoded(...taken(out), items.length + 1), 'string');
});

/** What a server says to a frame: its status; undefined: it is none of its frames. */
function answerTo(pair: RepairPair, operation: number, bytes: Uint8Array): number | string | undefined {
  let status: number | string | undefined;
  pair.onFrame = (_operation, answer) => {
    status ??= statusOfAnswer(answer, 0, answer.length);
  };
  if (!pair.b.server.receive(operation, bytes, 0, bytes.length)) return undefined;
  for (let i = 0; i < 5_000 && status === undefined; i++) {
    pair.b.reads.slice();
    for (const then of pair.b.store.later.splice(0)) then();
  }
  return status;
}

testProp(
  'repair frames: any bytes are answered with a status and a reason, and are logged',
  [fc.constantFrom(ROOTS, NODES, PAIRS, HEADS, RECORDS), fc.uint8Array({ maxLength: 200 })],
  (t, operation, bytes) => {
    const pair = new RepairPair({ partitions: 8 });
    t.is(answerTo(pair, operation, bytes), INVALID);
    t.is(pair.b.warnings.length, 1);
  },
  { numRuns: 300 },
);

testProp(
  'repair frames: a frame with a byte changed is answered, and answers with a byte changed are refused or read',
  [fc.constantFrom(ROOTS, NODES, PAIRS, HEADS, RECORDS), fc.nat(), fc.integer({ min: 1, max: 255 })],
  (t, operation, at, flip) => {
    const pair = new RepairPair({ partitions: 8 });
    const { generation, changedAt } = pair.ring;
    const out = new OutBuffer(16, 10_000);
    const place = { keyspace: pair.keyspaceId, generation, changedAt: changedAt[0]!, partitionBits: 3 };
    const items = operation === HEADS || operation === RECORDS ? { wanted: pairsOf([[1, 2, 3, 4]]) } : { nodes: [0] };
    if (operation === ROOTS) Object.assign(new RootsAsk(), place, { changed: 0, roots: [{ partition: 0, low: 1, high: 2 }] }).write(out);
    else askWith({ ...place, ...items }).write(operation, out);
    const bytes = Buffer.from(out.bytes.subarray(0, out.length));
    bytes[at % bytes.length]! ^= flip;
    t.is(typeof answerTo(pair, operation, bytes), 'number');
    const readers = [
      (answer: Buffer) => readRooted(answer, 0, answer.length, [{ partition: 0, low: 0, high: 0 }]),
      (answer: Buffer) => readNoded(answer, 0, answer.length, 2),
      (answer: Buffer) => readPaired(answer, 0, answer.length),
      (answer: Buffer) => readTold(answer, 0, answer.length, 4),
    ];
    for (const read of readers) t.notThrows(() => read(bytes));
  },
  { numRuns: 200 },
);

test("repair frames: no operation but those of repair is the server's", (t) => {
  const pair = new RepairPair({ partitions: 8 });
  for (const operation of [1, 8, ROOTED, 41]) t.is(answerTo(pair, operation, Buffer.alloc(40)), undefined);
});
