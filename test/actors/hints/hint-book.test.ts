import test from 'ava';
import { HintBook } from '../../../actors/hints/hint-book.ts';
import { hintRangeOf, markKey, putHintKey, readHintKey, readMarkKey } from '../../../actors/hints/hint-key.ts';
import { SendWindow, WINDOW_FIRST, WINDOW_MAX } from '../../../actors/hints/send-window.ts';
import { ENGINE_KEY_PREFIX_BYTES, engineKeyOf } from '../../../actors/store/engine-key.ts';
import { idOf } from '../ring/ring-world.ts';

const A = idOf(1);
const B = idOf(2);

function engineKey(owner: string, keyspace: number, tokenHigh: number, tokenLow: number, key: string): Uint8Array {
  const bytes = Buffer.alloc(256);
  const place = { keyspace, tokenHigh, tokenLow };
  const end = putHintKey(bytes, Buffer.from(owner, 'hex'), place, Buffer.from(key), 0, key.length);
  return engineKeyOf(0, 1, 0, bytes.subarray(0, end));
}

test('hint key: what is written is read, and lies in the range of its owner alone', (t) => {
  const fields = { owner: B, keyspace: 7, tokenHigh: 0xffff_fffe, tokenLow: 0x8000_0001 };
  const key = engineKey(B, fields.keyspace, fields.tokenHigh, fields.tokenLow, 'name');
  t.like(readHintKey(key), fields);
  t.is(Buffer.from(readHintKey(key)!.key).toString(), 'name');
  t.is(readMarkKey(key), undefined);
  for (const [owner, isIn] of [
    [A, false],
    [B, true],
    [idOf(3), false],
  ] as const) {
    const { gte, lte } = hintRangeOf(owner);
    t.is(Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lte) <= 0, isIn, owner);
  }
});

test('hint key: a mark is read as it was written, and is no hint', (t) => {
  const mark = { owner: A, keyspace: 3, partition: 200, partitions: 256 };
  t.deepEqual(readMarkKey(markKey(mark)), mark);
  t.is(readHintKey(markKey(mark)), undefined);
  t.is(readHintKey(new Uint8Array(ENGINE_KEY_PREFIX_BYTES + 1)), undefined);
});

test('hint book: caps are of one owner and of all, and what is gone makes room', (t) => {
  const book = new HintBook({ hintBytesMax: 100, hintOwnerBytesMax: 60 });
  book.change(A, 1, 50);
  t.deepEqual([book.hasRoom(A, 10), book.hasRoom(A, 11), book.hasRoom(B, 50), book.hasRoom(B, 51)], [true, false, true, false]);
  book.change(B, 2, 45);
  t.deepEqual([book.count, book.bytes, book.owners()], [3, 95, [A, B]]);
  t.false(book.hasRoom(A, 10));
  book.change(A, -1, -50);
  t.deepEqual([book.owners(), book.countOf(A), book.bytesOf(B)], [[B], 0, 45]);
  t.true(book.hasRoom(A, 55));
});

test('hint book: what was deleted while it is counted ends at nothing', (t) => {
  const book = new HintBook();
  book.change(A, -1, -50);
  book.change(A, 1, 50);
  t.deepEqual([book.count, book.bytes, book.owners()], [0, 0, []]);
});

test('send window: grows while answers are quick, by one per round, up to its cap', (t) => {
  const window = new SendWindow();
  for (let i = 0; i < WINDOW_FIRST; i++) {
    t.true(window.hasRoom(0));
    window.sent();
  }
  t.false(window.hasRoom(0));
  for (let i = 0; i < WINDOW_FIRST + 1; i++) {
    window.stored(0, 2);
    window.sent();
  }
  t.is(window.limit, WINDOW_FIRST + 1);
  for (let i = 0; i < 5_000; i++) {
    window.stored(0, 2);
    window.sent();
  }
  t.is(window.limit, WINDOW_MAX);
});

test('send window: is halved once per round by slow answers and failures, and never closed for good', (t) => {
  const window = new SendWindow();
  for (let i = 0; i < 200; i++) {
    window.sent();
    window.stored(10, 12);
  }
  const { limit } = window;
  for (let i = 0; i < 3; i++) window.sent();
  window.stored(20, 60);
  window.stored(20, 61);
  t.is(window.limit, Math.floor((limit + 1) / 2));
  window.failed(60, 2_060);
  t.true(window.limit <= (limit + 1) / 4);
  for (let i = 0; i < 10; i++) {
    window.sent();
    window.failed(3_000 + i * 1_000, 3_500 + i * 1_000);
  }
  t.deepEqual([window.limit, window.underWay], [1, 0]);
  t.false(window.hasRoom(12_501));
  t.true(window.hasRoom(12_700));
});
