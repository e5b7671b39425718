/**
 * Looks for bugs in the agreement on rings: runs seeds of the workload `ring`, or, with `--planted`, seeds of each planted bug until one finds it:
 * `node dist/bench/ring-seeds.js --from 0 --seeds 10000`; `SEED=7 npx ava test/actors/membership/ring-workload.test.ts` runs one again.
 */
import { parseArgs } from 'node:util';
import { runWorkload } from '../runtime/simulation/testing.ts';
import { ringRun, ringWorkload } from '../test/actors/membership/ring-workload.ts';

const { values } = parseArgs({
  options: {
    from: { type: 'string', default: '0' },
    seeds: { type: 'string', default: '1000' },
    planted: { type: 'boolean', default: false },
  },
});

/** Those that this workload finds; the others have a test of their own (voter-rules.test.ts, decree.test.ts). */
const PLANTED = ['quorumOneTooFew', 'decidesOwnValue', 'precomputedRing', 'answersBeforeDurable', 'acceptorForgetsPromise'] as const;
const from = Number(values.from);
const until = from + Number(values.seeds);

function hunt(mutant: string): void {
  for (let seed = from; seed < until; seed++) {
    const { failure } = runWorkload(ringWorkload, ringRun(seed, [mutant]));
    if (failure !== null) return console.log(`${mutant}: seed ${seed}, ${failure.what}`);
  }
  console.log(`${mutant}: not found`);
  process.exitCode = 1;
}

function look(): void {
  const startedAt = performance.now();
  const total = { failed: 0, events: 0, virtualMs: 0 };
  for (let seed = from; seed < until; seed++) {
    const { failure, events, simulation } = runWorkload(ringWorkload, ringRun(seed));
    total.events += events;
    total.virtualMs += simulation.now;
    if (failure === null) continue;
    total.failed++;
    console.log(`seed ${seed}, ${failure.atMs} ms: ${failure.what}: ${failure.detail}`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${until - from} seeds in ${seconds.toFixed(1)} s, ${total.failed} failed; ${total.events} events, ` +
      `${(total.virtualMs / 1000 / seconds).toFixed(0)} times real time`,
  );
  if (total.failed > 0) process.exitCode = 1;
}

if (values.planted) for (const mutant of PLANTED) hunt(mutant);
else look();
