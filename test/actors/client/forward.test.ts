import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { ForwardedAnswer } from '../../../actors/client/forward.ts';
import { actorOf, NOTHING, putBytes } from '../version/records.ts';
import { writeForwarded } from './fake-frames.ts';

const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value: 'v' });

test('client frames: an answer is read where it lies', (t) => {
  const payload = writeForwarded({ status: 3, received: 1, needed: 2, primaries: 1, message: 'why', record });
  const padded = Buffer.concat([Buffer.alloc(5, 0xee), payload, Buffer.alloc(5, 0xee)]);
  const answer = new ForwardedAnswer();
  t.is(answer.read(padded, 5, payload.length), undefined);
  t.like(answer, { status: 3, received: 1, needed: 2, primaries: 1, message: 'why' });
  t.is(answer.record.siblings, 1);
  t.is(answer.read(writeForwarded({ status: 1 }), 0, 12), undefined);
  t.like(answer, { status: 1, message: '' });
  t.is(answer.record.siblings, 0, 'nothing is left of the answer before');
});

testProp('client frames: any bytes are an answer, or refused in words', [fc.uint8Array({ maxLength: 80 })], (t, bytes) => {
  const fault = new ForwardedAnswer().read(bytes, 0, bytes.length);
  t.true(fault === undefined || fault.startsWith('FORWARDED: expected'), fault);
});

testProp(
  'client frames: an answer of which bytes are changed or missing does no harm',
  [fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat()],
  (t, at, by, cut) => {
    const payload = writeForwarded({ status: 0, message: 'm', record });
    payload[at % payload.length]! ^= by;
    const length = cut % 2 === 0 ? payload.length : cut % payload.length;
    const fault = new ForwardedAnswer().read(payload, 0, length);
    t.true(fault === undefined || fault.startsWith('FORWARDED: expected'), fault);
  },
);
