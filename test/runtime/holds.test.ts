import test from 'ava';
import { type Context, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

test('hold: `whenNone` waits for all that were taken, also over a restart and a stop', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const releases: (() => void)[] = [];
  const actor: Driver = new Driver(runtime, { create: (context: Context) => releases.push(context.hold()) });
  world.settle();
  actor.post(() => {
    throw new Error('on request');
  });
  world.advance(60_000);
  runtime.stop(actor.ref);
  let isNone = 0;
  runtime.holds.whenNone(() => isNone++);
  t.is(releases.length, 2);
  releases[0]!();
  releases[0]!();
  t.is(isNone, 0);
  releases[1]!();
  t.is(isNone, 1);
  runtime.holds.whenNone(() => isNone++);
  t.is(isNone, 2);
});
