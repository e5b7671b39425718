/** Bugs planted in the engine, each found by scripts as those of the model test. The table is in test/storage/README.md. */
import test from 'ava';
import fc from 'fast-check';
import { runScript } from './model-run.ts';
import { script } from './model-script.ts';
import { SimWorld } from './worlds.ts';

const SEEDS_MAX = 100;

const found = test.macro({
  exec: async (t, mutant: string) => {
    for (let seed = 0; seed < SEEDS_MAX; seed++) {
      const [steps] = fc.sample(script, { seed, numRuns: 1 });
      try {
        await runScript(new SimWorld(`${seed}`), steps!, new Set([mutant]));
      } catch (error) {
        t.log(`seed ${seed}: ${(error as Error).message.slice(0, 120)}`);
        t.pass();
        return;
      }
    }
    t.fail(`not found by ${SEEDS_MAX} scripts`);
  },
  title: (_, mutant: string) => `planted bug ${mutant}: found by the model`,
});

test(found, 'bloomFalseNegative');
test(found, 'forgetSnapshot');
test(found, 'dropTombstoneEarly');
test(found, 'rangeDeleteNotClipped');
test(found, 'staleImmutable');
test(found, 'rangeDeleteIgnoredInMemory');
test(found, 'keptRangeDeletesIgnored');
test(found, 'levelBoundaryMissed');
test(found, 'iteratorSeesLater');
test(found, 'heldTableRemoved');
test(found, 'sequenceReused');
test(found, 'logNumberTooHigh');
