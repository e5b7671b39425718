/** Purging on three nodes of two shards, from above. */
import test from 'ava';
import type { PurgeMessage, PurgeState } from '../../../actors/purge/purge-protocol.ts';
import { obstacleOf } from '../../../actors/purge/purge-server.ts';
import { Hasher } from '../../../actors/ring/token.ts';
import { HINT_SLOT, PURGE_SLOT } from '../../../actors/store/data-frames.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import { MERGE_IN, ReplicaCall } from '../../../actors/store/replica-call.ts';
import { Topology } from '../../../actors/store/topology.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { NODES, RepairCluster, type RepairClusterOptions, SHARDS } from '../repair/repair-cluster.ts';
import { idOf, memberOf, RingWorld } from '../ring/ring-world.ts';
import { recordOf, siblingOf } from '../scan/scan-cluster.ts';
import { encodeNaive, type NaiveRecord } from '../version/naive-record.ts';

const PURGE = { intervalMs: 300, graceMs: 0 };
const OLD = recordOf(siblingOf('a', 1, 'old'));
const DELETED = recordOf(siblingOf('a', 2, undefined));
const ROUND_MS = 8_000;

function clusterOf(options: RepairClusterOptions = {}): RepairCluster {
  return new RepairCluster({ purge: PURGE, ...options });
}

function refOf(cluster: RepairCluster, node: string, shard: number, slot: number): Ref<PurgeMessage> {
  return cluster.sim.node(node).shard(shard).runtime.wellKnown(slot, { node, shard }) as unknown as Ref<PurgeMessage>;
}

/** What holds up rounds, as all shards that are up say it. */
function blocked(cluster: RepairCluster): readonly string[] {
  const found = new Set<string>();
  for (const node of NODES)
    for (let shard = 0; shard < SHARDS; shard++) {
      if (!cluster.sim.node(node).isUp) continue;
      const asked = cluster.sim.ask<PurgeMessage, PurgeState>(
        refOf(cluster, node, shard, PURGE_SLOT),
        (replyTo) => ({ type: 'purgeState', replyTo }),
        { timeoutMs: 1_000 },
      );
      cluster.runUntil(() => asked.answer !== undefined, 1_100);
      if (asked.answer?.ok === true) for (const { why } of asked.answer.value.blocked) found.add(why);
    }
  return [...found];
}

/** Tells the actors at that slot of these nodes who is down. */
function tellDown(cluster: RepairCluster, slot: number, nodes: readonly string[], down: readonly string[]): void {
  const members = cluster.rings.ring.members.filter(({ name }) => down.includes(name));
  const view = { members: members.map(({ id }) => ({ id, isSuspected: true, label: 'down' })) };
  for (const node of nodes)
    for (let shard = 0; shard < SHARDS; shard++)
      cluster.sim.tell(refOf(cluster, node, shard, slot), { type: 'view', view } as unknown as PurgeMessage);
}

function isGone(cluster: RepairCluster, key: string): boolean {
  return NODES.every((node) => cluster.dump(node)?.has(key) === false);
}

function hasValue(cluster: RepairCluster, node: string, key: string, record: NaiveRecord): boolean {
  return cluster.dump(node)?.get(key) === encodeNaive(record).toString('hex');
}

function statOf(cluster: RepairCluster, name: string): number {
  let sum = 0;
  for (const { replicas } of cluster.shards.values()) sum += replicas.replicas?.stats()[name] ?? 0;
  return sum;
}

