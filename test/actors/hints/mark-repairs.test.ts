import test from 'ava';
import type { DirtyMark } from '../../../actors/hints/hint-key.ts';
import { type MarkDoor, MarkRepairs } from '../../../actors/hints/mark-repairs.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { type AnswerStatus, LOADING, OK, OVERLOADED, STALE_RING, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { Topology } from '../../../actors/store/topology.ts';
import { idOf, RingWorld } from '../ring/ring-world.ts';

interface Asked {
  readonly member: number;
  readonly id: number;
  readonly partition: number;
  readonly job: string;
}

const { ring: RING } = new RingWorld(5);

function primariesOf(partition: number): readonly number[] {
  const { members, stride, primaries } = new Topology(RING, 'n5').lists.of(3).read;
  return [...members.subarray(partition * stride, partition * stride + primaries)];
}

class Shard implements MarkDoor {
  readonly repairs = new MarkRepairs(this);
  readonly down = new Set<number>();
  asked: Asked[] = [];
  left: DirtyMark[];
  now = 0;
  #ring: RingState = RING;
  #jobs = 0;

  /** Marks of partitions, each of the owner that is so many places down its list. */
  constructor(partitions: readonly number[], place = 1) {
    this.left = partitions.map((partition) => ({
      owner: RING.members[primariesOf(partition)[place]!]?.id ?? idOf(0xdead),
      keyspace: 1,
      partition,
      partitions: RING.owners.length,
    }));
  }

  useRing(ring: RingState): void {
    this.#ring = ring;
  }

  /** Answers the last question, and has the next one asked. */
  answer(status: AnswerStatus, { id } = this.asked.at(-1)!): void {
    this.repairs.onMended(id, status);
    this.repairs.tick();
  }

  topology(): Topology {
    return new Topology(this.#ring, 'n5');
  }

  isReachable(member: number): boolean {
    return !this.down.has(member);
  }

  marks(): readonly DirtyMark[] {
    return this.left;
  }

  ask(member: number, _shard: number, id: number, { partition }: DirtyMark, job: Uint8Array): void {
    this.asked.push({ member, id, partition, job: Buffer.from(job).toString('hex') });
  }

  clear(mark: DirtyMark): void {
    this.left = this.left.filter((it) => it !== mark);
  }

  newJob(): Uint8Array {
    return Buffer.alloc(16, ++this.#jobs);
  }

  nowMs(): number {
    return this.now;
  }
}

test('mark repairs: the owner is asked until it says that it is done, by the same job, and the mark is cleared then', (t) => {
  const shard = new Shard([0]);
  shard.repairs.tick();
  shard.answer(OVERLOADED);
  shard.answer(LOADING);
  t.deepEqual(new Set(shard.asked.map(({ member, job }) => `${member} ${job}`)).size, 1);
  t.is(shard.asked[0]!.member, primariesOf(0)[1]!);
  t.is(shard.asked.length, 3);
  t.is(shard.left.length, 1);
  shard.answer(OK);
  t.is(shard.left.length, 0);
  t.is(shard.asked.length, 3);
});

test('mark repairs: a late answer to an earlier question clears nothing', (t) => {
  const shard = new Shard([0, 1]);
  shard.repairs.tick();
  const [first] = shard.asked;
  shard.answer(TIMED_OUT);
  t.not(shard.asked.at(-1)!.job, first!.job);
  shard.answer(OK, first);
  t.is(shard.left.length, 2);
});

test('mark repairs: it is the next mark, when one fails, its owner is away, it takes long or the ring changes', (t) => {
  const shard = new Shard([0, 1]);
  const turn = (): number => shard.asked.at(-1)!.partition;
  shard.repairs.tick();
  t.is(turn(), 0);
  shard.answer(STALE_RING);
  t.is(turn(), 1);
  shard.now += 120_000;
  shard.repairs.tick();
  t.is(turn(), 0);
  shard.useRing({ ...RING, epoch: RING.epoch + 1 });
  shard.repairs.tick();
  t.is(turn(), 1);
  shard.down.add(primariesOf(0)[1]!);
  shard.answer(OK);
  t.deepEqual(
    shard.left.map(({ partition }) => partition),
    [0],
  );
  const { length } = shard.asked;
  shard.repairs.tick();
  t.is(shard.asked.length, length);
});

test('mark repairs: all primaries are asked, one after the other, where the owner is none any more', (t) => {
  const shard = new Shard([0], 9);
  shard.repairs.tick();
  for (let i = 0; i < 3; i++) {
    t.is(shard.left.length, 1);
    shard.answer(OK);
  }
  t.deepEqual(new Set(shard.asked.map(({ member }) => member)), new Set(primariesOf(0)));
  t.is(shard.left.length, 0);
});

test('mark repairs: of a keyspace that is gone nobody is asked', (t) => {
  const shard = new Shard([0]);
  shard.useRing({ ...RING, keyspaces: [] });
  shard.repairs.tick();
  t.deepEqual([shard.left.length, shard.asked.length], [0, 0]);
});
