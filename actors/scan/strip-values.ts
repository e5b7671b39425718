/** Records without their values, for scans that want keys: who has written what and when is still in them, so they merge as the whole ones do. */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At } from '../../storage/byte-reader.ts';
import { putU32 } from '../../storage/byte-writer.ts';
import { compareU64 } from '../version/compare-bytes.ts';
import { SIBLING_COUNTER, SIBLING_VALUE_BYTES } from '../version/record-format.ts';
import { type RecordView, siblingEnd, valueStart } from '../version/record-view.ts';

/**
 * Appends the record with empty values; whole, where two siblings have one dot: without their values they could not be told apart. Requires: room for the whole record,
 * and no part of it in the free part of `out`.
 */
export function stripValues(record: RecordView, out: OutBuffer): void {
  const { bytes, start, end, siblingsAt, siblings } = record;
  const { bytes: to } = out;
  if (hasTwins(record)) {
    copyBytes(bytes, start, end, to, out.length);
    out.length += end - start;
    return;
  }
  copyBytes(bytes, start, siblingsAt, to, out.length);
  let length = out.length + siblingsAt - start;
  for (let i = 0, at = siblingsAt; i < siblings; i++, at = siblingEnd(bytes, at)) {
    const headEnd = valueStart(bytes, at);
    copyBytes(bytes, at, headEnd, to, length);
    putU32(to, length + SIBLING_VALUE_BYTES, 0);
    length += headEnd - at;
  }
  out.length = length;
}

function hasTwins({ bytes, siblingsAt, siblings }: RecordView): boolean {
  let before = siblingsAt;
  for (let i = 1; i < siblings; i++) {
    const at = siblingEnd(bytes, before);
    if (u16At(bytes, before) === u16At(bytes, at) && compareU64(bytes, before + SIBLING_COUNTER, bytes, at + SIBLING_COUNTER) === 0)
      return true;
    before = at;
  }
  return false;
}
