import test from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import { EventHeap, type EventTarget } from '../../../runtime/simulation/event-heap.ts';

function target(id: number): EventTarget {
  return { id, fire: () => {} };
}

test('event heap: events come by time, then tie-break, then order of insertion', (t) => {
  const heap = new EventHeap();
  const put: [number, number, number][] = [
    [5, 1, 1],
    [5, 0, 2],
    [1, 9, 3],
    [5, 0, 4],
    [1, 9, 5],
  ];
  for (const [timeUs, tie, token] of put) heap.push(timeUs, tie, target(1), token);
  const tokens: number[] = [];
  while (heap.pop()) tokens.push(heap.token);
  t.deepEqual(tokens, [3, 5, 2, 4, 1]);
});

test('event heap: gives what a stable sort gives, when pushes and pops are mixed at random', (t) => {
  const random = new SeededRandom(7);
  const heap = new EventHeap();
  const model: { timeUs: number; tie: number; seq: number }[] = [];
  const targets = Array.from({ length: 10 }, (_, i) => target(i));
  let seq = 0;
  for (let round = 0; round < 20_000; round++) {
    if (model.length === 0 || random.chance(0.52)) {
      const entry = { timeUs: random.below(50), tie: random.below(3), seq: seq++ };
      model.push(entry);
      heap.push(entry.timeUs, entry.tie, targets[entry.seq % 10]!, entry.seq);
      continue;
    }
    model.sort((a, b) => a.timeUs - b.timeUs || a.tie - b.tie || a.seq - b.seq);
    const expected = model.shift()!;
    t.is(heap.nextUs(), expected.timeUs);
    t.true(heap.pop());
    t.deepEqual([heap.timeUs, heap.token, heap.target.id], [expected.timeUs, expected.seq, expected.seq % 10]);
  }
  t.is(heap.size, model.length);
});

test('event heap: is empty, when nothing was pushed or all is popped', (t) => {
  const heap = new EventHeap();
  t.false(heap.pop());
  t.is(heap.nextUs(), Number.POSITIVE_INFINITY);
  heap.push(3, 0, target(1), 0);
  t.true(heap.pop());
  t.false(heap.pop());
  t.is(heap.size, 0);
});
