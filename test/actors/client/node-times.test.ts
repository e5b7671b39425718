import test from 'ava';
import { NodeTimes } from '../../../actors/client/node-times.ts';

function slowNode(): NodeTimes {
  const times = new NodeTimes();
  for (let ms = 0; ms < 100; ms++) times.answered(400, ms);
  return times;
}

test('client node times: one that is four times and 20 ms slower than another one is passed over', (t) => {
  const times = new NodeTimes();
  times.answered(28, 0);
  t.true(times.isPassedOver(1.9, 0));
  t.false(times.isPassedOver(2.1, 0));
  t.false(times.isPassedOver(Number.POSITIVE_INFINITY, 0));
});

test('client node times: nothing is held against who is not known', (t) => {
  t.false(new NodeTimes().isPassedOver(0, 0));
});

test('client node times: one long answer of many is no slowness', (t) => {
  const times = new NodeTimes();
  for (let ms = 0; ms < 100; ms++) times.answered(1, ms);
  times.answered(200, 100);
  t.false(times.isPassedOver(1, 100));
});

test('client node times: one that says nothing is passed over before its answers come', (t) => {
  const times = new NodeTimes();
  times.asked(0);
  times.answered(2, 2);
  times.asked(100);
  times.asked(110);
  t.false(times.isPassedOver(2, 128));
  t.true(times.isPassedOver(2, 129));
  times.answered(400, 500);
  times.asked(600);
  t.true(times.isPassedOver(1, 601), 'by its average');
  t.false(times.isPassedOver(10, 601));
});

test('client node times: one that is slow gets one operation a second', (t) => {
  const times = slowNode();
  let tries = 0;
  for (let ms = 100; ms < 10_100; ms++) if (!times.isPassedOver(2, ms)) tries++;
  t.is(tries, 9);
});

test('client node times: one that was slow is asked again at once, when its try is answered in good time', (t) => {
  const times = slowNode();
  t.false(times.isPassedOver(2, 2_000));
  times.answered(3, 2_003);
  t.false(times.isPassedOver(2, 2_004));
});
