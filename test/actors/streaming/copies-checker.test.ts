import test from 'ava';
import { RingWorld } from '../ring/ring-world.ts';
import { PurgeWatch } from '../store/purge-watch.ts';
import { encodeNaive } from '../version/naive-record.ts';
import { type CopiesCheck, missingCopies } from './copies-checker.ts';

const ACTOR = 'a0'.repeat(16);

/** A write with that W, which those members of so many have, and another one has what was before it. */
function missing(members: number, having: readonly string[], needed: number, { isStrict = true, losesSingle = false } = {}): number {
  const { ring } = new RingWorld(members);
  const held = (counter: number): Buffer => encodeNaive({ vector: new Map([[ACTOR, { counter, stamp: 1 }]]), siblings: [] });
  const shards = new Map(
    ring.members.map(({ name }) => [
      `${name}/0`,
      { replicas: { replicas: { engine: { getNow: () => held(having.includes(name) ? 5 : 4) } } } },
    ]),
  ) as unknown as CopiesCheck['shards'];
  const acknowledged = [{ id: 'w1', name: 'users/k1', dot: `${ACTOR} 5`, needed, isStrict }];
  return missingCopies({ ring, shards, acknowledged, purged: new PurgeWatch(), losesSingle }).length;
}

test('copies checker: W members have to have it, and one fewer is found', (t) => {
  t.is(missing(3, ['n1', 'n3'], 2), 0);
  t.is(missing(3, ['n1'], 2), 1);
  t.is(missing(3, [], 1), 1);
});

test('copies checker: where there are fewer members than W a quorum of them has to do, and no less', (t) => {
  t.is(missing(2, ['n1', 'n2'], 3), 0);
  t.is(missing(2, ['n1'], 3), 1);
  t.is(missing(3, ['n1', 'n2'], 3), 0);
});

test('copies checker: where members are lost W = 1 promises nothing, and what stand-ins confirmed one copy less', (t) => {
  t.is(missing(3, [], 1, { losesSingle: true }), 0);
  t.is(missing(3, ['n1'], 2, { losesSingle: true }), 1);
  t.is(missing(3, ['n1'], 2, { losesSingle: true, isStrict: false }), 0);
  t.is(missing(3, [], 2, { losesSingle: true, isStrict: false }), 1);
});
