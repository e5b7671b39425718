import test from 'ava';
import { SelfSuspicion } from '../../../actors/gossip/self-suspicion.ts';
import { type SuspicionAction, Suspicions } from '../../../actors/gossip/suspicions.ts';
import { beatOf } from './arbitraries.ts';
import { idOf } from './world.ts';

const NONE: ReadonlySet<string> = new Set();
const [A, B] = [idOf(1), idOf(2)];

/** Two are observed from time 0; nothing is settled. */
class Rig {
  readonly health = new SelfSuspicion({ periodMs: 250, pauseMs: 500, graceMs: 0, mutants: NONE }, 0);
  readonly suspicions = new Suspicions({ intervalMs: 1000, phiThreshold: 8, probeTimeoutMs: 500 }, 0, NONE);
  settled: readonly string[] = [];

  constructor(ids: readonly string[] = [A, B]) {
    this.suspicions.setObserved(ids, 0);
  }

  check(nowMs: number): SuspicionAction[] {
    return this.suspicions.check(nowMs, this.health, (id) => this.settled.includes(id));
  }

  /** B is well. */
  checkA(nowMs: number): SuspicionAction[] {
    this.suspicions.heartbeat(beatOf(2, 1, 0, nowMs), nowMs);
    return this.check(nowMs);
  }
}

test('suspicions: a silent member is suspected after two to three intervals, then probed', (t) => {
  const rig = new Rig();
  rig.suspicions.heartbeat(beatOf(1, 1, 0, 1), 1000);
  t.deepEqual(rig.checkA(3250), []);
  t.false(rig.suspicions.isSuspected(A));
  t.deepEqual(rig.checkA(3500), [{ type: 'probe', target: A, probeId: 1 }]);
  t.true(rig.suspicions.isSuspected(A));
  t.deepEqual(rig.checkA(3750), []);
});

test('suspicions: a member is accused, when a helper confirmed the probe and nobody answered', (t) => {
  const rig = new Rig();
  rig.checkA(2500);
  rig.suspicions.confirmed(1);
  t.deepEqual(rig.checkA(2999), []);
  t.deepEqual(rig.checkA(3000), [{ type: 'accuse', target: A }]);
});

test('suspicions: a probe that nobody confirmed is made again with more patience before it counts', (t) => {
  const rig = new Rig();
  rig.checkA(2500);
  t.deepEqual(rig.checkA(3000), [{ type: 'probe', target: A, probeId: 2 }]);
  t.is(rig.health.multiplier, 2);
  t.deepEqual(rig.checkA(3999), []);
  t.deepEqual(rig.checkA(4000), [{ type: 'accuse', target: A }]);
});

test('suspicions: of two members the other is accused at once, since nobody can help', (t) => {
  const rig = new Rig([A]);
  rig.check(2500);
  t.deepEqual(rig.check(3000), [{ type: 'accuse', target: A }]);
});

test('suspicions: an answer of its own clears a suspect, one over another member only spares it', (t) => {
  const rig = new Rig();
  rig.checkA(2500);
  t.false(rig.suspicions.answered(A, 99, 2600));
  rig.suspicions.answeredFor(A, 1, 2700);
  t.true(rig.suspicions.isSuspected(A));
  t.deepEqual(rig.checkA(3600), []);
  t.deepEqual(rig.checkA(3700), [{ type: 'probe', target: A, probeId: 2 }]);
  t.true(rig.suspicions.answered(A, 2, 3800));
  t.false(rig.suspicions.isSuspected(A));
  t.deepEqual(rig.checkA(5000), []);
});

test('suspicions: only a heartbeat that is newer than all before counts', (t) => {
  const rig = new Rig();
  rig.suspicions.heartbeat(beatOf(1, 1, 0, 5), 500);
  rig.checkA(3000);
  t.false(rig.suspicions.heartbeat(beatOf(1, 1, 0, 5), 3100));
  t.false(rig.suspicions.heartbeat(beatOf(1, 1, 0, 4), 3100));
  t.true(rig.suspicions.isSuspected(A));
  t.true(rig.suspicions.heartbeat(beatOf(1, 1, 0, 6), 3100));
  t.false(rig.suspicions.isSuspected(A));
});

test('suspicions: a heartbeat that came by gossip feeds no history and clears nothing', (t) => {
  const rig = new Rig();
  rig.checkA(2500);
  const before = rig.suspicions.phi(A, 2600);
  rig.suspicions.heardOf(beatOf(1, 1, 0, 9), 2600);
  t.true(rig.suspicions.isSuspected(A));
  t.is(rig.suspicions.phi(A, 2600), before);
});

test('suspicions: who is settled is suspected, and left alone', (t) => {
  const rig = new Rig();
  rig.settled = [A];
  t.deepEqual(rig.checkA(2500), []);
  t.true(rig.suspicions.isSuspected(A));
});

test('suspicions: nobody is accused within the grace of this node', (t) => {
  const rig = new Rig();
  rig.checkA(2500);
  rig.suspicions.confirmed(1);
  t.true(rig.health.observe(2900) > 0);
  const { health } = rig;
  t.true(health.mayAccuse(2900));
  const graceful = new SelfSuspicion({ periodMs: 250, pauseMs: 500, graceMs: 5000, mutants: NONE }, 0);
  t.deepEqual(
    rig.suspicions.check(3000, graceful, () => false).filter(({ type }) => type === 'accuse'),
    [],
  );
});

test('suspicions: after a pause of this node all begins anew', (t) => {
  const rig = new Rig();
  rig.check(2500);
  rig.suspicions.reset(10_000);
  t.false(rig.suspicions.isSuspected(A));
  t.deepEqual(rig.check(12_000), []);
});

test('suspicions: who has to be observed in place of others is probed at once', (t) => {
  const rig = new Rig();
  rig.suspicions.setObserved([A, B, idOf(3)], 1000, true);
  t.deepEqual(rig.checkA(1000), [{ type: 'probe', target: idOf(3), probeId: 1 }]);
  t.false(rig.suspicions.isSuspected(idOf(3)));
});
