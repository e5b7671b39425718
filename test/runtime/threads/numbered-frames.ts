/** Frames whose content tells their id, so that damage is seen. */
import { type OutBuffer, viewOf } from '../../../runtime/bytes.ts';
import { REQUEST } from '../../../runtime/lanes.ts';
import {
  BYTES_PREFIX_BYTES,
  beginFrame,
  checkFrame,
  endFrame,
  FRAME_HEADER_BYTES,
  KIND_BYTES,
  NO_DEADLINE,
} from '../../../runtime/wire/frame.ts';

/** Of the smallest frames here. */
export const F = FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES;

export function putNumberedFrame(out: OutBuffer, id: number, frameBytes: number): void {
  out.ensure(frameBytes);
  const at = beginFrame(out, KIND_BYTES, REQUEST, 0, 100, 1, 0, 0, NO_DEADLINE, id);
  out.bytes.fill(id, out.length, at + frameBytes);
  out.length = at + frameBytes;
  endFrame(out, at);
}

export function countFrames(out: OutBuffer): number {
  let count = 0;
  for (let at = 0; at < out.length; count++) at = checkFrame(out.view, at, out.length);
  return count;
}

/** Ids of the frames in a batch. Throws on one that isn't as `putNumberedFrame` wrote it. */
export function idsIn(buffer: Buffer, start: number, end: number): number[] {
  const view = viewOf(buffer);
  const ids: number[] = [];
  for (let at = start; at < end; ) {
    const next = checkFrame(view, at, end);
    const id = view.getUint32(at + 31);
    if (!buffer.subarray(at + FRAME_HEADER_BYTES, next).every((byte) => byte === (id & 0xff))) throw new Error(`frame ${id} is damaged`);
    ids.push(id);
    at = next;
  }
  return ids;
}
