import test from 'ava';
import { FlightRecorder, nextCount, readFlightRecords } from '../../runtime/flight-recorder.ts';
import { BACKGROUND, CONTROL, REQUEST } from '../../runtime/lanes.ts';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

test('flight recorder: keeps the last messages, oldest first', (t) => {
  const recorder = new FlightRecorder(4);
  for (let i = 0; i < 6; i++) {
    recorder.nowMs = 10.9 + i;
    recorder.message(100 + i, REQUEST, { type: `type${i}` });
  }
  t.deepEqual(
    readFlightRecords(recorder.buffer),
    [2, 3, 4, 5].map((i) => ({ atMs: 10 + i, slot: 100 + i, lane: 'request', message: `type${i}` })),
  );
  t.is(recorder.lastName(), 'type5');
});

test('flight recorder: names binary messages by their operation, and others without a type by a question mark', (t) => {
  const recorder = new FlightRecorder(8);
  t.deepEqual(readFlightRecords(recorder.buffer), []);
  t.is(recorder.lastName(), '?');
  recorder.operation(1, BACKGROUND, 65_535);
  for (const message of [7, null, {}, { type: 7 }]) recorder.message(2, CONTROL, message);
  t.deepEqual(
    readFlightRecords(recorder.buffer).map(({ lane, message }) => `${lane} ${message}`),
    ['background operation 65535', 'control ?', 'control ?', 'control ?', 'control ?'],
  );
});

test('flight recorder: keeps names of any script, up to a length and a number', (t) => {
  const recorder = new FlightRecorder(2048);
  recorder.message(1, REQUEST, { type: 'grüße' });
  recorder.message(1, REQUEST, { type: 'x'.repeat(1000) });
  for (let i = 0; i < 2000; i++) recorder.message(1, REQUEST, { type: `type-${i}` });
  const messages = readFlightRecords(recorder.buffer).map(({ message }) => message);
  t.deepEqual(messages.slice(0, 3), ['grüße', 'x'.repeat(64), 'type-0']);
  t.is(messages.at(-1), '?');
});

test('flight recorder: the count goes on after 2^31 messages, with each record in its place', (t) => {
  t.is(nextCount(0), 1);
  const last = 2 ** 31 - 1;
  const capacity = 1024;
  t.is(nextCount(last) % capacity, (last + 1) % capacity);
  t.true(nextCount(last) > capacity && nextCount(last) < last);
});

test('flight recorder: holds what the shard handled, to be read from its memory alone', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { flightRecords: 8 } });
  const actor = new Driver(runtime);
  world.settle();
  world.clock.ms = 42;
  actor.ref.tell({ type: 'hello' }, { lane: CONTROL });
  actor.ref.tellBytes(5, Buffer.alloc(1), 0, 1);
  world.settle();
  const { slot } = actor.ref.address;
  t.deepEqual(readFlightRecords(runtime.recorder.buffer), [
    { atMs: 42, slot, lane: 'control', message: 'hello' },
    { atMs: 42, slot, lane: 'request', message: 'operation 5' },
  ]);
});
