import test from 'ava';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { BULK_CLASS } from '../../../runtime/lanes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { READ, WRITTEN } from '../../../runtime/threads/frame-ring.ts';
import { newSlab, READ_FRAMES, READ_NOTHING, READ_PIECE, readFrames } from '../../../runtime/threads/frame-ring-reader.ts';
import { countUnread, writeFrames } from '../../../runtime/threads/frame-ring-writer.ts';
import { createChannelMemory, openPipes, type Pipes } from '../../../runtime/threads/thread-channel.ts';
import { countFrames, F, idsIn, putNumberedFrame } from './numbered-frames.ts';

/** A ring with both its ends in this thread; positions begin at `start`. */
function ring(start = 0, bulkBytes = 128) {
  const [a, b] = createChannelMemory({ bulkBytes }).map((memory) => openPipes(memory)) as [Pipes, Pipes];
  const writer = a.writers[BULK_CLASS];
  const reader = b.readers[BULK_CLASS];
  writer.words[WRITTEN] = writer.words[READ] = writer.written = writer.readSeen = reader.read = start;
  const out = new OutBuffer(64, 1 << 20);
  const slab = newSlab();
  return {
    writer,
    out,
    /** Returns how many bytes did not fit. */
    write(): number {
      const taken = writeFrames(writer, out);
      out.bytes.copyWithin(0, taken, out.length);
      out.length -= taken;
      return out.length;
    },
    read(): number[] | number {
      const found = readFrames(reader, slab);
      return found === READ_FRAMES ? idsIn(reader.buffer, reader.start, reader.end) : found;
    },
    batch: () => reader.buffer.subarray(reader.start, reader.end),
  };
}

test('frame ring: frames come out whole, when positions run over their end and frames over the end of the ring', (t) => {
  for (let before = 0; before < 128; before++) {
    const r = ring(2 ** 31 - before);
    for (let id = 0; id < 10; id++) {
      putNumberedFrame(r.out, id, F + 7);
      t.is(r.write(), 0);
      t.deepEqual(r.read(), [id]);
    }
    t.is(countUnread(r.writer), 0);
  }
});

test('frame ring: a batch that does not fit is cut between two frames', (t) => {
  const r = ring();
  for (const id of [0, 1, 2]) putNumberedFrame(r.out, id, 50);
  t.is(r.write(), 50);
  t.is(r.writer.framesTaken, 2);
  t.is(countUnread(r.writer), 2);
  t.is(r.write(), 50);
  t.deepEqual(r.read(), [0, 1]);
  t.is(r.write(), 0);
  t.deepEqual(r.read(), [2]);
  t.is(r.read(), READ_NOTHING);
});

test('frame ring: a frame larger than the ring waits until the ring is empty, passes in pieces, and counts as one', (t) => {
  const r = ring(2 ** 31 - 60);
  for (const [id, bytes] of [50, 300, 50].entries()) putNumberedFrame(r.out, id, bytes);
  t.is(r.write(), 350);
  t.deepEqual(r.read(), [0]);
  for (const left of [222, 94]) {
    t.is(r.write(), left);
    // The rest of it is still with the sender.
    t.is(countUnread(r.writer), 0);
    t.is(r.read(), READ_PIECE);
  }
  t.is(r.write(), 50);
  t.is(r.writer.framesTaken, 1);
  t.is(countUnread(r.writer), 1);
  t.is(r.write(), 0);
  t.is(countUnread(r.writer), 2);
  t.deepEqual(r.read(), [1]);
  t.is(countUnread(r.writer), 1);
  t.deepEqual(r.read(), [2]);
  t.is(countUnread(r.writer), 0);
});

test('frame ring: what was handed out is never written again', (t) => {
  const r = ring();
  const batches: Buffer[] = [];
  for (let id = 0; id < 2000; id++) {
    putNumberedFrame(r.out, id, F + 40);
    r.write();
    t.deepEqual(r.read(), [id]);
    batches.push(r.batch());
  }
  t.deepEqual(
    batches.map((batch) => idsIn(batch, 0, batch.length)[0]),
    batches.map((_, id) => id),
  );
});

test('frame ring: bytes come out as they went in, when batches of all sizes go through a small ring', (t) => {
  const random = new SeededRandom('batches');
  const r = ring(2 ** 31 - 100_000, 1024);
  let put = 0;
  let got = 0;
  while (got < 5000) {
    for (let i = random.below(8); i > 0; i--) putNumberedFrame(r.out, put++, F + random.below(random.chance(0.02) ? 3000 : 300));
    r.write();
    if (random.chance(0.5)) continue;
    const ids = r.read();
    if (typeof ids === 'number') continue;
    t.deepEqual(
      ids,
      ids.map((_, i) => got + i),
    );
    got += ids.length;
  }
  t.is(put, got + countUnread(r.writer) + countFrames(r.out));
});
