import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/testing.ts';
import { type ExchangeOptions, exchange, exchangeRun } from './exchange.ts';

/** `SEED=7 npx ava test/runtime/simulation/exchange.test.ts` runs that one alone. */
const ONLY = process.env.SEED;

const seeds = test.macro((t, from: number, count: number, options: ExchangeOptions) => {
  const first = ONLY === undefined ? from : Number(ONLY);
  for (let seed = first; seed < first + (ONLY === undefined ? count : 1); seed++) {
    const { failure, messages } = runWorkload(exchange, exchangeRun(seed, options));
    t.is(failure, null, `node dist/bench/hunt.js --from ${seed} --seeds 1 shrinks it`);
    t.true(messages > 0);
  }
});

test('exchange: order, answers, watches, credit and local work hold under faults', seeds, 0, 30, {});
test('exchange: they hold under faults over the real TCP transport too', seeds, 1000, 10, { fidelity: 'bytes' });
