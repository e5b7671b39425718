/** A ring with its canonical encoding and its hash: each is needed again and again, and made once. */
import { invalidArgument } from '../../runtime/errors.ts';
import { decodeRing, encodeRing, hashOfRingBytes } from '../ring/ring-codec.ts';
import type { RingState } from '../ring/ring-state.ts';
import type { RingBytes } from '../ring-protocol.ts';

export interface KnownRing {
  readonly state: RingState;
  readonly encoded: RingBytes;
  readonly hash: string;
}

/** Requires: a valid ring. */
export function knownRing(state: RingState): KnownRing {
  const { generation, epoch } = state;
  const bytes = encodeRing(state);
  return { state, encoded: { generation, epoch, bytes }, hash: hashOfRingBytes(bytes) };
}

/** Checks all that a ring says by itself. Errors: those of `decodeRing`; INVALID_ARGUMENT when it is of another version than said. */
export function readRing({ generation, epoch, bytes }: RingBytes): KnownRing {
  const state = decodeRing(bytes);
  if (state.generation !== generation || state.epoch !== epoch) {
    throw invalidArgument(
      `ring: expected generation ${generation}, epoch ${epoch}, as said beside it, found generation ${state.generation}, epoch ${state.epoch}`,
    );
  }
  // A copy: what came is a view of the frame.
  const own = Buffer.from(bytes);
  return { state, encoded: { generation, epoch, bytes: own }, hash: hashOfRingBytes(own) };
}
