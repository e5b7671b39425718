import test from 'ava';
import type { ReplicaDoor } from '../../../actors/store/replica-door.ts';
import { RequestDesk } from '../../../actors/store/request-desk.ts';
import { OK, StoreRequest } from '../../../actors/store/store-request.ts';
import { BugError } from '../../../runtime/errors.ts';

test('request desk: a request that is over can not be answered once more, which would give its place away twice', (t) => {
  const desk = new RequestDesk({ nowMs: () => 0 } as ReplicaDoor, 4, 1_024, 20, new Set());
  const answered: number[] = [];
  const request = new StoreRequest();
  request.sink = { answered: (token) => answered.push(token) };
  request.token = 7;
  const slot = desk.table.take(request);
  desk.table.phases[slot] = 1;
  desk.finish(slot, OK, '');
  t.throws(() => desk.finish(slot, OK, ''), { instanceOf: BugError, message: /answered, and over/ });
  t.deepEqual(answered, [7]);
  t.is(desk.table.used, 0);
});
