import test from 'ava';
import { SelfSuspicion } from '../../../actors/gossip/self-suspicion.ts';

const NONE: ReadonlySet<string> = new Set();

function healthOf(mutants = NONE): SelfSuspicion {
  return new SelfSuspicion({ periodMs: 250, pauseMs: 500, graceMs: 2000, mutants }, 0);
}

test('self suspicion: nobody is accused within the grace after the start', (t) => {
  const health = healthOf();
  t.false(health.mayAccuse(1999));
  t.true(health.mayAccuse(2000));
});

test('self suspicion: a late tick is a pause, reported once, with a grace after it', (t) => {
  const health = healthOf();
  for (let nowMs = 250; nowMs <= 3000; nowMs += 250) {
    t.is(health.observe(nowMs), 0);
    health.tick(nowMs);
  }
  t.is(health.observe(3749), 0);
  t.is(health.observe(5000), 1750);
  t.is(health.observe(5000), 0);
  health.tick(5000);
  t.false(health.mayAccuse(6999));
  t.true(health.mayAccuse(7000));
});

test('self suspicion: the longer it is ill the longer it waits, up to a bound, and it heals', (t) => {
  const health = healthOf();
  t.is(health.multiplier, 1);
  for (let i = 1; i <= 10; i++) health.unanswered();
  t.is(health.multiplier, 5);
  health.answered();
  t.is(health.multiplier, 4);
  for (let i = 1; i <= 24; i++) health.tick(i * 250);
  t.is(health.multiplier, 1);
});

test('self suspicion: ticks that are late heal nothing', (t) => {
  const health = healthOf();
  health.unanswered();
  for (let i = 1; i <= 20; i++) health.tick(i * 600);
  t.is(health.multiplier, 2);
});
