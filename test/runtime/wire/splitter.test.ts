import test from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import { FRAME_HEADER_BYTES, LENGTH_BYTES } from '../../../runtime/wire/frame.ts';
import { FRAME_BYTES_MIN, FrameSplitter } from '../../../runtime/wire/splitter.ts';
import { frameLengths } from './oracle.ts';

const MAX = 10_000;

/** A frame of `length` bytes in all; only its length word matters here. */
function frame(length: number, fill = length): Buffer {
  const bytes = Buffer.alloc(length, fill & 255);
  bytes.writeUInt32BE(length - LENGTH_BYTES);
  return bytes;
}

/** What a splitter emits, run by run, as copies. */
class Sink {
  readonly runs: Buffer[] = [];
  readonly buffers: Buffer[] = [];
  readonly emit = (buffer: Buffer, start: number, end: number): void => {
    this.buffers.push(buffer);
    this.runs.push(Buffer.from(buffer.subarray(start, end)));
  };

  get lengths(): readonly number[] {
    return this.runs.map((run) => run.length);
  }
}

function push(splitter: FrameSplitter, sink: Sink, ...chunks: readonly Buffer[]): void {
  for (const chunk of chunks) splitter.push(chunk, 0, chunk.length, sink.emit);
}

/** Runs `work` and returns the lengths of the buffers made meanwhile. */
function allocations(work: () => void): readonly number[] {
  const lengths: number[] = [];
  const original = Object.getOwnPropertyDescriptor(Buffer, 'allocUnsafeSlow')!;
  const counted = (length: number): Buffer => {
    lengths.push(length);
    return Buffer.alloc(length);
  };
  Object.defineProperty(Buffer, 'allocUnsafeSlow', { ...original, value: counted });
  try {
    work();
  } finally {
    Object.defineProperty(Buffer, 'allocUnsafeSlow', original);
  }
  return lengths;
}

test('splitter: emits one run without a copy, when a chunk holds whole frames', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  const chunk = Buffer.concat([frame(36), frame(100), frame(500)]);
  t.deepEqual(
    allocations(() => push(splitter, sink, chunk)),
    [],
  );
  t.deepEqual(sink.lengths, [636]);
  t.is(sink.buffers[0], chunk);
  t.is(splitter.pendingBytes, 0);
});

test('splitter: looks only between start and end, when the chunk is part of a buffer', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  const buffer = Buffer.concat([Buffer.alloc(11, 0xff), frame(40), Buffer.alloc(9, 0xff)]);
  splitter.push(buffer, 11, 51, sink.emit);
  t.deepEqual(sink.runs, [frame(40)]);
  t.is(splitter.pendingBytes, 0);
});

test('splitter: emits nothing, when a chunk is empty', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  push(splitter, sink, Buffer.alloc(0), frame(50).subarray(0, 10), Buffer.alloc(0));
  t.deepEqual(sink.runs, []);
  t.is(splitter.pendingBytes, 10);
});

const stream = Buffer.concat([frame(36), frame(300), frame(37), frame(36)]);
const cut = test.macro((t, chunkBytes: number) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  for (let at = 0; at < stream.length; at += chunkBytes) push(splitter, sink, Buffer.from(stream.subarray(at, at + chunkBytes)));
  t.deepEqual(Buffer.concat(sink.runs), stream);
  for (const run of sink.runs) t.false(frameLengths(run, MAX).lengths.length === 0);
  t.is(splitter.pendingBytes, 0);
});
for (const bytes of [1, 2, 3, 5, 35, 36, 37, 100]) test(`splitter: joins frames, when chunks have ${bytes} bytes`, cut, bytes);

test('splitter: emits the same bytes in whole frames, when two cuts fall anywhere', (t) => {
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second += 17) {
      const splitter = new FrameSplitter(MAX);
      const sink = new Sink();
      push(splitter, sink, stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second));
      if (Buffer.compare(Buffer.concat(sink.runs), stream) !== 0 || splitter.pendingBytes !== 0) t.fail(`cuts at ${first} and ${second}`);
    }
  }
  t.pass();
});

test('splitter: emits each frame as soon as it is whole, when its last byte comes', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  const whole = Buffer.concat([frame(40), frame(50)]);
  for (let at = 0; at < whole.length; at++) {
    push(splitter, sink, Buffer.from(whole.subarray(at, at + 1)));
    t.is(sink.runs.length, at < 39 ? 0 : at < 89 ? 1 : 2);
    t.is(splitter.pendingBytes, at < 39 ? at + 1 : at < 89 ? at + 1 - 40 : 0);
  }
});

test('splitter: gives joined frames a buffer of their own, when it joins another later', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  for (const fill of [1, 2]) push(splitter, sink, frame(60, fill).subarray(0, 20), frame(60, fill).subarray(20));
  t.not(sink.buffers[0], sink.buffers[1]);
  t.deepEqual(sink.buffers, [frame(60, 1), frame(60, 2)]);
});

const wrong = test.macro((t, length: number) => {
  const splitter = new FrameSplitter(MAX);
  const word = Buffer.alloc(LENGTH_BYTES);
  word.writeUInt32BE(length);
  const message = `length word says a frame of ${length + LENGTH_BYTES} bytes, expected 36 to 10000`;
  t.throws(() => push(splitter, new Sink(), word), { code: 'PROTOCOL', message });
  const bytewise = new FrameSplitter(MAX);
  const made = allocations(() => {
    t.throws(() => push(bytewise, new Sink(), ...[0, 1, 2, 3].map((i) => word.subarray(i, i + 1))), { code: 'PROTOCOL', message });
  });
  t.deepEqual(made, [LENGTH_BYTES]);
});
test('splitter: refuses before it allocates, when a length word is over the cap', wrong, MAX - LENGTH_BYTES + 1);
test('splitter: refuses before it allocates, when a length word is the highest', wrong, 0xffff_ffff);
test('splitter: refuses, when a length word is too small for a header', wrong, FRAME_BYTES_MIN - LENGTH_BYTES - 1);
test('splitter: refuses, when a length word is zero', wrong, 0);

