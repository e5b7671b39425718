/** Scans by themselves, with replicas that the test plays. */
import test from 'ava';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import type { Page, ScanAsk } from '../../../actors/scan/scan-frames.ts';
import { SCAN_START } from '../../../actors/scan/scan-position.ts';
import { ScanRequest } from '../../../actors/scan/scan-request.ts';
import { Scans, type ScansOptions } from '../../../actors/scan/scans.ts';
import { LOADING, OK, OVERLOADED, QUORUM_NOT_MET, STALE_RING, STORAGE_FAILED, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { Topology } from '../../../actors/store/topology.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { type NaivePage, nameOf, pageOf, pageWith } from './naive-page.ts';
import { recordOf, siblingOf } from './scan-cluster.ts';

const RING = new RingWorld(3, { partitions: 8 }).ring;
const EMPTY: Page = { bytes: new Uint8Array(0), entriesStart: 0, entriesEnd: 0, covered: null };

interface Asked {
  readonly member: number;
  readonly id: number;
  readonly high: number;
}

class ScansRig {
  now = 1_000;
  readonly asked: Asked[] = [];
  readonly answers: number[] = [];
  /** Keys of the last answer. */
  found: readonly string[] = [];
  readonly unreachable = new Set<number>();
  /** Nothing can be sent to these. */
  readonly gone = new Set<number>();
  wakeMs = Number.POSITIVE_INFINITY;
  topology: Topology | null;
  readonly scans: Scans;

  readonly #ring: RingState;

  constructor(options: ScansOptions = {}, ring = RING) {
    this.#ring = ring;
    this.topology = new Topology(ring, 'n1');
    this.scans = new Scans(
      {
        topology: () => this.topology,
        isReachable: (member) => !this.unreachable.has(member),
        ask: (member, _shard, id, { tokenHigh: high }: ScanAsk) => {
          if (this.gone.has(member)) return false;
          this.asked.push({ member, id, high });
          return true;
        },
        nowMs: () => this.now,
        wallMs: () => 0,
        wakeAt: (ms) => {
          this.wakeMs = ms;
        },
        later: () => {},
      },
      options,
    );
  }

  begin(timeoutMs = 1_000): void {
    const request = new ScanRequest().of(this.#ring.keyspaces[0]!, SCAN_START);
    request.deadlineMs = this.now + timeoutMs;
    request.sink = {
      scanned: (_token, { status, entries }) => {
        this.answers.push(status);
        const found: string[] = [];
        while (entries.next()) found.push(Buffer.from(entries.key()).toString());
        this.found = found;
      },
    };
    this.scans.begin(request);
  }

  start(timeoutMs = 1_000): void {
    this.begin(timeoutMs);
    this.scans.startWaiting();
  }

  /** All that was asked and is not answered. */
  take(): Asked[] {
    return this.asked.splice(0);
  }

  say(status: number, all = this.take()): void {
    for (const { id } of all) this.scans.onPage(id, status, status === OK ? EMPTY : null);
  }

  /** A page of the first partition. */
  sayPage(id: number, page: NaivePage): void {
    this.scans.onPage(id, OK, pageOf(page));
  }

  /** All partitions but the first are empty. */
  finish(): void {
    for (let i = 0; i < 8 && this.answers.length === 0; i++) this.say(OK);
  }

  /** To the time that it wants to be woken at. */
  wake(): void {
    this.now = this.wakeMs;
    this.scans.wake();
  }

  useRing(ring: RingState): void {
    this.topology = new Topology(ring, 'n1');
  }
}

test('scans: as many replicas as a read needs are asked, this node and those within reach first', (t) => {
  const rig = new ScansRig();
  const other = rig.topology!.ring.members.findIndex(({ address }) => address.node === 'n2');
  rig.unreachable.add(other);
  rig.start();
  t.is(rig.asked.length, 2);
  t.is(rig.asked[0]!.member, rig.topology!.self);
  t.true(rig.asked.every(({ member }) => member !== other));
  for (let partition = 0; partition < 8; partition++) {
    t.deepEqual(
      rig.asked.map(({ high }) => high >>> 29),
      [partition, partition],
    );
    rig.say(OK);
  }
  t.deepEqual(rig.answers, [OK]);
  t.is(rig.scans.pending, 0);
});

test('scans: one more is asked where one fails or is slow, and then again less and less often', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  rig.start(5_000);
  const [first, second] = rig.take();
  rig.say(STORAGE_FAILED, [first!]);
  t.is(rig.asked.length, 1);
  t.false([first!.member, second!.member].includes(rig.take()[0]!.member));
  const waits: number[] = [];
  for (let before = rig.now; waits.length < 4; before = rig.now) {
    rig.wake();
    waits.push(rig.now - before);
    t.is(rig.take().length, 2);
  }
  t.deepEqual(waits, [50, 100, 200, 400]);
});

test('bug: a dead replica that nobody suspected held up every partition anew, when a keyspace was scanned', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  rig.start(5_000);
  const { self } = rig.topology!;
  const dead = rig.asked.find(({ member }) => member !== self)!.member;
  let waits = 0;
  while (rig.answers.length === 0) {
    const living = rig.take().filter(({ member }) => member !== dead);
    if (living.length > 0) rig.say(OK, living);
    else {
      rig.wake();
      waits++;
    }
  }
  t.deepEqual(rig.answers, [OK]);
  t.is(waits, 1);
});

