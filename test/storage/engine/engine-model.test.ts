/** The engine beside a sorted map, by random scripts. SEED and RUNS of the environment: another seed, more scripts. */

import test from 'ava';
import fc from 'fast-check';
import { runScript } from './model-run.ts';
import { script } from './model-script.ts';
import { RealWorld, realPool, SimWorld } from './worlds.ts';

const SEED = Number(process.env.SEED ?? 1);
const RUNS = Number(process.env.RUNS ?? 70);

// Serial: the simulated one never lets go of the thread, and for the other what takes so long hangs.
test.serial('engine: all it says is what a sorted map says, in a simulated world where processes are killed', async (t) => {
  await holds(
    fc.asyncProperty(script, fc.nat(), async (steps, worldSeed) => {
      await runScript(new SimWorld(`${worldSeed}`), steps);
    }),
    { seed: SEED, numRuns: RUNS },
  );
  t.pass();
});

test.serial('engine: all it says is what a sorted map says, on the real disk with the real job pool', async (t) => {
  const pool = realPool();
  try {
    await holds(
      fc.asyncProperty(script, async (steps) => {
        const world = new RealWorld('real', pool);
        try {
          await runScript(world, steps);
        } finally {
          world.end();
        }
      }),
      { seed: SEED, numRuns: Math.ceil(RUNS / 12), endOnFailure: true },
    );
  } finally {
    await pool.close();
  }
  t.pass();
});

/** As `fc.assert`, but says first what went wrong. */
async function holds<T>(property: fc.IAsyncProperty<T>, parameters: fc.Parameters<T>): Promise<void> {
  const details = await fc.check(property, parameters);
  if (!details.failed) return;
  const { errorInstance, counterexample, seed, counterexamplePath } = details;
  const what = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  throw new Error(`${what}\nseed ${seed} path ${counterexamplePath}: ${JSON.stringify(counterexample)}`);
}