test('splitter: accepts frames of the smallest and largest length, when they come', (t) => {
  const sink = new Sink();
  push(new FrameSplitter(MAX), sink, frame(MAX), frame(FRAME_BYTES_MIN));
  t.deepEqual(sink.lengths, [MAX, FRAME_BYTES_MIN]);
  t.is(FRAME_BYTES_MIN, FRAME_HEADER_BYTES + 1);
});

test('splitter: emits the frames before it, when a length word is wrong', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  const chunk = Buffer.concat([frame(36), frame(40), Buffer.alloc(LENGTH_BYTES, 0xff), frame(36)]);
  t.throws(() => push(splitter, sink, chunk), { code: 'PROTOCOL' });
  t.deepEqual(sink.lengths, [76]);
});

test('splitter: allocates about what came, when a frame promises far more', (t) => {
  const splitter = new FrameSplitter(2 ** 30);
  const head = Buffer.alloc(LENGTH_BYTES);
  head.writeUInt32BE(2 ** 30 - LENGTH_BYTES);
  let came = 0;
  for (const chunk of [head, ...Array.from({ length: 300 }, (_, i) => Buffer.alloc(1 + i * 7))]) {
    const made = allocations(() => push(splitter, new Sink(), chunk));
    came += chunk.length;
    t.true(made.length <= 1);
    t.true((made[0] ?? 0) <= 2 * came + 4096, `${made[0]} after ${came}`);
  }
  t.is(splitter.pendingBytes, came);
});

test('splitter: copies a frame few times, when it comes in many parts', (t) => {
  const splitter = new FrameSplitter(2 ** 20);
  const sink = new Sink();
  const whole = frame(2 ** 20);
  const made = allocations(() => {
    for (let at = 0; at < whole.length; at += 1000) push(splitter, sink, whole.subarray(at, at + 1000));
  });
  t.deepEqual(sink.runs, [whole]);
  t.true(made.length <= 12, `${made.length} buffers`);
  t.is(made.at(-1), whole.length);
});

test('splitter: begins anew, when it was reset in the middle of a frame', (t) => {
  const splitter = new FrameSplitter(MAX);
  const sink = new Sink();
  push(splitter, sink, frame(60).subarray(0, 33));
  splitter.reset();
  t.is(splitter.pendingBytes, 0);
  push(splitter, sink, frame(50));
  t.deepEqual(sink.runs, [frame(50)]);
});

test('splitter: drops the rest of the chunk, when it is reset while it emits', (t) => {
  for (const chunks of [[stream], [stream.subarray(0, 20), stream.subarray(20)]]) {
    const splitter = new FrameSplitter(MAX);
    let runs = 0;
    for (const chunk of chunks) {
      splitter.push(
        Buffer.concat([chunk, frame(90).subarray(0, 10)]).subarray(0, chunk === stream ? undefined : chunk.length),
        0,
        chunk.length,
        () => {
          runs++;
          splitter.reset();
        },
      );
    }
    t.is(runs, 1);
    t.is(splitter.pendingBytes, 0);
  }
});

test('splitter: passes the error on, when the receiver throws', (t) => {
  const splitter = new FrameSplitter(MAX);
  const emit = () => {
    throw new Error('receiver');
  };
  t.throws(() => splitter.push(frame(40), 0, 40, emit), { message: 'receiver' });
});

test('splitter: is refused, when its cap holds no frame', (t) => {
  for (const cap of [0, FRAME_BYTES_MIN - 1, 1e6 + 0.5, NaN]) t.throws(() => new FrameSplitter(cap), { code: 'INVALID_ARGUMENT' });
});

test('splitter: agrees with the oracle, when streams are cut and broken by seed', (t) => {
  const random = new SeededRandom(process.env.SEED ?? 'splitter');
  for (let round = 0; round < 2000; round++) {
    const frames = Array.from({ length: random.below(12) }, () =>
      frame(36 + random.below(random.chance(0.1) ? 9000 : 200), random.below(256)),
    );
    const tail = random.chance(0.3)
      ? Buffer.from([random.below(256), random.below(256), random.below(256), random.below(256)])
      : Buffer.alloc(random.below(4));
    const sent = Buffer.concat([...frames, tail]);
    const { lengths, broken } = frameLengths(sent, MAX);
    const splitter = new FrameSplitter(MAX);
    const sink = new Sink();
    let failed = false;
    try {
      for (let at = 0; at < sent.length; ) {
        const length = Math.min(sent.length - at, 1 + random.below(random.chance(0.3) ? 3 : 700));
        push(splitter, sink, Buffer.from(sent.subarray(at, at + length)));
        at += length;
      }
    } catch (error) {
      failed = (error as { readonly code?: string }).code === 'PROTOCOL';
    }
    t.is(failed, broken);
    const expected = sent.subarray(
      0,
      lengths.reduce((sum, length) => sum + length, 0),
    );
    if (Buffer.compare(Buffer.concat(sink.runs), expected) !== 0) t.fail(`round ${round}`);
    if (!broken && splitter.pendingBytes !== sent.length - expected.length) t.fail(`round ${round}: ${splitter.pendingBytes} pending`);
  }
});
