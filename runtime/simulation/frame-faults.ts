/**
 * How the frames of one flush travel in the fidelity 'frames': together as one batch, or one by one with loss, duplication and
 * reordering. The latter three go beyond what TCP does. They spare the runtime's own signals, which rely on it.
 */
import { FRAME_HEADER_BYTES, KIND_SIGNAL, LENGTH_BYTES } from '../wire/frame.ts';
import { FRAMES, type SimCarrier } from './sim-carrier.ts';

const KIND_AT = 7;
/** How far an overtaken frame may fall behind, in its own delays. */
const REORDER_DELAYS = 4;

/** Sends `count` whole frames in `bytes[start, end)`, where nobody will write again. */
export function sendFrames(carrier: SimCarrier, bytes: Buffer, start: number, end: number, count: number): void {
  const { path } = carrier;
  const { quality, random } = path;
  const isFaulty = quality.lossRatio > 0 || quality.duplicateRatio > 0 || quality.reorderRatio > 0;
  if (isFaulty || (quality.splitRatio > 0 && random.chance(quality.splitRatio))) {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      sendFrame(carrier, bytes, at, next);
      at = next;
    }
    return;
  }
  carrier.unreadBytes += end - start;
  carrier.unreadFrames += count;
  carrier.out.send(carrier.thread.nowUs + path.delayUs(end - start), FRAMES, bytes, start, end);
}

function sendFrame(carrier: SimCarrier, bytes: Buffer, start: number, end: number): void {
  const { path, thread, out } = carrier;
  const { quality, random } = path;
  const isSpared = bytes[start + KIND_AT] === KIND_SIGNAL;
  if (!isSpared && random.chance(quality.lossRatio)) {
    thread.world.trace?.lost?.(thread.place, carrier.place, bytes, start, end);
    return;
  }
  const delayUs = path.delayUs(end - start);
  carrier.unreadBytes += end - start;
  carrier.unreadFrames++;
  if (isSpared || !random.chance(quality.reorderRatio)) out.send(thread.nowUs + delayUs, FRAMES, bytes, start, end);
  else out.sendOutOfOrder(thread.nowUs + delayUs + random.below(Math.ceil(REORDER_DELAYS * delayUs) + 1), FRAMES, bytes, start, end);
  if (isSpared || !random.chance(quality.duplicateRatio)) return;
  carrier.unreadBytes += end - start;
  carrier.unreadFrames++;
  out.send(thread.nowUs + delayUs + path.delayUs(end - start), FRAMES, bytes, start, end);
}

export function countFrames(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = start; at + FRAME_HEADER_BYTES <= end; at += LENGTH_BYTES + bytes.readUInt32BE(at)) count++;
  return count;
}