test('purge: what is dead goes from all replicas, what is not stays, and what comes back late is refused and counted [A8 T7]', (t) => {
  const cluster = clusterOf();
  const expired = recordOf(siblingOf('a', 3, 'v', 1));
  const alive = recordOf(siblingOf('a', 4, 'alive'));
  const both = recordOf(siblingOf('a', 5, 'value'), siblingOf('b', 1, undefined));
  cluster.hold(NODES, 'deleted', DELETED);
  cluster.hold(['n1', 'n2'], 'expired', expired);
  cluster.hold(NODES, 'alive', alive);
  cluster.hold(['n2'], 'both', both);
  t.true(cluster.runUntil(() => isGone(cluster, 'deleted') && isGone(cluster, 'expired'), ROUND_MS));
  t.is(statOf(cluster, 'purgedKeys'), 6);
  cluster.hold(NODES, 'deleted', OLD);
  cluster.run(500);
  t.true(isGone(cluster, 'deleted'));
  t.is(statOf(cluster, 'purgeRefusedValues'), 3);
  cluster.repair('n1');
  t.true(cluster.isConverged());
  t.true(hasValue(cluster, 'n3', 'alive', alive) && hasValue(cluster, 'n2', 'both', both));
});

test('purge: a value that one replica has kept, as it missed the delete, does not come back [A8]', (t) => {
  for (const mutant of ['', 'purgedUncompared']) {
    const cluster = clusterOf({ mutants: [mutant] });
    cluster.hold(['n3'], 'k', OLD);
    cluster.hold(['n1', 'n2'], 'k', DELETED);
    cluster.runUntil(() => cluster.dump('n1')?.has('k') === false, ROUND_MS);
    cluster.run(1_000);
    t.is(isGone(cluster, 'k'), mutant === '');
    t.is(hasValue(cluster, 'n3', 'k', OLD), mutant !== '');
  }
});

test('purge: a member that is down holds it up, and is named; when it is back what is dead goes [T7]', (t) => {
  const cluster = clusterOf();
  cluster.hold(NODES, 'k', OLD);
  cluster.run(200);
  cluster.sim.crash('n3');
  cluster.hold(['n1', 'n2'], 'k', DELETED);
  cluster.run(20_000);
  t.true(hasValue(cluster, 'n1', 'k', DELETED) && hasValue(cluster, 'n2', 'k', DELETED));
  t.true(blocked(cluster).some((why) => why.startsWith('n3: no answer')));
  tellDown(cluster, PURGE_SLOT, ['n1', 'n2'], ['n3']);
  // As long as the last question to it is asked again.
  cluster.run(15_000);
  t.true(blocked(cluster).some((why) => why.startsWith("n3 can't be reached")));
  cluster.sim.restart('n3');
  tellDown(cluster, PURGE_SLOT, ['n1', 'n2'], []);
  t.true(cluster.runUntil(() => isGone(cluster, 'k'), 20_000));
  cluster.run(1_000);
  t.deepEqual(blocked(cluster), []);
});

test('purge: the planted bug that goes on without who is away has a deleted value come back with it', (t) => {
  const cluster = clusterOf({ mutants: ['absentMemberIgnored'] });
  cluster.hold(NODES, 'k', OLD);
  cluster.run(200);
  cluster.sim.crash('n3');
  cluster.hold(['n1', 'n2'], 'k', DELETED);
  tellDown(cluster, PURGE_SLOT, ['n1', 'n2'], ['n3']);
  t.true(cluster.runUntil(() => cluster.dump('n1')?.has('k') === false && cluster.dump('n2')?.has('k') === false, ROUND_MS));
  cluster.sim.restart('n3');
  cluster.run(500);
  t.true(hasValue(cluster, 'n3', 'k', OLD));
});

/** A stand-in holds a write of an actor whose later one is dead: nothing may cover it before it is handed over. */
function lateHint(mutants: readonly string[]): { readonly cluster: RepairCluster; readonly hinted: NaiveRecord } {
  const cluster = clusterOf({ mutants });
  tellDown(cluster, HINT_SLOT, NODES, ['n3']);
  cluster.hold(NODES, 'k', DELETED);
  const hinted = OLD;
  const hasher = new Hasher();
  const key = keyBeside(cluster, 'k');
  hasher.hash(Buffer.from(key));
  const call = new ReplicaCall();
  const bytes = encodeNaive(hinted);
  Object.assign(call, {
    verb: MERGE_IN,
    keyspace: cluster.keyspace.id,
    tokenHigh: hasher.high,
    tokenLow: hasher.low,
    bytes,
    end: bytes.length,
  });
  Object.assign(call, { key: Buffer.from(key), keyEnd: key.length, isStandIn: true, owner: Buffer.from(idOf(3), 'hex') });
  cluster.shardOf('n2', key).replicas.replicas!.run(call);
  return { cluster, hinted };
}

