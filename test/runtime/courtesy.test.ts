import test from 'ava';
import { Courtesy } from '../../runtime/courtesy.ts';
import { ManualClock } from '../helpers/world.ts';

interface Rig {
  readonly clock: ManualClock;
  readonly courtesy: Courtesy;
  /** Pauses, ms. */
  readonly pauses: number[];
}

/** On a machine that is crowded until it has been looked at so often. */
function rig(crowdedLooks: number): Rig {
  const clock = new ManualClock();
  const pauses: number[] = [];
  let looks = 0;
  const machine = {
    get isCrowded(): boolean {
      return looks++ < crowdedLooks;
    },
  };
  const pause = (ms: number): void => {
    pauses.push(ms);
    clock.ms += ms;
  };
  return { clock, courtesy: new Courtesy({ clock, machine, pause }), pauses };
}

function sum(pauses: readonly number[]): number {
  return pauses.reduce((total, ms) => total + ms, 0);
}

test('courtesy: a job goes on at once, when nobody waits', (t) => {
  const { clock, courtesy, pauses } = rig(0);
  for (let i = 0; i < 10; i++) {
    clock.ms += 4;
    courtesy.giveWay();
  }
  t.deepEqual(pauses, []);
});

test('courtesy: a job steps back as long as others wait, at most as long as it has worked', (t) => {
  const short = rig(2);
  short.clock.ms += 4;
  short.courtesy.giveWay();
  t.is(short.pauses.length, 2);
  const long = rig(Number.POSITIVE_INFINITY);
  for (let i = 1; i <= 10; i++) {
    long.clock.ms += 4;
    long.courtesy.giveWay();
    t.is(sum(long.pauses), 4 * i);
  }
});

test('courtesy: work that took very long counts as a few milliseconds, and very short work is not worth a look', (t) => {
  const { clock, courtesy, pauses } = rig(Number.POSITIVE_INFINITY);
  clock.ms += 10_000;
  courtesy.giveWay();
  t.true(sum(pauses) > 0 && sum(pauses) < 10);
  const before = pauses.length;
  clock.ms += 0.1;
  courtesy.giveWay();
  t.is(pauses.length, before);
  // Many short steps are looked at together.
  for (let i = 0; i < 9; i++) {
    clock.ms += 0.1;
    courtesy.giveWay();
  }
  t.true(pauses.length > before);
});

test('courtesy: what a thread did not work is not stepped back for', (t) => {
  const { clock, courtesy, pauses } = rig(Number.POSITIVE_INFINITY);
  clock.ms += 1_000;
  courtesy.rested();
  courtesy.giveWay();
  t.deepEqual(pauses, []);
});
