/** What to make of a ring that somebody else has sent. Pure. */
import { errorMessage } from '../../runtime/errors.ts';
import { compareVersions, type Id } from '../ring/ring-state.ts';
import type { RingBytes } from '../ring-protocol.ts';
import { type KnownRing, readRing } from './known-ring.ts';

export type Lesson =
  | { readonly type: 'adopt'; readonly ring: KnownRing }
  | { readonly type: 'same' }
  /** Its sender could be told. */
  | { readonly type: 'older' }
  /** Not a ring, of another cluster, or nothing of ours. */
  | { readonly type: 'refused'; readonly message: string }
  /** Two rings that can't both have been decided: nothing that follows from either may be served. */
  | { readonly type: 'conflict'; readonly message: string }
  /** This directory has lost what it had promised. */
  | { readonly type: 'amnesia'; readonly message: string };

export function learn(own: KnownRing | null, self: Id, bytes: RingBytes): Lesson {
  const order = own === null ? 1 : compareVersions(bytes, own.encoded);
  if (order < 0) return { type: 'older' };
  if (own !== null && order === 0 && Buffer.compare(bytes.bytes, own.encoded.bytes) === 0) return { type: 'same' };
  let ring: KnownRing;
  try {
    ring = readRing(bytes);
  } catch (error) {
    return { type: 'refused', message: errorMessage(error) };
  }
  return own === null ? learnFirst(self, ring) : learnNext(own, ring);
}

function learnFirst(self: Id, ring: KnownRing): Lesson {
  const member = ring.state.members.find(({ id }) => id === self);
  if (member === undefined) return { type: 'refused', message: `a ring of cluster ${ring.state.cluster} without this node` };
  // A newcomer is made a full member only after it has acknowledged rings, which it keeps.
  if (member.state === 'joining') return { type: 'adopt', ring };
  const message = `member ${self} is ${member.state} in the ring, but its directory has no ring state: what it promised is lost. Start on an empty directory, as a new member, and remove this one`;
  return { type: 'amnesia', message };
}

function learnNext(own: KnownRing, ring: KnownRing): Lesson {
  const ours = own.state;
  const theirs = ring.state;
  if (theirs.cluster !== ours.cluster) {
    return { type: 'refused', message: `expected a ring of cluster ${ours.cluster}, found one of cluster ${theirs.cluster}` };
  }
  const which = `generation ${theirs.generation}, epoch ${theirs.epoch}`;
  if (compareVersions(ours, theirs) === 0) {
    return { type: 'conflict', message: `two different rings of ${which}: ${own.hash} here, ${ring.hash} there` };
  }
  const isNext = theirs.generation === ours.generation && theirs.epoch === ours.epoch + 1;
  if (isNext && theirs.parent !== own.hash) {
    return { type: 'conflict', message: `the ring of ${which} follows from ${theirs.parent}, but the one before is ${own.hash} here` };
  }
  return { type: 'adopt', ring };
}
