import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { IS_SILENT, ReplyRing } from '../../../actors/resp/reply-ring.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

/** Opens and answers commands as `steps` say; returns the replies as they came out and as they should. */
function run(steps: readonly { readonly opens: number; readonly answers: readonly number[] }[], mutants: readonly string[] = []) {
  const out = new OutBuffer(16, 1 << 20);
  const side = new OutBuffer(16, 1 << 20);
  const ring = new ReplyRing(out, side, 64, new Set(mutants));
  const open: { slot: number; reply: string; isSilent: boolean }[] = [];
  let made = 0;
  let expected = '';
  const append = (to: OutBuffer, text: string): void => {
    to.ensure(text.length);
    to.length += to.bytes.write(text, to.length, 'latin1');
  };
  const answer = (i: number): void => {
    const [{ slot, reply }] = open.splice(i % open.length, 1) as [(typeof open)[0]];
    append(ring.outOf(slot), reply);
    ring.close(slot);
  };
  for (const { opens, answers } of steps) {
    for (let i = 0; i < opens && !ring.isFull; i++) {
      const isSilent = made % 7 === 3;
      const reply = `${made++}:${'.'.repeat((made * 37) % 50)} `;
      if (!isSilent) expected += reply;
      open.push({ slot: ring.open(isSilent ? IS_SILENT : 0, made, undefined), reply, isSilent });
    }
    for (const i of answers) if (open.length > 0) answer(i);
  }
  while (open.length > 0) answer(open.length - 1);
  return { replies: out.bytes.toString('latin1', 0, out.length), expected, ring, side };
}

const steps = fc.array(fc.record({ opens: fc.integer({ min: 0, max: 40 }), answers: fc.array(fc.nat({ max: 63 }), { maxLength: 40 }) }), {
  maxLength: 30,
});

testProp('reply ring: replies come in the order of the commands, when they are made in any order', [steps], (t, script) => {
  const { replies, expected, ring, side } = run(script);
  t.is(replies, expected);
  t.is(ring.size, 0);
  t.is(ring.sideBytes, 0);
  t.is(side.length, 0);
});

test('reply ring: the planted bug answersOutOfOrder is found, when the second is answered first', (t) => {
  const script = [{ opens: 3, answers: [1, 0, 0] }];
  t.is(run(script).replies, run(script).expected);
  const { replies, expected } = run(script, ['answersOutOfOrder']);
  t.not(replies, expected);
});

test('reply ring: the side buffer stays in proportion and its replies right, when there is always one that waits', (t) => {
  const out = new OutBuffer(16, 1 << 24);
  const side = new OutBuffer(16, 1 << 24);
  const ring = new ReplyRing(out, side, 16);
  const reply = (slot: number, letter: string, count: number): void => {
    const to = ring.outOf(slot);
    to.ensure(count);
    to.bytes.fill(letter, to.length, to.length + count);
    to.length += count;
    ring.close(slot);
  };
  let late = ring.open(0, 0, undefined);
  let highest = 0;
  for (let i = 0; i < 500; i++) {
    const early = ring.open(0, 0, undefined);
    const next = ring.open(0, 0, undefined);
    reply(early, `${i % 10}`, 1_000);
    const nextEarly = ring.open(0, 0, undefined);
    const nextLate = ring.open(0, 0, undefined);
    reply(nextEarly, 'b', 1_000);
    reply(late, 'a', 1);
    t.is(out.bytes.toString('latin1', 0, out.length), `a${`${i % 10}`.repeat(1_000)}`);
    out.clear();
    reply(next, 'c', 1);
    t.is(out.bytes.toString('latin1', 0, out.length), `c${'b'.repeat(1_000)}`);
    out.clear();
    late = nextLate;
    highest = Math.max(highest, side.bytes.length);
  }
  t.true(highest <= 1 << 13, `${highest}`);
  // Never empty: the one that is ready waits for the one before it.
  let [first, ready] = [late, ring.open(0, 0, undefined)];
  reply(ready, 'r', 3_000);
  for (let i = 0; i < 500; i++) {
    const second = ring.open(0, 0, undefined);
    ready = ring.open(0, 0, undefined);
    reply(ready, `${i % 10}`, 3_000);
    reply(first, 'a', 1);
    t.is(out.bytes.toString('latin1', 0, out.length), `a${i === 0 ? 'r'.repeat(3_000) : `${(i - 1) % 10}`.repeat(3_000)}`);
    out.clear();
    first = second;
    highest = Math.max(highest, side.bytes.length);
  }
  t.true(highest <= 1 << 18, `${highest}`);
});

test('reply ring: what did not fit is told, when the buffer is at its cap', (t) => {
  const out = new OutBuffer(16, 64);
  const side = new OutBuffer(16, 1_000);
  const ring = new ReplyRing(out, side, 16);
  const [first, second] = [ring.open(0, 0, undefined), ring.open(0, 0, undefined)];
  const to = ring.outOf(second);
  to.ensure(100);
  to.length += 100;
  t.true(ring.close(second));
  ring.outOf(first);
  t.false(ring.close(first));
});
