import test from 'ava';
import { RangeReads, type RangeSink } from '../../../actors/repair/range-reads.ts';
import type { EngineIterator, Entry } from '../../../storage/engine/api.ts';

const NOTHING = new Uint8Array(0);

/** Ranges of so many keys each, of which a call for the next ones takes `callMs`. */
class Slow {
  readonly asked: number[] = [];
  readonly reads: RangeReads;
  ended = 0;
  #nowMs = 0;

  constructor(keys: number, callMs: number) {
    const iterator = (): EngineIterator => {
      let left = keys;
      return {
        next: (most): readonly Entry[] => {
          this.asked.push(most);
          this.#nowMs += callMs;
          const found = Math.min(most, left);
          left -= found;
          return Array.from({ length: found }, () => ({ key: NOTHING, value: NOTHING }));
        },
        seek() {},
        close() {},
      };
    };
    this.reads = new RangeReads(
      () => ({ isStalled: false, iterator }),
      () => {},
      () => this.#nowMs,
    );
  }

  read(count: number): void {
    const sink: RangeSink = { entry: () => true, ended: () => void this.ended++ };
    for (let i = 0; i < count; i++) this.reads.read({}, sink, true);
  }
}

test('range reads: a slice ends when its time is up, and the next one goes on', (t) => {
  const slow = new Slow(0, 0.2);
  slow.read(7);
  t.deepEqual([slow.reads.slice(), slow.ended], [true, 3]);
  t.deepEqual([slow.reads.slice(), slow.ended], [true, 6]);
  t.deepEqual([slow.reads.slice(), slow.ended, slow.reads.count], [false, 7, 0]);
});

test('range reads: a slice does one step, however long it takes', (t) => {
  const slow = new Slow(0, 50);
  slow.read(2);
  t.deepEqual([slow.reads.slice(), slow.ended], [true, 1]);
  t.deepEqual([slow.reads.slice(), slow.ended], [false, 2]);
});

test('range reads: where no time passes a slice has so many keys, a few at once, and so many ranges', (t) => {
  const long = new Slow(1_000, 0);
  long.read(1);
  long.reads.slice();
  t.deepEqual([long.reads.keys, long.asked], [128, [32, 32, 32, 32]]);
  const empty = new Slow(0, 0);
  empty.read(40);
  empty.reads.slice();
  t.is(empty.ended, 16);
});
