import test from 'ava';
import { COORDINATE, MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from '../../../actors/store/replica-call.ts';
import { OVERLOADED } from '../../../actors/store/store-request.ts';
import { Miss, WaitingCalls } from '../../../actors/store/waiting-calls.ts';

/** Tokens of ten and more are calls of request `token % 10`, sent again. */
class Sink implements ReplicaSink {
  readonly failed: ReplicaSink['failed'] = (token, status) => void this.told.push([token, status]);
  readonly repeats: number[] = [];
  readonly told: [token: number, status: number][] = [];

  found(): void {}
  made(): void {}
  stored(): void {}

  isRepeat(token: number, waiting: number): boolean {
    return token % 10 === waiting % 10;
  }

  dropped(token: number): void {
    this.repeats.push(token);
  }
}

function callOf(sink: ReplicaSink, token: number, fields: Partial<ReplicaCall> = {}): ReplicaCall {
  const call = new ReplicaCall();
  const [key, bytes] = [Buffer.from('key'), Buffer.from('record')];
  return Object.assign(call, { verb: MERGE_IN, key, keyEnd: 3, bytes, end: 6, sink, token, ...fields });
}

const ENGINE_KEY = Buffer.from('engine key');

test('waiting calls: a write that waits for room and is sent again takes no second place', (t) => {
  const waiting = new WaitingCalls(20, 1_000);
  const sink = new Sink();
  waiting.stall(callOf(sink, 1, { deadlineMs: 100 }));
  waiting.stall(callOf(sink, 2));
  waiting.stall(callOf(sink, 11, { deadlineMs: 300 }));
  waiting.stall(callOf(sink, 21, { deadlineMs: 200 }));
  t.deepEqual(sink.repeats, [11, 21]);
  t.is(waiting.count, 2);
  const [first, second] = waiting.takeStalled();
  t.deepEqual([first?.token, first?.deadlineMs, second?.token], [1, 300, 2]);
  t.is(waiting.count, 0);
});

test('waiting calls: one behind the read of its key takes no second place either, a read as little as a write', (t) => {
  const waiting = new WaitingCalls(20, 1_000);
  const sink = new Sink();
  const miss = new Miss(() => {});
  waiting.begin(miss, ENGINE_KEY, callOf(sink, 1));
  waiting.join(miss, callOf(sink, 2, { verb: READ_LOCAL, end: 0 }));
  waiting.join(miss, callOf(sink, 11));
  waiting.join(miss, callOf(sink, 12, { verb: READ_LOCAL, end: 0 }));
  t.deepEqual(sink.repeats, [11, 12]);
  t.deepEqual(
    miss.calls.map(({ token }) => token),
    [1, 2],
  );
  t.is(waiting.count, 2);
});

test('waiting calls: what is of another request, key, record or kind, or of who can not tell, has a place of its own', (t) => {
  const waiting = new WaitingCalls(20, 1_000);
  const sink = new Sink();
  waiting.stall(callOf(sink, 1));
  waiting.stall(callOf(sink, 12));
  waiting.stall(callOf(sink, 21, { key: Buffer.from('kez') }));
  waiting.stall(callOf(sink, 31, { bytes: Buffer.from('recorD') }));
  waiting.stall(callOf(sink, 41, { end: 5 }));
  waiting.stall(callOf(sink, 51, { verb: READ_LOCAL }));
  waiting.stall(callOf(sink, 61, { tokenLow: 9 }));
  waiting.stall(callOf(new Sink(), 71));
  const cannotTell: ReplicaSink = { found() {}, made() {}, stored() {}, failed() {} };
  waiting.stall(callOf(cannotTell, 1));
  waiting.stall(callOf(cannotTell, 1));
  t.deepEqual(sink.repeats, []);
  t.is(waiting.count, 10);
});

test('waiting calls: when there is no room new ones are refused, and those that wait already are not', (t) => {
  const waiting = new WaitingCalls(4, 1_000);
  const sink = new Sink();
  const [miss, none] = [new Miss(() => {}), new Miss(() => {})];
  waiting.begin(miss, ENGINE_KEY, callOf(sink, 1));
  waiting.stall(callOf(sink, 2));
  waiting.join(miss, callOf(sink, 11));
  waiting.stall(callOf(sink, 12));
  t.deepEqual(sink.told, []);
  waiting.join(miss, callOf(sink, 3));
  waiting.stall(callOf(sink, 4));
  waiting.begin(none, Buffer.from('other key'), callOf(sink, 5));
  t.deepEqual(sink.told, [
    [3, OVERLOADED],
    [4, OVERLOADED],
    [5, OVERLOADED],
  ]);
  t.is(waiting.missOf(0, Buffer.from('other key')), undefined);
  t.is(waiting.count, 2);
  waiting.end(miss);
  waiting.stall(callOf(sink, 6));
  t.is(sink.told.length, 3);
});

test('waiting calls: records that are merged in have at most half of the room, in calls and in bytes, and not less for what else waits', (t) => {
  for (const [most, bytesMost] of [
    [4, 1_000],
    [100, 4 * 9],
  ] as const) {
    const waiting = new WaitingCalls(most, bytesMost);
    const sink = new Sink();
    for (const token of [1, 2, 3]) waiting.stall(callOf(sink, token));
    t.deepEqual(sink.told, [[3, OVERLOADED]]);
    waiting.stall(callOf(sink, 4, { verb: COORDINATE }));
    waiting.begin(new Miss(() => {}), ENGINE_KEY, callOf(sink, 5, { verb: READ_LOCAL }));
    t.is(sink.told.length, 1);
    waiting.stall(callOf(sink, 6, { verb: COORDINATE }));
    t.deepEqual(sink.told.slice(1), [[6, OVERLOADED]]);
    t.is(waiting.takeStalled().length, 3);
    for (const token of [11, 12]) waiting.stall(callOf(sink, token, { verb: COORDINATE }));
    waiting.stall(callOf(sink, 13));
    t.is(sink.told.length, 2);
    waiting.stall(callOf(sink, 14));
    t.deepEqual(sink.told.slice(2), [[14, OVERLOADED]]);
    t.is(waiting.count, 4);
    t.is(waiting.takeAll().length, 4);
    for (const token of [21, 22]) waiting.stall(callOf(sink, token));
    t.is(sink.told.length, 3);
  }
});
