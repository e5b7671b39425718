/**
 * What a RingActor answers to `prepare` and `accept`: the acceptor, and before it the rules of who may ask and who may answer. Pure.
 *
 * Only a confirmed voter of the ring that the decision follows answers as an acceptor. A message of an older ring, or of an older generation, gets the
 * newer ring instead; so late ones change nothing (FAULTS N19).
 */
import { errorMessage } from '../../runtime/errors.ts';
import { type AcceptorStep, accept, promise } from '../consensus/acceptor.ts';
import { applyOperation } from '../ring/apply.ts';
import { decodeProposal } from '../ring/operation-codec.ts';
import { compareVersions, type Member } from '../ring/ring-state.ts';
import type { AcceptAnswer, PeerMessage, PrepareAnswer, Sender } from '../ring-protocol.ts';
import type { KnownRing } from './known-ring.ts';
import { register, supersededBy } from './registry.ts';
import type { Registration, StoredRing } from './ring-file.ts';

export type Ballotted = Extract<PeerMessage, { type: 'prepare' | 'accept' }>;

/**
 * Why a voter must not accept a proposal; null: it may. What was accepted once binds all who come after, so nothing gets in that does not apply to the
 * ring that it is to follow. Of another ring than this one it says nothing: `vote` refuses that.
 */
export function faultOfProposal(
  ring: KnownRing,
  message: Pick<Extract<Ballotted, { type: 'accept' }>, 'version' | 'proposal'>,
  mutants: ReadonlySet<string>,
): string | null {
  if (compareVersions(message.version, ring.encoded) !== 0 || mutants.has('precomputedRing')) return null;
  try {
    const applied = applyOperation(ring.state, decodeProposal(message.proposal), { mutants });
    if (!applied.ok) return applied.message;
    return applied.ring === ring.state ? 'it changes nothing' : null;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Why what a voter of `ring` has answered must not count; null: it may. */
export function faultOfVote(
  given: PrepareAnswer | AcceptAnswer,
  voter: Member,
  ring: KnownRing,
  registered: readonly Registration[],
  mutants: ReadonlySet<string>,
): string | null {
  if (given.type !== 'promised' && given.type !== 'accepted') return null;
  const { from } = given;
  if (from.id !== voter.id || from.cluster !== ring.state.cluster) return `it names itself ${from.id} of cluster ${from.cluster}`;
  if (supersededBy(registered, from) !== null && !mutants.has('acceptsLowerBoot'))
    return `a later start than boot ${from.boot} is registered`;
  if (given.type === 'accepted' || given.accepted === null) return null;
  return faultOfProposal(ring, { version: ring.encoded, proposal: given.accepted.proposal }, mutants);
}

export interface Voter {
  /** As it stands in the answers. */
  readonly self: Sender;
  readonly isVoter: boolean;
  /** Of who asks: in the ring that this node has. */
  readonly isMember: boolean;
  readonly isConfirmed: boolean;
  readonly mutants: ReadonlySet<string>;
}

export interface Vote {
  /** To be durable before the answer is given; the very one that was given when nothing changed. */
  readonly stored: StoredRing;
  readonly answer: PrepareAnswer | AcceptAnswer;
}

export function vote(stored: StoredRing, message: Ballotted, { self, isVoter, isMember, isConfirmed, mutants }: Voter): Vote {
  const superseded = mutants.has('acceptsLowerBoot') ? null : supersededBy(stored.registered, message.from);
  if (superseded !== null) return { stored, answer: superseded };
  const { ring } = stored;
  if (ring === null) return { stored, answer: { type: 'notVoting', reason: 'it has no ring yet' } };
  const generation = mutants.has('ignoresGeneration') ? ring.generation : message.version.generation;
  const order = compareVersions({ generation, epoch: message.version.epoch }, ring);
  if (order < 0) return { stored, answer: { type: 'newer', ring } };
  if (order > 0) return { stored, answer: { type: 'behind', version: { generation: ring.generation, epoch: ring.epoch } } };
  // Of this very ring, so whoever may ask is in it.
  if (!isMember) return { stored, answer: { type: 'notVoting', reason: 'the asker is no member of this ring' } };
  if (!isVoter) return { stored, answer: { type: 'notVoting', reason: 'it is no voter of this ring' } };
  if (!isConfirmed && !mutants.has('votesUnconfirmed')) {
    return { stored, answer: { type: 'notVoting', reason: 'it has not registered with a majority yet' } };
  }
  const step: AcceptorStep =
    message.type === 'prepare'
      ? promise(stored, message.ballot)
      : // A copy: what came is a view of the frame.
        accept(stored, message.ballot, Buffer.from(message.proposal));
  const { promised, accepted } = step.state;
  const registered = register(stored.registered, message.from);
  const isSame = step.state === stored && registered === stored.registered;
  const { answer } = step;
  return {
    stored: isSame ? stored : { ...stored, promised, accepted, registered },
    answer: answer.type === 'refused' ? answer : { ...answer, from: self },
  };
}
