import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { AS_STAND_IN, faultOfRequest, MERGE, READ, statusOfAnswer, WANT_DIGEST, WANT_RECORD } from '../../../actors/store/data-frames.ts';
import { KeyPlace } from '../../../actors/store/key-place.ts';
import { DURABILITY_SYNC, INVALID, LOADING, NO_KEYSPACE_FOUND, OK, STALE_RING } from '../../../actors/store/store-request.ts';
import { type ReplicasHolder, vnodeActor } from '../../../actors/store/vnode-actor.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { TestKit } from '../../../runtime/simulation/testing.ts';
import type { EngineOptions } from '../../../storage/engine/options.ts';
import * as storageJobs from '../../../storage/jobs.ts';
import { idOf, keyspaceOf, memberOf } from '../ring/ring-world.ts';
import { decodeNaive, encodeNaive, type NaiveRecord } from '../version/naive-record.ts';
import { COLD } from './replica-rig.ts';

const JOBS = new Map<string, AnyJob>();
collectJobs(storageJobs, JOBS);
const EPOCH = 3;
const FIRST = initialRing({ cluster: idOf(1), clusterName: 'test', operationId: idOf(2), member: memberOf(1), partitions: 8 });
const RING = knownRing({
  ...FIRST,
  epoch: EPOCH,
  parent: '0'.repeat(16),
  keyspaces: [{ ...keyspaceOf('main'), id: 1 }],
  nextKeyspaceId: 2,
});
const RECORD: NaiveRecord = {
  vector: new Map([['aa'.repeat(16), { counter: 1, stamp: 1 }]]),
  siblings: [{ actor: 'aa'.repeat(16), counter: 1, stamp: 1, expiry: 0, isTombstone: false, value: 'value' }],
};

interface Frame {
  readonly operation: number;
  readonly bytes: Uint8Array;
  /** Default: the next. */
  readonly requestId?: number;
}
interface Answered {
  readonly requestId: number;
  readonly status: number | string;
  readonly rest: Buffer;
}

/** Sends what it is told to, and hands out what comes back. */
const sender = defineActor<Frame, readonly [vnode: Ref<never>, answered: (answer: Answered) => void]>(
  'sender',
  (context, vnode, answered) => {
    let requests = 0;
    void context;
    return {
      receive: ({ operation, bytes, requestId = ++requests }) => void vnode.tellBytes(operation, bytes, 0, bytes.length, requestId),
      receiveBytes(_operation, bytes, offset, length, requestId) {
        answered({
          requestId,
          status: statusOfAnswer(bytes, offset, offset + length),
          rest: Buffer.from(bytes.subarray(offset + 4, offset + length)),
        });
      },
    };
  },
);

class VNodeRig {
  readonly kit: TestKit;
  readonly ring: RingHolder = { ring: RING, mayServe: true };
  readonly holder: ReplicasHolder = { replicas: null };
  readonly answers: Answered[] = [];
  readonly vnode: Ref<never>;
  readonly #sender: Ref<Frame>;

  /** `before`: goes on in its kit. */
  constructor(mutants: readonly string[] = [], before?: VNodeRig, engine: EngineOptions = {}, seed = 1) {
    this.kit = before?.kit ?? new TestKit({ jobs: JOBS, seed });
    if (before === undefined) this.kit.simulation.node('kit').disk.makeDirectory('/data');
    const args = {
      node: 'kit',
      shard: 0,
      shards: 2,
      dir: '/data',
      ring: this.ring,
      holder: this.holder,
      mutants: new Set(mutants),
      engine,
    };
    this.vnode = this.kit.spawn(vnodeActor, [args]);
    this.#sender = this.kit.spawn(sender, [this.vnode, (answer: Answered) => void this.answers.push(answer)]);
  }

  /** Waits until it is open. */
  open(): this {
    this.kit.advance(1_000);
    return this;
  }

