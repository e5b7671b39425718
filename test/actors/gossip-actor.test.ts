import test from 'ava';
import { GossipWorld } from './gossip/world.ts';

test('gossip: all see all up, and nobody accuses anybody, when nothing happens', (t) => {
  for (const nodes of [3, 5, 20]) {
    const world = new GossipWorld({ nodes, seed: 1 });
    world.run(20_000);
    for (let i = 0; i < nodes; i++) {
      t.is(world.view(i).length, nodes);
      t.deepEqual(world.down(i), []);
    }
    t.deepEqual(world.seen, []);
  }
});

test('gossip: a killed node is down everywhere within five seconds, and up again with a higher boot', (t) => {
  for (const nodes of [3, 5, 20]) {
    const world = new GossipWorld({ nodes, seed: 2, plan: [{ kind: 'crash', atMs: 10_000, node: 'n1', forMs: 15_000, silent: true }] });
    world.run(15_000);
    for (let i = 0; i < nodes; i++) if (i !== 1) t.deepEqual(world.down(i), ['n1'], `seen by n${i} of ${nodes}`);
    world.run(32_000);
    for (let i = 0; i < nodes; i++) {
      t.deepEqual(world.down(i), []);
      t.is(world.member(i, 1)?.boot, 2);
    }
    t.deepEqual(world.accusedBeside('n1'), []);
  }
});
