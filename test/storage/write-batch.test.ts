import test from 'ava';
import { BATCH_BYTES_MAX, WriteBatch } from '../../storage/write-batch.ts';

/** Of a length that no test can allocate; its bytes are never looked at. */
function ofLength(length: number): Uint8Array {
  return { length } as Uint8Array;
}

const tooLarge = test.macro((t, valueBytes: number) => {
  const batch = new WriteBatch().put(Buffer.from('a'), Buffer.from('1'));
  const { length } = batch;
  t.throws(() => batch.put(Buffer.from('b'), ofLength(valueBytes)), {
    code: 'INVALID_ARGUMENT',
    message: `batch: expected at most ${BATCH_BYTES_MAX} bytes, got ${length + 16 + 4 * Math.ceil((1 + valueBytes) / 4)}`,
  });
  t.is(batch.length, length);
  t.is(batch.count, 1);
});

test('write batch: a value is refused, when it makes the batch too large', tooLarge, BATCH_BYTES_MAX);
// Found by reading: the sum was of 32 bits and went below zero.
test('write batch: a value is refused, when its length is beyond 31 bits', tooLarge, 2 ** 31);
test('write batch: a value is refused, when its length is beyond 32 bits', tooLarge, 2 ** 32 + 100);