  /** Lets no more time pass than it takes to get there. */
  tell(...frames: readonly Frame[]): void {
    for (const frame of frames) this.kit.tell(this.#sender, frame);
    this.kit.advance(0.02);
  }

  send(operation: number, bytes: Uint8Array): Answered | undefined {
    const before = this.answers.length;
    this.kit.tell(this.#sender, { operation, bytes });
    this.kit.advance(1_000);
    return this.answers[before];
  }

  ask(operation: number, option: number, fields: Partial<KeyPlace> = {}, rest: Uint8Array = Buffer.alloc(0)): Answered | undefined {
    return this.send(operation, frameOf(option, fields, rest));
  }
}

function frameOf(option: number, fields: Partial<KeyPlace> = {}, rest: Uint8Array = Buffer.alloc(0)): Buffer {
  const place = new KeyPlace();
  Object.assign(place, { keyspace: 1, tokenHigh: 5, tokenLow: 6, changedAt: 1, generation: 1, option, ...fields });
  const out = new OutBuffer(256, 65_536);
  place.write(Buffer.from('key'), 0, 3, out);
  return Buffer.concat([out.bytes.subarray(0, out.length), rest]);
}

test('vnode: a record that was merged is read back, whole and as a digest', (t) => {
  const rig = new VNodeRig().open();
  t.is(rig.ask(READ, WANT_RECORD)?.rest.length, 0);
  t.is(rig.ask(MERGE, DURABILITY_SYNC, {}, encodeNaive(RECORD))?.status, OK);
  const read = rig.ask(READ, WANT_RECORD)!;
  t.deepEqual([read.status, read.requestId], [OK, 3]);
  t.deepEqual(decodeNaive(read.rest), RECORD);
  t.is(rig.ask(READ, WANT_DIGEST)?.rest.length, 8);
  t.deepEqual(rig.kit.failures, []);
});

test('bug: the actor failed when a write that waited was refused in the turn that brought another ring', (t) => {
  const rig = new VNodeRig([], undefined, COLD).open();
  const long = { ...RECORD, siblings: RECORD.siblings.map((sibling) => ({ ...sibling, value: 'x'.repeat(7_000) })) };
  for (let tokenLow = 6; tokenLow < 14; tokenLow++) rig.ask(MERGE, DURABILITY_SYNC, { tokenLow }, encodeNaive(long));
  rig.kit.advance(5_000);
  const before = rig.answers.length;
  rig.tell({ operation: MERGE, bytes: frameOf(DURABILITY_SYNC, {}, encodeNaive(RECORD)) });
  t.is(rig.holder.replicas?.pending, 1);
  rig.holder.switchRing?.(() => {});
  rig.kit.advance(1_000);
  t.is(rig.answers[before]?.status, STALE_RING);
  t.deepEqual(rig.kit.failures, []);
});

test('vnode: a request that is sent again while it waits for the disk waits and is answered once', (t) => {
  const rig = new VNodeRig([], undefined, COLD).open();
  const long = { ...RECORD, siblings: RECORD.siblings.map((sibling) => ({ ...sibling, value: 'x'.repeat(7_000) })) };
  for (let tokenLow = 6; tokenLow < 14; tokenLow++) rig.ask(MERGE, DURABILITY_SYNC, { tokenLow }, encodeNaive(long));
  rig.kit.advance(5_000);
  const before = rig.answers.length;
  const [write, record, digest] = [frameOf(DURABILITY_SYNC, {}, encodeNaive(RECORD)), frameOf(WANT_RECORD), frameOf(WANT_DIGEST)];
  const first: readonly Frame[] = [
    { operation: MERGE, bytes: write, requestId: 70 },
    { operation: READ, bytes: digest, requestId: 71 },
  ];
  // The last one is of the same request, and asks for more than before.
  rig.tell(
    ...first,
    ...first,
    ...first,
    { operation: MERGE, bytes: write, requestId: 72 },
    { operation: READ, bytes: record, requestId: 71 },
  );
  t.is(rig.holder.replicas?.pending, 4);
  rig.kit.advance(1_000);
  t.deepEqual(
    rig.answers.slice(before).map(({ requestId, status, rest }) => [requestId, status, rest.length > 8]),
    [
      [71, OK, false],
      [71, OK, true],
      [70, OK, false],
      [72, OK, false],
    ],
  );
  t.is(rig.send(MERGE, write)?.status, OK);
  t.deepEqual(rig.kit.failures, []);
});

test('vnode: what it takes as a stand-in it holds for that member, and gives as a stand-in alone', (t) => {
  const rig = new VNodeRig().open();
  const [owner, record] = [Buffer.from(idOf(1), 'hex'), encodeNaive(RECORD)];
  t.is(rig.ask(MERGE, DURABILITY_SYNC | AS_STAND_IN, {}, Buffer.concat([owner, record]))?.status, OK);
  t.is(rig.ask(READ, WANT_RECORD)?.rest.length, 0);
  t.deepEqual(decodeNaive(rig.ask(READ, WANT_RECORD | AS_STAND_IN)!.rest), RECORD);
  t.is(rig.ask(READ, WANT_DIGEST | AS_STAND_IN)?.rest.length, 8);
  t.is(rig.holder.replicas?.stats().hints, 1);
});

test('vnode: a hint for who is no member, or without an owner, is refused', (t) => {
  const rig = new VNodeRig().open();
  const stranger = Buffer.concat([Buffer.from(idOf(77), 'hex'), encodeNaive(RECORD)]);
  t.is(rig.ask(MERGE, DURABILITY_SYNC | AS_STAND_IN, {}, stranger)?.status, INVALID);
  t.is(rig.ask(MERGE, DURABILITY_SYNC | AS_STAND_IN, {}, Buffer.alloc(15))?.status, INVALID);
  t.is(rig.ask(MERGE, DURABILITY_SYNC | AS_STAND_IN, {}, encodeNaive(RECORD))?.status, INVALID);
  t.is(rig.ask(MERGE, AS_STAND_IN, {}, stranger)?.status, INVALID);
  t.is(rig.ask(READ, AS_STAND_IN)?.status, INVALID);
  t.deepEqual(rig.kit.failures, []);
});

test('vnode: it is loading, while the engine opens, and where its node may not serve', (t) => {
  const rig = new VNodeRig();
  t.is(rig.holder.replicas, null);
  const frame = frameOf(WANT_RECORD);
  rig.send(READ, frame);
  t.is(rig.answers[0]?.status, LOADING);
  t.is(rig.send(READ, frame)?.status, OK);
  rig.ring.mayServe = false;
  t.is(rig.send(READ, frame)?.status, LOADING);
});

test('vnode: frames of another ring, of another shard, of a keyspace that is newer than the ring and of none are refused', (t) => {
  const rig = new VNodeRig().open();
  t.is(rig.ask(READ, WANT_RECORD, { changedAt: 2 })?.status, STALE_RING);
  t.is(rig.ask(READ, WANT_RECORD, { generation: 2 })?.status, STALE_RING);
  t.is(rig.ask(READ, WANT_RECORD, { tokenHigh: 0xffff_ffff })?.status, INVALID);
  t.is(rig.ask(READ, WANT_RECORD, { keyspace: 9 })?.status, STALE_RING);
  rig.ring.ring = { ...RING, state: { ...RING.state, nextKeyspaceId: 10 } };
  t.is(rig.ask(READ, WANT_RECORD, { keyspace: 9 })?.status, NO_KEYSPACE_FOUND);
});

test('vnode: the checks of ring and partition are seen to be missing, when they are planted away', (t) => {
  const rig = new VNodeRig(['staleRingAccepted', 'foreignPartitionServed']).open();
  t.is(rig.ask(READ, WANT_RECORD, { changedAt: 2 })?.status, OK);
  t.is(rig.ask(READ, WANT_RECORD, { tokenHigh: 0xffff_ffff })?.status, OK);
});

test('vnode: what was acknowledged is there after a stop and a new start', (t) => {
  const rig = new VNodeRig().open();
  t.is(rig.ask(MERGE, DURABILITY_SYNC, {}, encodeNaive(RECORD))?.status, OK);
  rig.kit.stop(rig.vnode);
  t.is(rig.holder.replicas, null);
  rig.kit.advance(1_000);
  const again = new VNodeRig([], rig).open().ask(READ, WANT_RECORD)!;
  t.is(again.status, OK);
  t.deepEqual(decodeNaive(again.rest), RECORD);
});

/** The incarnation that a shard goes on with, which another one had left by `end`. */
function namesOf(end: (rig: VNodeRig) => void): readonly string[] {
  const rig = new VNodeRig().open();
  const before = Buffer.from(rig.holder.replicas!.incarnation).toString('hex');
  end(rig);
  let hasClosed = false;
  rig.kit.simulation.node('kit').main.runtime.holds.whenNone(() => {
    hasClosed = true;
  });
  rig.kit.advance(1_000);
  if (!hasClosed) return [before, 'not closed'];
  const holder: ReplicasHolder = { replicas: null };
  rig.kit.spawn(vnodeActor, [{ node: 'kit', shard: 0, shards: 2, dir: '/data', ring: rig.ring, holder }]);
  rig.kit.advance(1_000);
  return [before, Buffer.from(holder.replicas!.incarnation).toString('hex')];
}

test('vnode: its thread waits until the clean mark is on disk, when it is stopped', (t) => {
  const [before, after] = namesOf((rig) => rig.kit.stop(rig.vnode));
  t.is(after, before);
});

test('vnode: what is left of a keyspace that was dropped is deleted, at once and after a start that had missed it', (t) => {
  const rig = new VNodeRig().open();
  rig.ask(MERGE, DURABILITY_SYNC, {}, encodeNaive(RECORD));
  let isDone = false;
  const without = knownRing({ ...RING.state, epoch: EPOCH + 1, keyspaces: [] });
  rig.ring.ring = without;
  rig.holder.switchRing!(() => {
    isDone = true;
  });
  rig.kit.advance(1_000);
  t.true(isDone);
  rig.ring.ring = RING;
  t.is(rig.ask(READ, WANT_RECORD)?.rest.length, 0);

  rig.ask(MERGE, DURABILITY_SYNC, {}, encodeNaive(RECORD));
  rig.kit.stop(rig.vnode);
  rig.kit.advance(1_000);
  rig.ring.ring = without;
  const holder: ReplicasHolder = { replicas: null };
  const again = rig.kit.spawn(vnodeActor, [{ node: 'kit', shard: 0, shards: 2, dir: '/data', ring: rig.ring, holder }]);
  rig.kit.advance(1_000);
  rig.kit.stop(again);
  rig.kit.advance(1_000);
  rig.ring.ring = RING;
  const last = new VNodeRig([], rig).open();
  t.is(last.ask(READ, WANT_RECORD)?.rest.length, 0);
  t.deepEqual(rig.kit.failures, []);
});

test('vnode: it opens again, when its store was taken', (t) => {
  const rig = new VNodeRig().open();
  const holder: ReplicasHolder = { replicas: null };
  rig.kit.spawn(vnodeActor, [{ node: 'kit', shard: 0, shards: 2, dir: '/data', ring: rig.ring, holder, reopenMs: 10 }]);
  rig.kit.advance(100);
  t.is(holder.replicas, null);
  rig.kit.stop(rig.vnode);
  rig.kit.advance(1_000);
  t.not(holder.replicas, null);
});

const fuzzed = new VNodeRig().open();
const GOOD = frameOf(DURABILITY_SYNC, {}, encodeNaive(RECORD));
const GOOD_HINT = frameOf(DURABILITY_SYNC | AS_STAND_IN, {}, Buffer.concat([Buffer.from(idOf(1), 'hex'), encodeNaive(RECORD)]));

testProp(
  'vnode: a damaged frame gets one answer, and harms nobody',
  [
    fc.constantFrom(GOOD, GOOD_HINT),
    fc.constantFrom(MERGE, READ, 77),
    fc.array(fc.tuple(fc.nat(GOOD_HINT.length - 1), fc.nat(255)), { maxLength: 3 }),
    fc.nat(GOOD_HINT.length),
  ],
  (t, good, operation, changes, most) => {
    const length = Math.min(most, good.length);
    const bytes = Buffer.from(good.subarray(0, length));
    for (const [at, value] of changes) if (at < length) bytes[at] = value;
    const before = fuzzed.answers.length;
    fuzzed.send(operation, bytes);
    t.is(fuzzed.answers.length, before + 1);
    const fault = faultOfRequest(operation, bytes, 0, bytes.length, new KeyPlace());
    if (fault !== undefined) t.is(fuzzed.answers[before]!.status, INVALID);
    t.deepEqual(fuzzed.kit.failures, []);
  },
  { numRuns: 200 },
);

/** Of the segments of its log: each is as long as a memtable. */
function segmentBytes(seed: number): number {
  const { kit } = new VNodeRig([], undefined, { memtableBytes: 1_024 * 1_024 }, seed);
  kit.advance(200);
  const files = new SimSyncFiles(kit.simulation.node('kit').disk);
  const names = files.readdir('/data/shard-0').filter((name) => name.endsWith('.log'));
  return files.stat(`/data/shard-0/${names[0]!}`).size;
}

test('vnode: replicas that have the same data have memtables of different size, so that they are not all flushed at once', (t) => {
  t.is(new Set([1, 2, 3, 4].map(segmentBytes)).size, 4);
});
