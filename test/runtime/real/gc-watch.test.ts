import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { GcWatch } from '../../../runtime/real/gc-watch.ts';
import { collect } from '../../helpers/collect.ts';

test('gc watch: pauses add up, and the longest is that since it was last asked', async (t) => {
  const watch = new GcWatch();
  try {
    collect();
    let seen = watch.figures();
    for (let turns = 0; seen.pauses === 0 && turns < 1_000; turns++) {
      await turn();
      seen = watch.figures();
    }
    t.true(seen.pauses > 0 && seen.totalMs > 0);
    t.true(seen.maxMs > 0 && seen.maxMs <= seen.totalMs);
    const { pauses, totalMs, maxMs } = watch.figures();
    t.deepEqual({ pauses, totalMs, maxMs }, { pauses: seen.pauses, totalMs: seen.totalMs, maxMs: 0 });
  } finally {
    watch.close();
  }
});
