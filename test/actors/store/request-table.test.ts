import test from 'ava';
import { FREE, RequestTable } from '../../../actors/store/request-table.ts';
import { PUT, StoreRequest } from '../../../actors/store/store-request.ts';

function request(deadlineMs = 100, token = 0): StoreRequest {
  const it = new StoreRequest();
  it.kind = PUT;
  it.key = Buffer.from('key');
  it.keyEnd = 3;
  it.value = Buffer.from('value');
  it.valueEnd = 5;
  it.deadlineMs = deadlineMs;
  it.token = token;
  return it;
}

function take(table: RequestTable, it = request()): number {
  const slot = table.take(it);
  if (slot >= 0) table.phases[slot] = 1;
  return slot;
}

test('request table: what the request said is copied, when its bytes are used again', (t) => {
  const table = new RequestTable(2, 1_000);
  const it = request(100, 7);
  const slot = take(table, it);
  it.key.fill(0);
  it.value.fill(0);
  t.is(table.bufferOf(slot).bytes.toString('latin1', 0, table.valueEnds[slot]), 'keyvalue');
  t.deepEqual([table.keyEnds[slot], table.contextEnds[slot], table.tokens[slot], table.deadlineMs[slot]], [3, 3, 7, 100]);
});

test('request table: an answer to what was asked before a restart finds nobody, and ids of two starts are others', (t) => {
  const drawn = [0x1234_5678, 0xffff_ffff, 7, 0].map((draw) => {
    const table = new RequestTable(16, 256);
    table.startAt(draw);
    const id = table.idOf(take(table), 0);
    t.is(table.slotOf(id), 0);
    return { table, id };
  });
  for (const { id } of drawn) t.is(drawn.filter(({ table }) => table.slotOf(id) >= 0).length, 1);
});

test('request table: wherever ids begin, it takes as many as it holds, and frees them', (t) => {
  const table = new RequestTable(3, 256);
  table.startAt(0xffff_ffff);
  for (let round = 0; round < 4; round++) {
    const slots = [take(table), take(table), take(table)];
    t.is(new Set(slots).size, 3);
    t.is(take(table), -1);
    for (const slot of slots) table.free(slot);
  }
});

test('request table: it refuses, when it is full, or when a request is too long, and is none the worse for it', (t) => {
  const table = new RequestTable(2, 256);
  const long = request();
  long.value = Buffer.alloc(300);
  long.valueEnd = 300;
  t.is(table.take(long), -2);
  t.is(table.used, 0);
  const slots = [take(table), take(table)];
  t.is(table.take(request()), -1);
  table.free(slots[0]!);
  t.is(take(table), slots[0] ?? -1);
  t.is(table.used, 2);
});

test('request table: an id finds its request until that is over, and never another one', (t) => {
  const table = new RequestTable(3, 256);
  const old: number[] = [];
  for (let round = 0; round < 300; round++) {
    const slot = take(table);
    const id = table.idOf(slot, round % 32);
    t.deepEqual([table.slotOf(id), table.replicaOf(id)], [slot, round % 32]);
    table.renew(slot);
    old.push(id, table.idOf(slot, 1));
    table.free(slot);
    t.is(table.phases[slot] ?? -1, FREE);
    const next = take(table);
    t.true(old.every((it) => table.slotOf(it) === -1));
    table.free(next);
  }
  t.is(table.slotOf(0xffff_ffff), -1);
});

test('request table: it is seen that an old id finds another request, when it is planted', (t) => {
  const table = new RequestTable(1, 256, new Set(['lateAnswerTaken']));
  const old = table.idOf(take(table), 0);
  table.free(0);
  take(table);
  t.is(table.slotOf(old), 0);
});

test('request table: the slot that was freed last is used next', (t) => {
  const table = new RequestTable(4, 256);
  const taken = [take(table), take(table), take(table), take(table)];
  for (const slot of [2, 0, 3, 1]) table.free(slot);
  t.deepEqual(taken, [0, 1, 2, 3]);
  t.deepEqual([take(table), take(table), take(table), take(table)], [1, 3, 0, 2]);
});

test('request table: a request that takes long is found by its id alone, while many others pass', (t) => {
  const table = new RequestTable(3, 256);
  const long = take(table);
  const id = table.idOf(long, 2);
  const ids = new Set([id]);
  for (let i = 0; i < 20_000; i++) {
    const slot = take(table);
    const other = table.idOf(slot, 2);
    ids.add(other);
    if (table.slotOf(other) !== slot || table.slotOf(id) !== long) t.fail(`request ${i}: ${other} finds ${table.slotOf(other)}`);
    table.free(slot);
  }
  t.is(ids.size, 20_001);
  table.free(long);
  t.is(table.slotOf(id), -1);
});

test('request table: requests are due when they are to wake, at the latest at their deadlines', (t) => {
  const table = new RequestTable(4, 256);
  const slots = new Uint16Array(4);
  t.is(table.nextWakeMs, Number.POSITIVE_INFINITY);
  take(table, request(300));
  take(table, request(100));
  take(table, request(200));
  t.is(table.nextWakeMs, 100);
  table.wake(2, 50);
  table.wake(0, 999);
  t.is(table.nextWakeMs, 50);
  t.deepEqual([...slots.subarray(0, table.due(50, slots))], [2]);
  table.free(2);
  t.is(table.nextWakeMs, 100);
  t.is(table.due(99, slots), 0);
  t.deepEqual(
    [...slots.subarray(0, table.due(300, slots))].sort((a, b) => a - b),
    [0, 1],
  );
});