function keyBeside(cluster: RepairCluster, key: string): string {
  for (let i = 0; ; i++) if (cluster.partitionOf(`beside ${i}`) === cluster.partitionOf(key)) return `beside ${i}`;
}

test('purge: what a stand-in holds is handed over before anything is covered that may be in it [T7 T25]', (t) => {
  const { cluster, hinted } = lateHint([]);
  cluster.run(ROUND_MS);
  t.true(hasValue(cluster, 'n1', 'k', DELETED));
  t.true(blocked(cluster).some((why) => why === 'n2: 1 writes are held there for others'));
  tellDown(cluster, HINT_SLOT, NODES, []);
  t.true(cluster.runUntil(() => isGone(cluster, 'k'), ROUND_MS));
  t.true(hasValue(cluster, 'n3', keyBeside(cluster, 'k'), hinted));
});

test('purge: the planted bug that does not ask for what is held for others loses it', (t) => {
  const { cluster } = lateHint(['hintsIgnored']);
  t.true(cluster.runUntil(() => isGone(cluster, 'k'), ROUND_MS));
  tellDown(cluster, HINT_SLOT, NODES, []);
  cluster.run(ROUND_MS);
  t.true(isGone(cluster, keyBeside(cluster, 'k')));
  t.true(statOf(cluster, 'purgeRefusedValues') > 0);
});

test('purge: what a directory of before brings back is refused by the others, and dropped where it is [O9]', (t) => {
  const cluster = clusterOf();
  cluster.hold(NODES, 'k', DELETED);
  t.true(cluster.runUntil(() => isGone(cluster, 'k'), ROUND_MS));
  const hasher = new Hasher();
  hasher.hash(Buffer.from('k'));
  const key = engineKeyOf(cluster.keyspace.id, hasher.high, hasher.low, Buffer.from('k'));
  cluster.shardOf('n3', 'k').replicas.replicas!.engine.put(key, encodeNaive(OLD), 'sync', () => {});
  cluster.run(200);
  t.true(hasValue(cluster, 'n3', 'k', OLD));
  cluster.sim.crash('n3');
  cluster.sim.restart('n3');
  cluster.run(500);
  cluster.repair('n3');
  t.true(isGone(cluster, 'k'));
  t.is(statOf(cluster, 'purgeRefusedValues') > 0, true);
});

test('purge: a start goes on with what was released and not deleted, and floors are there again', (t) => {
  const cluster = clusterOf();
  cluster.hold(NODES, 'k', DELETED);
  t.true(cluster.runUntil(() => statOf(cluster, 'purgedKeys') > 0, ROUND_MS));
  for (const node of NODES) {
    cluster.sim.crash(node);
    cluster.sim.restart(node);
  }
  t.true(cluster.runUntil(() => isGone(cluster, 'k'), ROUND_MS));
  cluster.hold(NODES, 'k', OLD);
  cluster.run(200);
  t.true(isGone(cluster, 'k'));
});

test('purge: nothing is purged while data moves, or while a member is excluded [T7 T19]', (t) => {
  const world = new RingWorld(3);
  t.is(obstacleOf(new Topology(world.ring, 'n1')), undefined);
  world.do({ type: 'excludeMember', id: idOf(2) });
  t.is(obstacleOf(new Topology(world.ring, 'n1')), 'n2 is excluded: include or remove it');
  world.do({ type: 'includeMember', id: idOf(2) });
  world.do({ type: 'addMember', member: memberOf(4) });
  world.begin();
  t.is(obstacleOf(new Topology(world.ring, 'n1')), 'data moves');
});
