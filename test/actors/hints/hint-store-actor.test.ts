import test from 'ava';
import { putHintKey, readHintKey } from '../../../actors/hints/hint-key.ts';
import { hintStoreActor } from '../../../actors/hints/hint-store-actor.ts';
import { LeaveDesk } from '../../../actors/hints/leaving.ts';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { beginAnswer, HINT_SLOT, MERGE, MERGED, VNODE_SLOT } from '../../../actors/store/data-frames.ts';
import { engineKeyOf } from '../../../actors/store/engine-key.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import { OK } from '../../../actors/store/store-request.ts';
import { TopologyHolder } from '../../../actors/store/topology.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import type { EngineIterator, Entry, KeyRange } from '../../../storage/engine/api.ts';
import { idOf, RingWorld } from '../ring/ring-world.ts';

const TICK_MS = 10_000;

/** Has on its disk what it is sent, at once. */
const storing = defineActor<never, readonly [number[]]>('storing', (context, times) => ({
  receive(): void {},
  receiveBytes(operation: number): void {
    if (operation !== MERGE) return;
    times.push(context.clock.now());
    const out = new OutBuffer(16, 16);
    beginAnswer(out, OK);
    context.replyBytes(MERGED, out.bytes, 0, out.length);
  },
}));

function hintOf(key: string): Entry {
  const bytes = Buffer.alloc(128);
  const end = putHintKey(bytes, Buffer.from(idOf(1), 'hex'), { keyspace: 1, tokenHigh: 0, tokenLow: 0 }, Buffer.from(key), 0, key.length);
  return { key: engineKeyOf(0, 1, 0, bytes.subarray(0, end)), value: Buffer.from('record') };
}

test('hint store: one page follows another, when the time for which it rests behind each is over', (t) => {
  const ring = knownRing(new RingWorld(1, { keyspace: { n: 1 } }).ring);
  const sim = new Simulation({ seed: 1, nodes: [{ name: 'n1', shards: 1 }] });
  const { runtime } = sim.node('n1').shard(0);
  const hints = ['a', 'b', 'c', 'd'].map(hintOf);
  const forgotten: string[] = [];
  // A page has one hint, and to read it takes a millisecond of the turn.
  const iterator = ({ gt }: KeyRange): EngineIterator => {
    runtime.charge(1_000);
    const next = hints.filter(({ key }) => gt === undefined || Buffer.compare(key, gt) > 0).slice(0, 1);
    return { next: () => next, seek() {}, close() {} };
  };
  const forget = (key: Uint8Array): void => void forgotten.push(Buffer.from(readHintKey(key)!.key).toString());
  const held = { isCounted: true, book: { owners: () => [idOf(1)], count: 1 }, dirtyMarks: () => [], forget };
  const replicas = { replicas: { iterator, hints: held } as unknown as Replicas };
  const times: number[] = [];
  runtime.spawnWellKnown(VNODE_SLOT, storing, [times]);
  runtime.spawnWellKnown(HINT_SLOT, hintStoreActor, [
    {
      ...{ ring: { ring, mayServe: true }, topologies: new TopologyHolder('n1'), replicas, desk: new LeaveDesk(), tickMs: TICK_MS },
      refTo: (slot: number, node: string, shard: number) => runtime.wellKnown(slot, { node, shard }),
    },
  ]);
  sim.run(TICK_MS + 100);
  sim.throwIfFailed();
  t.deepEqual(forgotten, ['a', 'b', 'c', 'd']);
  const apart = times.slice(1).map((ms, i) => ms - times[i]!);
  t.true(
    apart.every((ms) => ms >= 8 && ms < 10),
    apart.join(),
  );
});
