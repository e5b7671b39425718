import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Cell } from '../../runtime/cell.ts';
import { BACKGROUND, CONTROL, type Lane, REQUEST, RESPONSE } from '../../runtime/lanes.ts';
import { RunQueue } from '../../runtime/run-queue.ts';

/** As much of a cell as a run queue knows. */
function cell(name: number): Cell {
  return { name, queuedLanes: 0 } as unknown as Cell;
}

function push(queue: RunQueue, one: Cell, lane: Lane): void {
  one.queuedLanes |= 1 << lane;
  queue.push(one, lane);
}

testProp(
  'run queue: higher lanes first, first in first out within a lane, for fewer turns than starve any',
  [fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.boolean()), { minLength: 1, maxLength: 60 })],
  (t, operations) => {
    const queue = new RunQueue();
    const lanes: number[][] = [[], [], [], [], []];
    operations.forEach(([lane, isPush], name) => {
      if (isPush) {
        push(queue, cell(name), lane as Lane);
        lanes[lane]?.push(name);
      } else {
        const expected = lanes.find((waiting) => waiting.length > 0)?.shift();
        t.is((queue.take(null) as unknown as { name: number } | undefined)?.name, expected);
      }
      t.is(
        queue.isEmpty,
        lanes.every((waiting) => waiting.length === 0),
      );
    });
  },
);

test('run queue: every 61st turn goes to the lowest lane that waits', (t) => {
  const queue = new RunQueue();
  const busy = cell(0);
  const low = cell(1);
  push(queue, busy, CONTROL);
  push(queue, cell(2), REQUEST);
  push(queue, low, BACKGROUND);
  let turns = 0;
  for (;;) {
    turns++;
    const taken = queue.take(null);
    if (taken === low) break;
    t.is(taken, busy);
    push(queue, busy, CONTROL);
  }
  t.is(turns, 61);
});

test('run queue: a cell is in several lanes, and leaves them one by one', (t) => {
  const queue = new RunQueue();
  const one = cell(1);
  push(queue, one, REQUEST);
  push(queue, one, RESPONSE);
  t.is(queue.take(null), one);
  t.is(one.queuedLanes, 1 << REQUEST);
  t.is(queue.take(null), one);
  t.is(one.queuedLanes, 0);
  t.is(queue.take(null), undefined);
});

test('run queue: takes the one that is picked, and keeps the order of the others', (t) => {
  const queue = new RunQueue();
  // Past the first size of the ring, and around its end.
  for (let i = 0; i < 10; i++) push(queue, cell(-1), REQUEST);
  for (let i = 0; i < 10; i++) queue.take(null);
  const cells = Array.from({ length: 40 }, (_, i) => cell(i));
  for (const one of cells) push(queue, one, REQUEST);
  const counts: number[] = [];
  const taken = queue.take((count) => {
    counts.push(count);
    return 25;
  });
  t.deepEqual(counts, [40]);
  t.is(taken, cells[25]);
  const rest = Array.from({ length: 39 }, () => queue.take(null));
  t.deepEqual(
    rest,
    cells.filter((one) => one !== cells[25]),
  );
});
