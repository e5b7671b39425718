/** Module of test nodes: a fake coordinator on every shard, with a store of its own. Keys tell it to misbehave: `status N ...` is answered so, `silent ...` not at all. */
import { COORDINATOR_SLOT, SCAN_SLOT } from '../../../actors/store/data-frames.ts';
import type { ShardStart } from '../../../runtime/definitions.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { FakeStore, fakeCoordinator, fakeScans } from './fake-store.ts';

export function startShard(start: ShardStart): void {
  const store = new FakeStore(new RingWorld(1).ring);
  store.script = ({ key }) => {
    if (key.startsWith('silent')) return null;
    const status = /^status (\d+)/.exec(key)?.[1];
    return status === undefined ? undefined : { status: Number(status), received: 1, needed: 2, message: `as ${key} says` };
  };
  start.spawnWellKnown(COORDINATOR_SLOT, fakeCoordinator, [store, start.node, start.shard]);
  start.spawnWellKnown(SCAN_SLOT, fakeScans, [store, start.node, start.shard]);
}
