/** What becomes of frames that wait for a place which turns out to have restarted. */
import { NOBODY_SLOT, WELL_KNOWN_SLOTS } from '../address.ts';
import type { OutBuffer } from '../bytes.ts';
import { LENGTH_BYTES } from './frame.ts';

/** Length word to target slot. */
const TARGET_SLOT_OFFSET = 11;

/**
 * Takes all frames out of `out` but those for well-known actors, which are found whatever the boot: in the new boot, the slot and uid of any other
 * might be somebody else's. Requires: whole frames. Returns how many are left, in their order.
 */
export function keepWellKnown(out: OutBuffer): number {
  const { bytes, view } = out;
  const end = out.length;
  let at = 0;
  let kept = 0;
  out.length = 0;
  while (at < end) {
    const next = at + LENGTH_BYTES + view.getUint32(at);
    const slot = view.getUint32(at + TARGET_SLOT_OFFSET);
    // Nobody's are grants of credit: of the actors of this place to those of the boot that is gone.
    if (slot !== NOBODY_SLOT && slot < WELL_KNOWN_SLOTS) {
      bytes.copyWithin(out.length, at, next);
      out.length += next - at;
      kept++;
    }
    at = next;
  }
  return kept;
}
