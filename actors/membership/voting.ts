/**
 * What a RingActor answers to `prepare` and `accept`: the acceptor, and before it the rules of who may ask and who may answer. Pure.
 *
 * Only a confirmed voter of the ring that the decision follows answers as an acceptor. A message of an older ring, or of an older generation, gets the
 * newer ring instead; so late ones change nothing (FAULTS N19).
 */
import { type AcceptorStep, accept, promise } from '../consensus/acceptor.ts';
import type { AcceptAnswer, PeerMessage, PrepareAnswer, Sender } from '../ring-protocol.ts';
import { compareVersions } from '../ring/ring-state.ts';
import { register, supersededBy } from './registry.ts';
import type { StoredRing } from './ring-file.ts';

export type Ballotted = Extract<PeerMessage, { type: 'prepare' | 'accept' }>;

export interface Voter {
  /** As it stands in the answers. */
  readonly self: Sender;
  readonly isVoter: boolean;
  readonly isConfirmed: boolean;
  readonly mutants: ReadonlySet<string>;
}

export interface Vote {
  /** To be durable before the answer is given; the very one that was given when nothing changed. */
  readonly stored: StoredRing;
  readonly answer: PrepareAnswer | AcceptAnswer;
}

export function vote(stored: StoredRing, message: Ballotted, { self, isVoter, isConfirmed, mutants }: Voter): Vote {
  const superseded = mutants.has('acceptsLowerBoot') ? null : supersededBy(stored.registered, message.from);
  if (superseded !== null) return { stored, answer: superseded };
  const { ring } = stored;
  if (ring === null) return { stored, answer: { type: 'notVoting', reason: 'it has no ring yet' } };
  const generation = mutants.has('ignoresGeneration') ? ring.generation : message.version.generation;
  const order = compareVersions({ generation, epoch: message.version.epoch }, ring);
  if (order < 0) return { stored, answer: { type: 'newer', ring } };
  if (order > 0) return { stored, answer: { type: 'behind', version: { generation: ring.generation, epoch: ring.epoch } } };
  if (!isVoter) return { stored, answer: { type: 'notVoting', reason: 'it is no voter of this ring' } };
  if (!isConfirmed && !mutants.has('votesUnconfirmed')) {
    return { stored, answer: { type: 'notVoting', reason: 'it has not registered with a majority yet' } };
  }
  const step: AcceptorStep =
    message.type === 'prepare' ? promise(stored, message.ballot) : accept(stored, message.ballot, message.proposal);
  const { promised, accepted } = step.state;
  const registered = register(stored.registered, message.from);
  const isSame = step.state === stored && registered === stored.registered;
  const { answer } = step;
  return {
    stored: isSame ? stored : { ...stored, promised, accepted, registered },
    answer: answer.type === 'refused' ? answer : { ...answer, from: self },
  };
}