test('scans: it is answered by its deadline, and what comes later is passed over', (t) => {
  const rig = new ScansRig();
  rig.start(100);
  const late = rig.take();
  for (let i = 0; i < 5 && rig.answers.length === 0; i++) rig.wake();
  t.deepEqual(rig.answers, [TIMED_OUT]);
  t.is(rig.now, 1_100);
  rig.say(OK, late);
  t.deepEqual(rig.answers, [TIMED_OUT]);
});

test('scans: what there is by the deadline is answered, where it has come somewhere', (t) => {
  const rig = new ScansRig();
  rig.start(100);
  rig.say(OK);
  for (let i = 0; i < 5 && rig.answers.length === 0; i++) rig.wake();
  t.deepEqual(rig.answers, [OK]);
});

test('scans: a page that does not go on, or goes out of its partition, counts as a failure', (t) => {
  const at = (high: number): Page => ({ ...EMPTY, covered: { high, low: 5, key: Buffer.from('k') } });
  for (const high of [4, 5, 1 << 29]) {
    const rig = new ScansRig();
    rig.start();
    for (const { id } of rig.take()) rig.scans.onPage(id, OK, at(5));
    const asked = rig.take();
    t.deepEqual(
      asked.map(({ high }) => high),
      [5, 5],
    );
    rig.scans.onPage(asked[0]!.id, OK, at(high));
    const [instead, ...others] = rig.take();
    t.false(asked.some(({ member }) => member === instead!.member));
    t.is(others.length, 0);
    rig.scans.onPage(asked[1]!.id, OK, EMPTY);
    rig.scans.onPage(instead!.id, OK, at(high));
    t.deepEqual(rig.answers, [OK], 'what it has till then');
  }
});

test('scans: too few replicas are told at once', (t) => {
  const rig = new ScansRig();
  rig.start();
  rig.say(LOADING);
  rig.say(LOADING);
  t.deepEqual(rig.answers, [QUORUM_NOT_MET]);
  for (let member = 0; member < 3; member++) rig.gone.add(member);
  rig.start();
  t.deepEqual(rig.answers, [QUORUM_NOT_MET, QUORUM_NOT_MET]);
});

test('scans: replicas of another ring are asked again by the ring of then, until there is no more patience', (t) => {
  const rig = new ScansRig({ staleRetries: 2, staleRetryMs: 25 });
  rig.start();
  rig.say(STALE_RING);
  rig.say(STALE_RING);
  t.is(rig.wakeMs, rig.now + 25);
  rig.wake();
  t.is(rig.asked.length, 2);
  rig.say(OK);
  t.is(rig.asked.length, 2);
  for (let i = 0; i < 3; i++) {
    rig.say(STALE_RING);
    rig.say(STALE_RING);
    if (rig.answers.length === 0) rig.wake();
  }
  t.deepEqual(rig.answers, [OK]);
  rig.start();
  for (let i = 0; i < 3; i++) {
    rig.say(STALE_RING);
    rig.say(STALE_RING);
    if (rig.answers.length === 1) rig.wake();
  }
  t.deepEqual(rig.answers, [OK, STALE_RING]);
});

