import test from 'ava';
import { SeededRandom } from '../../runtime/random.ts';
import { Link, Links } from './link.ts';
import { Shaper } from './shaper.ts';

function shaperOf(faults: Partial<Link['faults']>): { readonly link: Link; readonly shaper: Shaper } {
  const link = new Link('a', 'b');
  link.faults = { ...link.faults, ...faults };
  return { link, shaper: new Shaper(link, new SeededRandom(1)) };
}

function textOf(shaper: Shaper, nowMs: number): string {
  return Buffer.concat(shaper.take(nowMs).bytes).toString();
}

test('shaper: bytes go on at once, when the link has no fault', (t) => {
  const { shaper } = shaperOf({});
  shaper.push(Buffer.from('ab'), 10);
  t.is(shaper.nextDueMs, 10);
  t.is(textOf(shaper, 10), 'ab');
  t.is(shaper.waitingBytes, 0);
  t.is(shaper.nextDueMs, null);
});

test('shaper: bytes come late and in order, when the link delays by chance', (t) => {
  const { shaper } = shaperOf({ delayMs: 5, jitterMs: 20 });
  for (let i = 0; i < 10; i++) shaper.push(Buffer.from(String(i)), i);
  t.is(textOf(shaper, 4.9), '');
  t.is(shaper.waitingBytes, 10);
  let all = '';
  for (let now = 5; now <= 34; now++) all += textOf(shaper, now);
  t.is(all, '0123456789');
});

test('shaper: a chunk takes its length over the rate, when the link is throttled', (t) => {
  const { shaper } = shaperOf({ bytesPerSecond: 1_000 });
  shaper.push(Buffer.alloc(100, 'x'), 0);
  shaper.push(Buffer.alloc(50, 'y'), 0);
  t.is(textOf(shaper, 99), '');
  t.is(textOf(shaper, 100).length, 100);
  t.is(textOf(shaper, 149), '');
  t.is(textOf(shaper, 150).length, 50);
});

test('shaper: nothing is due until it ends, when the link is stalled', (t) => {
  const { link, shaper } = shaperOf({ isStalled: true });
  shaper.push(Buffer.from('late'), 0);
  t.is(textOf(shaper, 1e9), '');
  t.is(shaper.nextDueMs, null);
  link.faults = { ...link.faults, isStalled: false };
  t.is(textOf(shaper, 1e9), 'late');
});

test('shaper: what was under way and all that follows is lost, when the link is cut', (t) => {
  const { link, shaper } = shaperOf({ delayMs: 10 });
  shaper.push(Buffer.from('under way'), 0);
  link.faults = { ...link.faults, isCut: true };
  t.is(textOf(shaper, 20), '');
  t.true(shaper.isBroken);
  link.faults = { ...link.faults, isCut: false };
  shaper.push(Buffer.from('later'), 30);
  t.is(textOf(shaper, 1e9), '');
});

test('shaper: a connection that has lost nothing stays whole, when the link was cut meanwhile', (t) => {
  const { link, shaper } = shaperOf({ isCut: true });
  t.is(textOf(shaper, 0), '');
  link.faults = { ...link.faults, isCut: false };
  shaper.push(Buffer.from('on'), 1);
  t.is(textOf(shaper, 1), 'on');
  t.false(shaper.isBroken);
});

test('shaper: exactly so many bytes go on and then no more, when a reset is due at a byte', (t) => {
  const { link, shaper } = shaperOf({});
  link.resetAfterBytes = 5;
  shaper.push(Buffer.from('abc'), 0);
  shaper.push(Buffer.from('defg'), 0);
  shaper.push(Buffer.from('hij'), 0);
  const { bytes, isReset } = shaper.take(0);
  t.is(Buffer.concat(bytes).toString(), 'abcde');
  t.true(isReset);
  t.is(link.resetAfterBytes, -1);
  t.is(textOf(shaper, 1e9), '');
});

test('links: each direction has its own faults, and all are gone, when they are healed', (t) => {
  const links = new Links();
  let told = 0;
  const end = links.watch(() => told++);
  links.set('a', 'b', { isCut: true });
  links.set('a', 'b', { delayMs: 7 });
  links.resetAfter('b', 'a', 9);
  t.like(links.of('a', 'b').faults, { isCut: true, delayMs: 7 });
  t.false(links.of('b', 'a').faults.isCut);
  links.heal();
  t.like(links.of('a', 'b').faults, { isCut: false, delayMs: 0 });
  t.is(links.of('b', 'a').resetAfterBytes, -1);
  end();
  links.set('a', 'b', { isCut: true });
  t.is(told, 3);
});
