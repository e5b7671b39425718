import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Timer, TimerQueue, TimerTasks } from '../../runtime/timers.ts';

class NamedTimer extends Timer {
  readonly name: number;

  constructor(name: number) {
    super();
    this.name = name;
  }

  fire(): void {}
}

const TIMERS = 40;
const AT_MAX = 80;

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), timer: fc.nat(TIMERS - 1), at: fc.nat(AT_MAX) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), timer: fc.nat(TIMERS - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('take' as const), now: fc.nat(AT_MAX / 8) }) },
);

testProp(
  'timers: behave as a sorted array, for any operations',
  [fc.array(operation, { minLength: 1, maxLength: 200, size: 'max' })],
  (t, operations) => {
    const queue = new TimerQueue();
    const timers = Array.from({ length: TIMERS }, (_, name) => new NamedTimer(name));
    let model: { readonly name: number; readonly at: number }[] = [];
    for (const o of operations) {
      if (o.kind === 'take') {
        const expected = model[0] !== undefined && model[0].at <= o.now ? model.shift() : undefined;
        t.is((queue.takeDue(o.now) as NamedTimer | undefined)?.name, expected?.name);
      } else {
        model = model.filter(({ name }) => name !== o.timer);
        const timer = timers[o.timer]!;
        if (o.kind === 'remove') {
          queue.remove(timer);
        } else {
          queue.set(timer, o.at);
          const place = model.findIndex(({ at }) => at > o.at);
          model.splice(place < 0 ? model.length : place, 0, { name: o.timer, at: o.at });
        }
      }
      t.is(queue.size, model.length);
      t.is(queue.nextAt(), model[0]?.at ?? Number.POSITIVE_INFINITY);
    }
    for (const { name } of model) t.is((queue.takeDue(AT_MAX) as NamedTimer).name, name);
  },
);

test('timer tasks: run when due, and not when cancelled', (t) => {
  const queue = new TimerQueue();
  let changes = 0;
  const tasks = new TimerTasks(
    queue,
    () => 100,
    () => changes++,
  );
  const done: string[] = [];
  tasks.after(5, () => done.push('kept'));
  tasks.cancel(tasks.after(3, () => done.push('cancelled')));
  t.is(tasks.now(), 100);
  t.is(changes, 2);
  t.is(queue.takeDue(104), undefined);
  queue.takeDue(105)?.fire();
  t.deepEqual(done, ['kept']);
});
