import test from 'ava';
import { duration, wholeNumber } from '../../../../actors/node/cli/numbers.ts';

test('numbers: a time has a unit', (t) => {
  t.deepEqual(['500ms', '30s', '15m', '12h', '7d', '0s'].map(duration), [500, 30_000, 900_000, 43_200_000, 604_800_000, 0]);
});

for (const text of ['', '30', 's', '-1s', '1.5s', '1 s', '1w', '9999999999999d'])
  test(`numbers: a time is refused, when it is ${JSON.stringify(text)}`, (t) => {
    t.throws(() => duration(text), { message: /Expected a number with a unit: 500ms,/ });
  });

for (const text of ['', '-1', '0', '11', '1e1', '1.0', ' 1', '0x1'])
  test(`numbers: a whole number is refused, when it is ${JSON.stringify(text)}`, (t) => {
    t.throws(() => wholeNumber(1, 10)(text), { message: /Expected a whole number from 1 to 10\./ });
  });
