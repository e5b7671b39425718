import test from 'ava';
import { beginEntry, endEntry, type PageEntries } from '../../../actors/scan/page-entries.ts';
import type { Page } from '../../../actors/scan/scan-frames.ts';
import { NO_KEY, type ScanPosition } from '../../../actors/scan/scan-position.ts';
import { OK, OVERLOADED, STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import type { Move } from '../../../actors/streaming/moves.ts';
import { type ArrivedPage, type StreamDoor, type StreamOptions, Streams } from '../../../actors/streaming/streams.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

interface Asked {
  readonly move: Move;
  readonly position: ScanPosition;
  readonly id: number;
}

/** A shard that the test plays: it answers when it is told to. */
class Rig implements StreamDoor {
  now = 0;
  /** Of each record. */
  mergeMs = 0;
  wakesAt = Number.POSITIVE_INFINITY;
  readonly asked: Asked[] = [];
  readonly merges: { readonly key: string; readonly merge: ArrivedPage }[] = [];
  readonly kept: string[] = [];
  readonly broken: Move[] = [];
  readonly streams: Streams;

  constructor(options: StreamOptions = {}) {
    this.streams = new Streams(this, options);
  }

  nowMs(): number {
    return this.now;
  }
  ask(move: Move, position: ScanPosition, id: number): void {
    this.asked.push({ move, position, id });
  }
  merge(_move: Move, entry: PageEntries, merge: ArrivedPage): void {
    this.now += this.mergeMs;
    this.merges.push({ key: Buffer.from(entry.key()).toString(), merge });
  }
  keep({ partition }: Move, position: ScanPosition | null): void {
    this.kept.push(`${partition} ${position === null ? 'all' : Buffer.from(position.key).toString()}`);
  }
  failed(): void {}
  damaged(move: Move): void {
    this.broken.push(move);
  }
  later(): void {}
  wakeAt(ms: number): void {
    this.wakesAt = ms;
  }

  begin(...moves: readonly Move[]): void {
    this.streams.begin(moves.map((move) => ({ move, position: { high: move.partition, low: 0, key: NO_KEY } })));
  }

  /** Lets time pass until it wants to go on. */
  wake(): void {
    this.now = this.wakesAt;
    this.streams.run();
  }

  answer(index: number, status: number, keys: readonly string[] = [], isEnd = true): void {
    this.streams.onPage(this.asked[index]!.id, status, status === OK ? pageOf(keys, isEnd) : null);
  }

  stored(): void {
    for (const { merge } of this.merges.splice(0)) merge.stored();
    this.streams.run();
  }
}

function pageOf(keys: readonly string[], isEnd: boolean): Page {
  const out = new OutBuffer(1_024, 65_536);
  for (const key of keys) {
    const start = out.length;
    beginEntry(out, 1, 2, Buffer.from(key), 0, key.length, 10);
    out.length += 10;
    endEntry(out, start);
  }
  const covered = isEnd ? null : { high: 1, low: 2, key: Buffer.from(keys.at(-1)!) };
  return { bytes: out.bytes, entriesStart: 0, entriesEnd: out.length, covered };
}

function move(partition: number, source = 0): Move {
  return { keyspace: 1, partition, source };
}

test('streams: a move is done when all its records are on disk, and not before', (t) => {
  const rig = new Rig();
  rig.begin(move(1));
  rig.answer(0, OK, ['a', 'b']);
  rig.streams.run();
  t.false(rig.streams.isDone);
  t.deepEqual(rig.kept, []);
  rig.stored();
  t.true(rig.streams.isDone);
  t.deepEqual(rig.kept, ['1 all']);
  t.like(rig.streams.figures(), { moves: 1, movesLeft: 0, records: 2 });
});

test('streams: a move is done before its records are on disk, when it is planted', (t) => {
  const rig = new Rig({ mutants: new Set(['streamedBeforeStored']) });
  rig.begin(move(1));
  rig.answer(0, OK, ['a', 'b']);
  rig.streams.run();
  t.true(rig.streams.isDone);
});

test('streams: the next page is asked for behind the one that is stored', (t) => {
  const rig = new Rig();
  rig.begin(move(1));
  rig.answer(0, OK, ['a', 'b'], false);
  rig.stored();
  rig.wake();
  t.is(Buffer.from(rig.asked[1]!.position.key).toString(), 'b');
  t.deepEqual(rig.kept, ['1 b']);
});

test('streams: a page with a record that could not be merged is asked for again', (t) => {
  const rig = new Rig();
  rig.begin(move(1));
  rig.answer(0, OK, ['a', 'b']);
  const [first, second] = rig.merges.splice(0);
  first!.merge.failed(0, OVERLOADED, 'busy');
  second!.merge.stored();
  rig.streams.run();
  t.deepEqual(rig.kept, []);
  rig.wake();
  t.deepEqual(rig.asked[1]!.position, rig.asked[0]!.position);
  rig.answer(1, OK, ['a', 'b']);
  rig.stored();
  t.true(rig.streams.isDone);
});

test('bug: a page that never came was waited for without end, when nothing else was under way', (t) => {
  const rig = new Rig({ pageMs: 500 });
  rig.begin(move(1));
  t.is(rig.wakesAt, 500);
  rig.wake();
  rig.wake();
  t.is(rig.asked.length, 2);
  // What comes too late is nobody's.
  rig.answer(0, OK, ['a']);
  t.is(rig.merges.length, 0);
});

test('streams: a source that refuses rests longer and longer, and the others go on', (t) => {
  const rig = new Rig({ restMs: 100 });
  rig.begin(move(1, 0), move(2, 1));
  rig.answer(0, OVERLOADED);
  rig.streams.run();
  t.is(rig.asked.length, 2);
  rig.wake();
  t.is(rig.now, 100);
  t.is(rig.asked[2]!.move.partition, 1);
  rig.answer(2, OVERLOADED);
  rig.streams.run();
  rig.wake();
  t.is(rig.now, 300);
});

test('streams: so many are under way at once, and so many from one source', (t) => {
  const rig = new Rig({ streamsMax: 3, perSourceMax: 2 });
  rig.begin(...[1, 2, 3, 4].map((partition) => move(partition, 0)), ...[5, 6, 7].map((partition) => move(partition, 1)));
  t.deepEqual(
    rig.asked.map(({ move: { partition } }) => partition),
    [1, 5, 2],
  );
});

test('streams: pages are asked for no faster than the rate', (t) => {
  const rig = new Rig({ bytesPerSecond: 100 });
  rig.begin(move(1));
  rig.answer(0, OK, ['a', 'b'], false);
  rig.stored();
  rig.wake();
  // Two entries of 25 bytes.
  t.is(rig.now, 500);
  t.is(rig.asked.length, 2);
});

/** How long it rests after pages that take so long to come. */
function rests(rig: Rig, tookMs: readonly number[]): readonly number[] {
  rig.begin(move(1));
  return tookMs.map((ms, i) => {
    rig.now += ms;
    rig.answer(i, OK, ['a', 'b'], false);
    const { now } = rig;
    rig.stored();
    if (rig.asked.length === i + 1) rig.wake();
    return rig.now - now;
  });
}

test('streams: after a page they rest for as long as it took longer than the quickest, and no longer than for 10 ms', (t) => {
  const found = rests(new Rig(), [20, 20, 26, 2_000]);
  for (const [i, restMs] of [0, 0, 6, 10].entries()) t.true(Math.abs(found[i]! - restMs) <= 1, `${i}: ${found[i]}`);
});

test('streams: after a page they rest for three times what it took to merge it', (t) => {
  const rig = new Rig();
  rig.mergeMs = 2;
  t.deepEqual(rests(rig, [20, 20]), [12, 12]);
});

test('streams: a way that is longer than it was is not taken for a queue for ever', (t) => {
  const took = [20, ...Array.from({ length: 400 }, () => 40)];
  const found = rests(new Rig(), took);
  t.is(found[1], 10);
  t.true(found.at(-1)! <= 1, `${found.at(-1)}`);
});

test('streams: what a source can not read is said, when it fails again and again', (t) => {
  const rig = new Rig();
  rig.begin(move(1));
  for (let i = 0; i < 3; i++) {
    rig.answer(i, STORAGE_FAILED);
    rig.streams.run();
    rig.wake();
  }
  t.deepEqual(rig.broken, [move(1)]);
});
