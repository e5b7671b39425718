import test from 'ava';
import { PreferenceLists, type ReplicaTable } from '../../../actors/ring/preference-list.ts';
import { naivePreferenceList } from './naive-placement.ts';
import { memberOf, RingWorld } from './ring-world.ts';

function row({ members, stride }: ReplicaTable, partition: number): number[] {
  return [...members.subarray(partition * stride, (partition + 1) * stride)];
}

test('preference list: a token leads to the list of its partition: primaries, then stand-ins', (t) => {
  const { ring } = new RingWorld(6);
  const lists = new PreferenceLists(ring);
  const { read, writes, isSplit } = lists.of(3);
  t.is(read.primaries, 3);
  t.is(lists.partitionOf(0xffff_ffff), 63);
  for (let p = 0; p < 64; p++) t.deepEqual(row(read, p), naivePreferenceList(ring.members, ring.owners, p, 3));
  t.is(writes[0], read);
  t.is(writes[1], read);
  t.deepEqual(isSplit, new Uint8Array(64));
  t.is(lists.of(3).read, read);
});

test('preference list: stand-ins are as many as were asked for', (t) => {
  const { ring } = new RingWorld(6);
  t.is(new PreferenceLists(ring, { standInsMax: 1 }).of(3).read.stride, 4);
  t.is(new PreferenceLists(ring).of(16).read.stride, 6);
});

test('preference list: reads and writes go where the step says, when a transition is under way [T19, T20]', (t) => {
  const world = new RingWorld(4);
  world.do({ type: 'addMember', member: memberOf(5) });
  world.begin();
  const pending = world.ring.transition!.owners;
  const { owners } = world.ring;
  const old = (p: number): number[] => naivePreferenceList(world.ring.members, owners, p, 3).slice(0, 3);
  const now = (p: number): number[] => naivePreferenceList(world.ring.members, pending, p, 3).slice(0, 3);
  const expected = { writeBoth: [old, old, now], stream: [old, old, now], readNew: [now, old, now], writeNew: [now, now, now] } as const;
  for (const [step, sets] of Object.entries(expected)) {
    world.advance(step as keyof typeof expected);
    const { read, writes, isSplit } = new PreferenceLists(world.ring).of(3);
    for (let p = 0; p < 64; p++) {
      t.deepEqual(
        [read, ...writes].map((table) => row(table, p).slice(0, 3)),
        sets.map((set) => set(p)),
        step,
      );
      t.is(isSplit[p] === 1, step !== 'writeNew' && old(p).some((member) => !now(p).includes(member)));
    }
  }
});

test('preference list: who joins is in none, until a transition gives it partitions', (t) => {
  const world = new RingWorld(3);
  world.do({ type: 'addMember', member: memberOf(0) });
  const { read } = new PreferenceLists(world.ring).of(3);
  t.false(read.members.includes(0));
});
