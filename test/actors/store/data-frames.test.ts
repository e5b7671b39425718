import test from 'ava';
import { beginAnswer, statusOfAnswer } from '../../../actors/store/data-frames.ts';
import { LAST_STATUS } from '../../../actors/store/store-request.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

const headOf = (status: number): number | string => {
  const out = new OutBuffer(16, 16);
  beginAnswer(out, status);
  return statusOfAnswer(out.bytes, 0, out.length);
};

test('data frames: the statuses that there are are taken, and any other number is malformed', (t) => {
  for (let status = 0; status <= LAST_STATUS; status++) t.is(headOf(status), status);
  for (const status of [LAST_STATUS + 1, 255, 256, 0xffffffff])
    t.is(headOf(status), `expected an answer with status 0 to 10, found ${status}`);
  t.is(statusOfAnswer(new Uint8Array(3), 0, 3), 'expected an answer of 4 bytes or more, found 3');
});
