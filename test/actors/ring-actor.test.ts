import test from 'ava';
import { RingWorld } from './membership/ring-world.ts';

test('ring actor: three nodes become one cluster, one begins it and two join', (t) => {
  const world = new RingWorld();
  const ring = world.settle();
  t.deepEqual(
    ring.members.map(({ name, state }) => `${name} ${state}`),
    ['a up', 'b up', 'c up'],
  );
  for (const name of ['a', 'b', 'c']) t.true(world.status(name).isConfirmed);
});
