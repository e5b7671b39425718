import test from 'ava';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { Member, RingState, Transition } from '../../../actors/ring/ring-state.ts';
import type { EngineRange } from '../../../actors/store/engine-range.ts';
import type { Replicas } from '../../../actors/store/replicas.ts';
import { ShardMoves } from '../../../actors/streaming/shard-moves.ts';
import { StorageError } from '../../../storage/errors.ts';
import { RecordingLog } from '../../runtime/recording-log.ts';
import { keyspace } from '../membership/ring-world.ts';

type Done = (error?: StorageError) => void;

/** What of Replicas is asked for here: drops are noted, and end when the test says so. */
class FakeReplicas {
  readonly drops: string[] = [];
  readonly waiting: Done[] = [];
  readonly engine = {
    get: () => undefined,
    put: (_key: Uint8Array, _value: Uint8Array, _durability: string, done: Done) => done(),
    deleteRange: (_start: Uint8Array, _end: Uint8Array, _durability: string, done: Done) => done(),
  };

  dropAll(ranges: readonly EngineRange[], done: (range: EngineRange, error?: StorageError) => void): number {
    for (const range of ranges) {
      this.drops.push(`${Buffer.from(range.start).toString('hex')}-${Buffer.from(range.end).toString('hex')}`);
      this.waiting.push((error) => done(range, error));
    }
    return ranges.length;
  }

  end(error?: StorageError): void {
    for (const done of this.waiting.splice(0)) done(error);
  }
}

function member(name: string): Member {
  const address = { node: name, host: name, ports: [7_000, 7_001] };
  return { id: name.repeat(32), name, address, dataCenter: 'dc', rack: 'r', capacity: 1, shards: 1, state: 'up', isExcluded: false };
}

const A = member('a');
const OWNERS = Uint16Array.from([0, 0, 1, 1, 0, 0, 1, 1]);
const PENDING = Uint16Array.from([1, 0, 1, 1, 0, 1, 1, 1]);
const RING: RingState = {
  ...initialRing({ cluster: 'c'.repeat(32), clusterName: 'test', operationId: '1'.repeat(32), member: A, partitions: 8 }),
  members: [A, member('b')],
  owners: OWNERS,
  keyspaces: [{ ...keyspace('one'), n: 1, id: 1 }],
};

function at(epoch: number, step: Transition['step']): RingState {
  return { ...RING, epoch, transition: { startedAt: 2, step, owners: PENDING } };
}

const SETTLED: RingState = { ...RING, epoch: 9, owners: PENDING };

function setUp() {
  const replicas = new FakeReplicas();
  const moves = new ShardMoves({ node: 'a', shard: 0, log: new RecordingLog() });
  moves.opened(replicas as unknown as Replicas, RING);
  moves.follow(at(5, 'writeBoth'), () => {});
  replicas.end();
  replicas.drops.length = 0;
  return { replicas, moves };
}

test('bug: when a transition ended all that it had dropped was looked through again in one turn, and requests waited for that', (t) => {
  const { replicas, moves } = setUp();
  moves.follow(at(8, 'writeNew'), () => {});
  t.true(replicas.drops.length > 0);
  replicas.end();
  replicas.drops.length = 0;
  let isDone = false;
  moves.follow(SETTLED, () => {
    isDone = true;
  });
  t.deepEqual(replicas.drops, []);
  t.true(isDone);
});

const again = test.macro((t, between: (replicas: FakeReplicas, moves: ShardMoves) => void) => {
  const { replicas, moves } = setUp();
  moves.follow(at(8, 'writeNew'), () => {});
  const { drops } = replicas;
  const first = drops.splice(0);
  between(replicas, moves);
  drops.length = 0;
  moves.follow(SETTLED, () => {});
  t.deepEqual(drops, first);
});

test('shard moves: what a transition leaves over is dropped when it has ended, when it was not on disk before', again, () => {});
test('shard moves: what a transition leaves over is dropped when it has ended, when the disk had failed', again, (replicas) =>
  replicas.end(new StorageError('IO', 'planted')),
);
test(
  'shard moves: what a transition leaves over is dropped when it has ended, when the replicas were opened anew',
  again,
  (replicas, moves) => {
    replicas.end();
    moves.closed();
    moves.opened(replicas as unknown as Replicas, at(8, 'writeNew'));
  },
);
