import test from 'ava';
import { fuzzFrames } from './fuzz.ts';

test('fuzz: ours, cbor-x and the oracle agree and memory stays below the cap, when frames are good, broken and hostile', (t) => {
  const result = fuzzFrames(100_000, process.env.SEED ?? 'frames');
  t.deepEqual(result.findings, []);
  t.is(result.mismatches, 0);
  t.is(result.frames, 100_000);
  // Both kinds must occur, or nothing was shown.
  t.true(result.accepted > 20_000 && result.rejected > 40_000, `${result.accepted} accepted, ${result.rejected} rejected`);
});
