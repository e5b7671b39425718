import test from 'ava';
import { defineActor } from '../../../runtime/actor.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { TestKit } from '../../../runtime/simulation/testing.ts';
import { type CounterMessage, counter, talker } from './ping-actors.ts';

test('test kit: a probe remembers what it is told, and gives it away once', (t) => {
  const kit = new TestKit();
  const probe = kit.probe<number>();
  kit.spawn(talker, [probe.ref, 10]);
  kit.advance(35);
  t.deepEqual(probe.messages, [0, 1, 2]);
  t.deepEqual(probe.take(), [0, 1, 2]);
  t.deepEqual(probe.messages, []);
  kit.advance(10);
  t.deepEqual(probe.take(), [3]);
});

test('test kit: time passes by advance only', (t) => {
  const kit = new TestKit();
  const ref = kit.spawn(counter, []);
  for (let i = 0; i < 100; i++) kit.tell(ref, { type: 'add', value: 1 });
  t.is(kit.now, 0);
  kit.advance(1500);
  t.is(kit.now, 1500);
});

test('test kit: an ask is answered at once, or after its time', (t) => {
  const kit = new TestKit();
  const ref = kit.spawn(counter, []);
  const get = (replyTo: Ref<number>): CounterMessage => ({ type: 'get', replyTo });
  t.deepEqual(kit.ask<CounterMessage, number>(ref, get).answer, { ok: true, value: 0 });
  const silent = kit.probe<CounterMessage>();
  const holder = kit.ask<CounterMessage, number>(silent.ref, get, { timeoutMs: 200 });
  kit.advance(199);
  t.is(holder.answer, undefined);
  kit.advance(10);
  t.like(holder.answer, { ok: false, error: { code: 'DEADLINE_EXCEEDED' } });
});

test('test kit: a probe that watches is told when it ends', (t) => {
  const kit = new TestKit();
  const ref = kit.spawn(counter, []);
  const probe = kit.probe<never>(ref);
  t.deepEqual(probe.signals, []);
  kit.stop(ref);
  t.like(probe.signals[0], { type: 'terminated', reason: 'stopped' });
});

test('test kit: an actor that throws is in the failures, and the kit goes on', (t) => {
  const kit = new TestKit();
  const ref = kit.spawn(counter, []);
  kit.tell(ref, { type: 'boom' });
  t.is(kit.failures[0]?.what, 'actor failed: counter');
  t.regex(kit.failures[0]?.detail ?? '', /boom/);
  t.deepEqual(kit.ask<CounterMessage, number>(ref, (replyTo) => ({ type: 'get', replyTo })).answer, { ok: true, value: 0 });
});

test('test kit: says so, when actors never come to rest', (t) => {
  const restless = defineActor<'go'>('restless', (context) => ({
    receive(): void {
      context.self.tell('go');
    },
  }));
  const kit = new TestKit();
  const ref = kit.spawn(restless, []);
  kit.simulation.tell(ref, 'go');
  t.throws(() => kit.simulation.settle(0, 1000), { message: /not settled after 1000 events/ });
});