test('scans: a ring that has changed under a leg begins it again', (t) => {
  const rig = new ScansRig();
  rig.start();
  const [first] = rig.take();
  rig.useRing(RING);
  rig.say(STORAGE_FAILED, [first!]);
  rig.wake();
  rig.say(OK);
  t.is(rig.take()[0]!.high >>> 29, 1);
});

test('scans: more than may be under way wait, more than may wait are refused, and those that wait too long told', (t) => {
  const rig = new ScansRig({ runsMax: 1, waitingMax: 1 });
  for (let i = 0; i < 3; i++) rig.begin(100 + i * 100);
  rig.scans.startWaiting();
  t.deepEqual(rig.answers, [OVERLOADED]);
  t.is(rig.scans.pending, 2);
  while (rig.answers.length < 2) rig.wake();
  t.deepEqual(rig.answers, [OVERLOADED, TIMED_OUT]);
  rig.scans.startWaiting();
  for (let i = 0; i < 8; i++) rig.say(OK);
  t.deepEqual(rig.answers, [OVERLOADED, TIMED_OUT, OK]);
});

test('scans: all are answered when it closes', (t) => {
  const rig = new ScansRig({ runsMax: 1 });
  rig.begin();
  rig.begin();
  rig.scans.startWaiting();
  rig.scans.close();
  t.deepEqual(rig.answers, [LOADING, LOADING]);
});

const HAS = pageWith([nameOf(5, 5, 'k'), recordOf(siblingOf('a', 1, 'v'))]);
const HAS_NOT = pageWith();

/** Begins a scan in whose first partition one of two replicas has a key and the other has not. Returns these two. */
function halfHas(rig: ScansRig, timeoutMs?: number): readonly [one: Asked, other: Asked] {
  rig.start(timeoutMs);
  const [one, other] = rig.take() as [Asked, Asked];
  rig.sayPage(one.id, HAS);
  rig.sayPage(other.id, HAS_NOT);
  return [one, other];
}

/** The same, but the other says nothing in time, and a third is asked. Returns all three. */
function hasAlone(rig: ScansRig, timeoutMs?: number): readonly [one: Asked, silent: Asked, third: Asked] {
  rig.start(timeoutMs);
  const [one, silent] = rig.take() as [Asked, Asked];
  rig.sayPage(one.id, HAS);
  rig.wake();
  return [one, silent, rig.take()[0]!];
}

test('scans: a key that one alone has is asked for once more, and comes if it is still there', (t) => {
  for (const isStill of [true, false]) {
    const rig = new ScansRig();
    const [one] = halfHas(rig);
    const [again, ...more] = rig.take();
    t.like(again, { member: one.member, high: 0 });
    t.is(more.length, 0);
    rig.sayPage(again!.id, isStill ? HAS : HAS_NOT);
    rig.finish();
    t.deepEqual(rig.found, isStill ? ['k'] : []);
  }
});

test('scans: the bug purgedScanMixed shows what is gone (control)', (t) => {
  const rig = new ScansRig({ mutants: new Set(['purgedScanMixed']) });
  halfHas(rig);
  rig.finish();
  t.deepEqual(rig.found, ['k']);
});

test('scans: who is asked once more and fails gives way to another, and what it has said counts no more', (t) => {
  const rig = new ScansRig();
  const [one, other] = halfHas(rig);
  rig.say(STORAGE_FAILED);
  const [instead, ...more] = rig.take();
  t.false([one.member, other.member].includes(instead!.member));
  t.is(more.length, 0);
  rig.sayPage(instead!.id, HAS_NOT);
  t.true(
    rig.asked.every(({ high }) => high >>> 29 === 1),
    'nobody is asked again',
  );
  rig.finish();
  t.deepEqual(rig.found, []);
});

