import test from 'ava';
import { Decoder } from 'cbor-x';
import { OutBuffer, viewOf } from '../../../runtime/bytes.ts';
import { CONTROL, REQUEST } from '../../../runtime/lanes.ts';
import {
  BYTES_PREFIX_BYTES,
  beginFrame,
  checkFrame,
  endFrame,
  FRAME_HEADER_BYTES,
  KIND_BYTES,
  KIND_SIGNAL,
  KIND_TELL,
  LENGTH_BYTES,
  NO_DEADLINE,
  remainingField,
  writeBytesPayload,
} from '../../../runtime/wire/frame.ts';

const decoder = new Decoder({ useRecords: false, mapsAsObjects: true });

/** A frame with `payload` behind a header whose fields all differ. */
function frameOf(payload: readonly number[]): Buffer {
  const out = new OutBuffer(128, 128);
  const at = beginFrame(out, KIND_SIGNAL, CONTROL, 0x0203, 0x11121314, 0x21222324, 0x31323334, 0x41424344, 0x51525354, 0x61626364);
  for (const byte of payload) out.bytes[out.length++] = byte;
  endFrame(out, at);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

test('frame: has the documented bytes, when written', (t) => {
  t.is(
    frameOf([0xf6]).toString('hex'),
    ['00000020', '82', '581c', '03', '01', '0203', '11121314', '21222324', '31323334', '41424344', '51525354', '61626364', 'f6'].join(''),
  );
});

test('frame: is legal CBOR of header and payload, when read by cbor-x', (t) => {
  const [header, payload] = decoder.decode(frameOf([0x82, 0x01, 0x61, 0x61]).subarray(LENGTH_BYTES)) as [Buffer, unknown];
  t.is(header.length, 28);
  t.is(header.readUInt32BE(4), 0x11121314);
  t.deepEqual(payload, [1, 'a']);
});

test('frame: keeps the highest values of every field, when written', (t) => {
  const out = new OutBuffer(64, 64);
  const most = 0xffff_ffff;
  endFrame(out, beginFrame(out, KIND_TELL, REQUEST, 0xffff, most, most, most, most, NO_DEADLINE, most));
  t.is(out.bytes.toString('hex', LENGTH_BYTES + 5, FRAME_HEADER_BYTES), 'ff'.repeat(26));
  t.is(out.length, FRAME_HEADER_BYTES);
});

test('frame: begins where the one before ended, when several share a buffer', (t) => {
  const out = new OutBuffer(256, 256);
  for (const payload of [[0xf6], [0x61, 0x62], [0x00]]) {
    const at = beginFrame(out, KIND_TELL, REQUEST, 0, 1, 2, 3, 4, NO_DEADLINE, 0);
    for (const byte of payload) out.bytes[out.length++] = byte;
    endFrame(out, at);
  }
  const ends: number[] = [];
  for (let at = 0; at < out.length; at = ends.at(-1)!) ends.push(checkFrame(out.view, at, out.length));
  t.deepEqual(ends, [36, 36 + 37, 36 + 37 + 36]);
});

const binary = test.macro((t, length: number, offset: number) => {
  const source = Buffer.from(Array.from({ length: length + offset + 5 }, (_, i) => (i * 7 + 1) & 255));
  const out = new OutBuffer(512, 4096);
  t.true(out.ensure(FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES + length));
  const at = beginFrame(out, KIND_BYTES, REQUEST, 9, 1, 2, 3, 4, NO_DEADLINE, 0);
  writeBytesPayload(out, source, offset, length);
  endFrame(out, at);
  t.is(out.length, FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES + length);
  const [, payload] = decoder.decode(out.bytes.subarray(LENGTH_BYTES, out.length)) as [Buffer, Buffer];
  t.deepEqual(payload, source.subarray(offset, offset + length));
});
for (const length of [0, 1, 47, 48, 49, 1000]) {
  test(`frame: carries the bytes of a region as they are, when it has ${length} of them`, binary, length, 0);
  test(`frame: carries the bytes of a region as they are, when it has ${length} of them behind an offset`, binary, length, 3);
}

test('frame: carries all of a source, when the region is the whole of it', (t) => {
  const source = Buffer.alloc(100, 0xab);
  const out = new OutBuffer(512, 512);
  writeBytesPayload(out, source, 0, source.length);
  t.deepEqual(out.bytes.subarray(BYTES_PREFIX_BYTES, out.length), source);
});

test('remaining time: is rounded up to a millisecond, when there is a deadline', (t) => {
  t.is(remainingField(1000, 400), 600);
  t.is(remainingField(1000.2, 1000), 1);
});
test('remaining time: is nothing, when the deadline has passed', (t) => {
  t.is(remainingField(1000, 1000), 0);
  t.is(remainingField(1000, 5000), 0);
});
test('remaining time: is none, when there is no deadline or one too far for 32 bits', (t) => {
  t.is(remainingField(0, 123), NO_DEADLINE);
  t.is(remainingField(NO_DEADLINE + 1, 1), NO_DEADLINE);
  t.is(remainingField(NO_DEADLINE, 1), NO_DEADLINE - 1);
});

const refused = test.macro((t, spoil: (frame: Buffer) => Buffer, message: RegExp) => {
  const frame = spoil(frameOf([0xf6]));
  t.throws(() => checkFrame(viewOf(frame), 0, frame.length), { code: 'PROTOCOL', message });
});
const poke = (at: number, byte: number) => (frame: Buffer) => {
  frame[at] = byte;
  return frame;
};

test('frame check: passes a frame and says where it ends, when it is whole', (t) => {
  const frame = frameOf([0x61, 0x61]);
  t.is(checkFrame(viewOf(Buffer.concat([Buffer.alloc(7), frame, frame])), 7, 7 + 2 * frame.length), 7 + frame.length);
});
test('frame check: refuses, when less than a header is left', refused, (f: Buffer) => f.subarray(0, 35), /frame of 35 bytes/);
test('frame check: refuses, when the length word is too small', refused, poke(3, 31), /frame of 35 bytes, expected at least 36/);
test('frame check: refuses, when the length word passes the end', refused, poke(3, 33), /frame of 37 bytes in 36/);
test(
  'frame check: refuses, when the length word is the highest',
  refused,
  (f: Buffer) => f.fill(255, 0, 4),
  /frame of 4294967299 bytes in 36/,
);
test('frame check: refuses, when it is not an array of 2', refused, poke(4, 0x83), /begins with 83581c/);
test('frame check: refuses, when the header is not a byte string', refused, poke(5, 0x78), /begins with 82781c/);
test('frame check: refuses, when the header is of another length', refused, poke(6, 0x1d), /begins with 82581d/);
test('frame check: refuses, when the lane is unknown', refused, poke(8, 5), /lane 5/);
