/** A process in which one function calls many others until it is compiled. With `--trace-turbo-inlining` V8 says what it takes into it. */
import { runInThisContext } from 'node:vm';

const CALLED = 60;
const TIMES = 20_000;

interface Sums {
  even: number;
  odd: number;
}

// Made from text: each is a function of its own for V8, with feedback of its own.
const names = Array.from({ length: CALLED }, (_, i) => `f${i}`);
const called = names.map(
  (name, i) =>
    `function ${name}(a, sums) { let x = a * ${i + 3}; if (x > 100) x -= sums.even; else x += sums.odd; sums.even = (sums.even + x) | 0; if ((x & 7) === 3) sums.odd++; return x; }`,
);
const calls = names.map((name) => `total += ${name}(a, sums);`);
const text = `${called.join('\n')}\n(a, sums) => { let total = 0; ${calls.join(' ')} return total; };`;
const all = runInThisContext(text) as (a: number, sums: Sums) => number;

const sums: Sums = { even: 0, odd: 0 };
for (let i = 0; i < TIMES; i++) all(i % 100, sums);