test('bug: who was silent at first was not asked again when another was silent the second time', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  const [holder, silent, third] = hasAlone(rig, 5_000);
  rig.sayPage(third.id, HAS_NOT);
  t.is(rig.take()[0]!.member, holder.member);
  rig.wake();
  const asked = rig.take();
  t.deepEqual(
    asked.map(({ member }) => member),
    [holder.member, silent.member],
  );
  rig.sayPage(asked[1]!.id, HAS_NOT);
  rig.take();
  rig.wake();
  rig.finish();
  t.deepEqual([rig.answers, rig.found], [[OK], []]);
});

test('bug: one more was asked and waited for, when who was asked once more had failed and the others were enough', (t) => {
  const ring = new RingWorld(5, { partitions: 8, keyspace: { n: 5, r: 3 } }).ring;
  const rig = new ScansRig({ speculateMs: 50 }, ring);
  rig.start(5_000);
  const [holder, second, third] = rig.take();
  rig.sayPage(holder!.id, HAS);
  rig.wake();
  const [fourth] = rig.take();
  for (const { id } of [second!, third!]) rig.sayPage(id, HAS_NOT);
  const [first] = rig.take();
  t.is(first!.member, holder!.member);
  rig.sayPage(fourth!.id, HAS_NOT);
  rig.say(STORAGE_FAILED);
  t.true(
    rig.asked.every(({ high }) => high >>> 29 === 1),
    'not the fifth',
  );
});

test('scans: who holds a key is asked once more also where another before it has said nothing', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  rig.start(5_000);
  const [, other] = rig.take();
  rig.sayPage(other!.id, HAS_NOT);
  rig.wake();
  const [third] = rig.take();
  rig.sayPage(third!.id, HAS);
  t.deepEqual(
    rig.take().map(({ member }) => member),
    [third!.member],
  );
});

test('scans: who is asked once more and says nothing is waited for until others have said enough', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  const [one, other] = halfHas(rig, 5_000);
  const [again] = rig.take();
  rig.wake();
  const [third] = rig.take();
  t.false([one.member, other.member].includes(third!.member));
  rig.sayPage(third!.id, HAS_NOT);
  t.is(rig.take()[0]!.member, one.member);
  // What it says to the first of the two questions is late: the third had not spoken.
  rig.sayPage(again!.id, HAS);
  rig.wake();
  t.is(rig.asked[0]!.high >>> 29, 1, 'without it');
  rig.finish();
  t.deepEqual(rig.found, []);
});

test('scans: who is asked once more and fails is not missed, where others have said enough', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  const [one, other, third] = hasAlone(rig);
  rig.sayPage(third.id, HAS_NOT);
  const [again] = rig.take();
  rig.sayPage(other.id, HAS_NOT);
  const [onceMore] = rig.take();
  t.deepEqual([again!.member, onceMore!.member], [one.member, one.member]);
  rig.say(STORAGE_FAILED, [onceMore!]);
  rig.finish();
  t.deepEqual([rig.answers, rig.found], [[OK], []]);
});

test('scans: who is asked once more and says nothing, or has too much to do, is asked again, where there is nobody else', (t) => {
  for (const isBusy of [false, true]) {
    const rig = new ScansRig({ speculateMs: 50 });
    rig.gone.add(rig.topology!.ring.members.findIndex(({ address }) => address.node === 'n3'));
    const [one] = halfHas(rig, 5_000);
    if (isBusy) rig.say(OVERLOADED);
    else rig.take();
    // The third can't be asked.
    rig.wake();
    if (!isBusy) t.is(rig.take().length, 0);
    if (rig.asked.length === 0) rig.wake();
    const [again] = rig.take();
    t.is(again!.member, one.member);
    rig.sayPage(again!.id, HAS);
    rig.finish();
    t.deepEqual([rig.answers, rig.found], [[OK], ['k']]);
  }
});

test('scans: a first page that comes while another is asked once more is taken too', (t) => {
  const rig = new ScansRig({ speculateMs: 50 });
  const [one, other, third] = hasAlone(rig);
  rig.sayPage(other.id, HAS_NOT);
  t.is(rig.take()[0]!.member, one.member);
  // Two agree now.
  rig.sayPage(third.id, HAS);
  rig.finish();
  t.deepEqual(rig.found, ['k']);
});
