/**
 * Runs the exchange workload for some seeds and prints `seed digest` for each, to be compared with another process:
 * `node dist/test/runtime/simulation/digests.js FROM COUNT [spoiled]`. Spoiled: with a random number of the process in each seed, as a control.
 */
import { runWorkload } from '../../../runtime/simulation/testing.ts';
import { exchange, exchangeRun } from './exchange.ts';

const from = Number(process.argv[2]);
const count = Number(process.argv[3]);
const isSpoiled = process.argv[4] === 'spoiled';
for (let seed = from; seed < from + count; seed++) {
  const run = exchangeRun(seed);
  const { digest, failure, events } = runWorkload(exchange, isSpoiled ? { ...run, seed: `${seed}/${Math.random()}` } : run);
  process.stdout.write(`${seed} ${digest} ${events}${failure === null ? '' : ` failed: ${failure.what}`}\n`);
}
