/** Nodes of a cluster in this process, with real threads and sockets, fake RingActors and fake coordinators. */
import { RING_SLOT } from '../../../actors/membership/cluster-door.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { idOf, keyspaceOf, RingWorld } from '../ring/ring-world.ts';
import { FakeStore, fakeRing } from './fake-store.ts';

export const CLUSTER = idOf(0xc0);

export class TestNodes {
  readonly systems: readonly ActorSystem[];
  readonly store: FakeStore;

  static async start(count: number): Promise<TestNodes> {
    const systems: ActorSystem[] = [];
    for (let number = 1; number <= count; number++) systems.push(await startSystem(number));
    return new TestNodes(systems);
  }

  private constructor(systems: readonly ActorSystem[]) {
    this.systems = systems;
    const world = new RingWorld(systems.length, { partitions: 16, keyspace: null });
    world.do({ type: 'createKeyspace', keyspace: keyspaceOf('users') });
    for (const [i, { address }] of systems.entries()) world.do({ type: 'setAddress', id: idOf(i + 1), address });
    this.store = new FakeStore(world.ring);
    for (const system of systems) system.spawnWellKnown(RING_SLOT, fakeRing, [this.store, system.node]);
  }

  get ring(): RingState {
    return this.store.ring;
  }

  get seeds(): string[] {
    return this.systems.map(({ address }) => `${address.host}:${address.ports[0]}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const system of this.systems) await system.stop({ drainMs: 100 });
  }
}

function startSystem(number: number, cluster = CLUSTER): Promise<ActorSystem> {
  return ActorSystem.start({
    node: `n${number}`,
    cluster,
    shards: 1,
    modules: [new URL('./fake-shard.js', import.meta.url)],
    listen: { host: '127.0.0.1', port: 0 },
    logLevel: 'silent',
  });
}
