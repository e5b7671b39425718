/** What a RingActor answers to the others: to who registers, and to who proposes. Each answer waits until what it rests on is on disk. */
import type { Log } from '../../runtime/doors.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { RESPONSE } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { OperationOutcome, Proposal } from '../ring/operation.ts';
import { decodeProposal, encodeProposal } from '../ring/operation-codec.ts';
import type { AcceptAnswer, PeerMessage, PrepareAnswer, RegisterAnswer, RingMessage, Sender } from '../ring-protocol.ts';
import type { KnownRing } from './known-ring.ts';
import { register, supersededBy } from './registry.ts';
import type { RingKeeper } from './ring-keeper.ts';
import { type Ballotted, faultOfProposal, vote } from './voting.ts';

type Of<T extends PeerMessage['type']> = Extract<PeerMessage, { type: T }>;

export interface Answerer {
  readonly keeper: RingKeeper;
  readonly self: Sender;
  readonly isConfirmed: boolean;
  readonly mutants: ReadonlySet<string>;
  readonly log: Log;
}

export function answer<A>(replyTo: Ref<A>, given: A): void {
  replyTo.tell(given, { lane: RESPONSE });
}

export function refuseForeign({ cluster, id }: Sender, ours: KnownRing | null, log: Log): void {
  log.warn('message of another cluster refused', { cluster, from: id, ours: ours?.state.cluster });
}

/** Requires: the sender names this cluster; nothing fences this node off. */
export function answerRegister({ from, replyTo }: Of<'register'>, { keeper, self, mutants }: Answerer): void {
  const { memory, newest: ring } = keeper;
  if (memory === null || ring === null) return;
  if (!ring.state.members.some(({ id }) => id === from.id)) {
    return memory.change(memory.now, () => answer<RegisterAnswer>(replyTo, { type: 'notAMember', ring: ring.encoded }));
  }
  const superseded = mutants.has('acceptsLowerBoot') ? null : supersededBy(memory.now.registered, from);
  if (superseded !== null) return answer<RegisterAnswer>(replyTo, superseded);
  const registered = register(memory.now.registered, from);
  const { generation, epoch } = ring.encoded;
  const next = registered === memory.now.registered ? memory.now : { ...memory.now, registered };
  memory.change(next, () => answer<RegisterAnswer>(replyTo, { type: 'registered', from: self, version: { generation, epoch } }));
}

/** Requires: as `answerRegister`. */
export function answerBallot(message: Ballotted, { keeper, self, isConfirmed, mutants, log }: Answerer): void {
  const { memory, newest: ring, isVoter } = keeper;
  if (memory === null || ring === null) return;
  const fault = message.type === 'accept' ? faultOfProposal(ring, message, mutants) : null;
  const isMember = ring.state.members.some(({ id }) => id === message.from.id);
  if (fault !== null) log.error('proposal refused', { fault, from: message.from.id });
  const { stored, answer: given } =
    fault === null
      ? vote(memory.now, message, { self, isVoter, isMember, isConfirmed, mutants })
      : { stored: memory.now, answer: { type: 'notVoting', reason: fault } as const };
  memory.change(stored, () => answer(message.replyTo as Ref<PrepareAnswer | AcceptAnswer>, given));
}

/** The proposal, when this node can do something about it; else null, and it is answered. */
export function checkedProposal({ proposal, replyTo }: Extract<RingMessage, { type: 'propose' }>, keeper: RingKeeper): Proposal | null {
  const { ring, fence, trouble } = keeper;
  if (fence !== null || ring === null) {
    const message = trouble || 'this node has no ring: it is no member of a cluster yet';
    answer<OperationOutcome>(replyTo, { ok: false, code: 'NOT_A_MEMBER', message });
    return null;
  }
  try {
    // It may come from another process: only what the encoding knows of it is used.
    return decodeProposal(encodeProposal(proposal));
  } catch (error) {
    answer<OperationOutcome>(replyTo, { ok: false, code: 'INVALID_ARGUMENT', message: errorMessage(error) });
    return null;
  }
}
