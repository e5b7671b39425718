/**
 * Proposals: brings operations, one after the other, through Paxos: attempts under ever higher ballots, each for the epoch after the ring that this node has,
 * until the operation is decided, refused by the rules, or out of time. Every answer says no more than what is known.
 *
 * ```
 *   queue -> current
 *               |
 *               +--> attempt: round durable -> prepare -> accept -> decided ----> the new ring is durable -> published
 *               |                    |    \ does not apply, and a majority knows of nothing newer: refused           |
 *               |                    \ outbid: waits a while, longer each time                                      |
 *               +---- its own? done; another's? recomputed from the new ring, and again <-------------------------+
 * ```
 * Who has not offered its value to anybody says NO_MAJORITY when the time is up; who has says INDETERMINATE, unless the operation of that epoch is known.
 */
import type { Random } from '../../runtime/doors.ts';
import { unreachable } from '../../runtime/errors.ts';
import { RESPONSE } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import { Proposer, type ProposerAction } from '../consensus/proposer.ts';
import { applyOperation } from '../ring/apply.ts';
import type { OperationOutcome, Proposal } from '../ring/operation.ts';
import { decodeProposal, encodeProposal } from '../ring/operation-codec.ts';
import { majority } from '../ring/replicas-needed.ts';
import type { Member, RingVersion } from '../ring/ring-state.ts';
import { voters as votersOf } from '../ring/voters.ts';
import type { AcceptAnswer, Ballot, PrepareAnswer, RingBytes, Sender } from '../ring-protocol.ts';
import { type KnownRing, knownRing } from './known-ring.ts';
import type { DecidedOperation } from './ring-file.ts';

export interface ProposalTimes {
  /** An operation without a deadline of its own gets so long. */
  readonly proposeTimeoutMs: number;
  /** A voter that has not answered is told again after so long. */
  readonly resendMs: number;
  /** Who was outbid waits at random up to so long, twice as long each time, at most `backoffMaxMs`. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
}

export type Ask =
  | { readonly type: 'prepare'; readonly version: RingVersion; readonly ballot: Ballot }
  | { readonly type: 'accept'; readonly version: RingVersion; readonly ballot: Ballot; readonly proposal: Uint8Array };

/** What the actor around it does for it. */
export interface ProposalPorts {
  readonly self: Sender['id'];
  readonly random: Random;
  readonly times: ProposalTimes;
  readonly mutants: ReadonlySet<string>;
  now(): number;
  /** The newest ring that is durable here, if this node may propose; null: it has none, or is not confirmed. */
  ring(): KnownRing | null;
  decided(): readonly DecidedOperation[];
  /** A round above all that this node has used or promised for this epoch, and `above`; `then` runs once it is durable, or never. */
  takeRound(above: number, then: (round: number) => void): void;
  ask(voter: Member, attempt: number, ask: Ask): void;
  /** To be made durable, published and spread. Ends in `ringChanged`. */
  adopt(ring: KnownRing): void;
  learn(ring: RingBytes): void;
  /** A voter is behind. */
  teach(voter: Member): void;
  superseded(boot: number, instance: string): void;
  /** One timer: `wake` is to be called. */
  wakeAfter(ms: number): void;
  trouble(event: string, fields: Readonly<Record<string, unknown>>): void;
}

interface Waiting {
  readonly proposal: Proposal;
  readonly bytes: Uint8Array;
  readonly replyTo: Ref<OperationOutcome>[];
  readonly deadlineAt: number;
  /** The ring after which its value was asked to be accepted: it may be decided there, whatever the answers. */
  offeredAfter: RingVersion | null;
  /** Planted bug `precomputedRing`: computed once. */
  precomputed: KnownRing | null;
}

interface Attempt {
  readonly id: number;
  readonly proposer: Proposer;
  readonly parent: KnownRing;
  readonly voters: readonly Member[];
  /** What to answer when there is nothing to decide. */
  readonly otherwise: OperationOutcome;
}

const QUEUE_MAX = 64;
/** Of the time that the asker has: an outcome that comes too late is none. */
const OWN_SHARE = 0.9;

export class Proposals {
  readonly #ports: ProposalPorts;
  readonly #queue: Waiting[] = [];
  #current: Waiting | null = null;
  #attempt: Attempt | null = null;
  #attempts = 0;
  #outbids = 0;
  /** Of ballots that others have shown, for the present epoch. */
  #roundSeen = 0;

  constructor(ports: ProposalPorts) {
    this.#ports = ports;
  }

  /** Takes an operation. `timeoutMs`: of who asks; the outcome comes a little before. */
  propose(proposal: Proposal, timeoutMs: number, replyTo: Ref<OperationOutcome>): void {
    const known = [this.#current, ...this.#queue].find((waiting) => waiting?.proposal.operationId === proposal.operationId);
    if (known) {
      known.replyTo.push(replyTo);
      return;
    }
    if (this.#queue.length >= QUEUE_MAX) {
      return answer([replyTo], { ok: false, code: 'NO_MAJORITY', message: `not begun: ${QUEUE_MAX} other operations wait at this node` });
    }
    const deadlineAt = this.#ports.now() + Math.min(timeoutMs, this.#ports.times.proposeTimeoutMs) * OWN_SHARE;
    this.#queue.push({ proposal, bytes: encodeProposal(proposal), replyTo: [replyTo], deadlineAt, offeredAfter: null, precomputed: null });
    if (this.#current === null) this.#next();
  }

  /** A ring is durable here and published, or this node has become confirmed. */
  ringChanged(): void {
    const ring = this.#ports.ring();
    if (ring !== null && this.#attempt !== null && this.#attempt.parent.hash === ring.hash) return;
    this.#attempt = null;
    this.#roundSeen = 0;
    const current = this.#current;
    if (current === null || ring === null) return;
    const lost = current.offeredAfter !== null;
    if (this.#isSettled(current)) return this.#next();
    // Of several losers one has to come first.
    if (lost) this.#ports.wakeAfter(this.#ports.random.below(this.#ports.times.backoffMs) + 1);
    else this.#begin(current);
  }

  /** The timer. */
  wake(): void {
    const current = this.#current;
    if (current === null) return this.#next();
    if (this.#ports.now() >= current.deadlineAt) {
      this.#attempt = null;
      this.#finish(current, timedOut(current));
      return;
    }
    const attempt = this.#attempt;
    if (attempt === null) return this.#begin(current);
    for (const voter of attempt.voters) this.#tell(attempt, [voter], attempt.proposer.again(voter.id));
    this.#wakeIn(current, this.#ports.times.resendMs);
  }

  /** Whether that attempt is still on, and for the epoch after `ring`. */
  isFor(attemptId: number, ring: KnownRing): boolean {
    return this.#attempt?.id === attemptId && this.#attempt.parent.hash === ring.hash;
  }

  /** Of `ports.ask`. Requires: it was checked. */
  answered(attemptId: number, voter: Member, given: PrepareAnswer | AcceptAnswer): void {
    const attempt = this.#attempt;
    if (attempt === null || attempt.id !== attemptId) return;
    const { proposer } = attempt;
    switch (given.type) {
      case 'promised':
        return this.#tell(attempt, attempt.voters, proposer.addPromise(voter.id, given.accepted));
      case 'accepted':
        return this.#tell(attempt, attempt.voters, proposer.addAccept(voter.id));
      case 'refused':
        return this.#tell(attempt, attempt.voters, proposer.addRefusal(given.promised));
      case 'newer':
        return this.#ports.learn(given.ring);
      case 'behind':
        return this.#ports.teach(voter);
      case 'superseded':
        return this.#ports.superseded(given.boot, given.instance);
      case 'notVoting':
        return;
      default:
        unreachable(given);
    }
  }

  #next(): void {
    this.#outbids = 0;
    do {
      this.#current = this.#queue.shift() ?? null;
      if (this.#current === null) return;
    } while (this.#isSettled(this.#current));
    this.#begin(this.#current);
  }

  /** Answers, and returns true, when what is known of the past decides it. */
  #isSettled(current: Waiting): boolean {
    const { operationId } = current.proposal;
    const decided = this.#ports.decided();
    const done = decided.find((row) => row.operationId === operationId);
    if (done !== undefined) {
      const { generation, epoch } = done;
      answer(current.replyTo, { ok: true, version: { generation, epoch } });
      return true;
    }
    const ring = this.#ports.ring();
    const after = current.offeredAfter;
    if (ring === null || after === null || sameVersion(after, ring.encoded)) return false;
    const isLost = decided.some((row) => row.generation === after.generation && row.epoch === after.epoch + 1);
    current.offeredAfter = null;
    if (isLost) return false;
    const message = `offered for epoch ${after.epoch + 1}, of which this node does not know what was decided; now it is at ${ring.encoded.epoch}`;
    answer(current.replyTo, { ok: false, code: 'INDETERMINATE', message });
    return true;
  }

  #begin(current: Waiting): void {
    const ports = this.#ports;
    const parent = ports.ring();
    const { mutants } = ports;
    // It is tried again when the ring has come, or the time is up.
    if (parent === null) return this.#wakeIn(current, ports.times.resendMs);
    const applied = applyOperation(parent.state, current.proposal, { mutants });
    if (!applied.ok && applied.code === 'INVALID_ARGUMENT') return this.#finish(current, applied);
    const changes = applied.ok && applied.ring !== parent.state;
    if (changes && mutants.has('precomputedRing')) current.precomputed ??= knownRing(applied.ring);
    // What need not or can't be done here may be otherwise after a ring that this node has not heard of: the voters are asked first.
    const value = changes || current.precomputed !== null ? current.bytes : null;
    const otherwise: OperationOutcome = applied.ok ? { ok: true, version: versionOf(parent.encoded) } : applied;
    const id = ++this.#attempts;
    const voters = votersOf(parent.state);
    ports.takeRound(this.#roundSeen, (round) => {
      if (this.#current !== current || this.#attempt !== null || ports.ring()?.hash !== parent.hash || this.#attempts !== id) return;
      const proposer = new Proposer({
        ballot: { round, proposer: ports.self },
        voters: voters.map((voter) => voter.id),
        needed: majority(voters.length),
        value,
        mutants,
      });
      this.#attempt = { id, proposer, parent, voters, otherwise };
      this.#tell(this.#attempt, voters, proposer.start());
    });
    this.#wakeIn(current, ports.times.resendMs);
  }

  #tell(attempt: Attempt, voters: readonly Member[], action: ProposerAction): void {
    const ports = this.#ports;
    const version = versionOf(attempt.parent.encoded);
    const { ballot } = attempt.proposer;
    const current = this.#current;
    switch (action.type) {
      case 'wait':
        return;
      case 'prepare':
        for (const voter of voters) ports.ask(voter, attempt.id, { type: 'prepare', version, ballot });
        return;
      case 'accept':
        if (current !== null && action.value === current.bytes) current.offeredAfter = version;
        for (const voter of voters) ports.ask(voter, attempt.id, { type: 'accept', version, ballot, proposal: action.value });
        return;
      case 'decided':
        return this.#decided(attempt, action.value);
      case 'nothing':
        this.#attempt = null;
        if (current !== null) this.#finish(current, attempt.otherwise);
        return;
      case 'outbid':
        return this.#outbid(action.by);
      default:
        unreachable(action);
    }
  }

  #decided(attempt: Attempt, value: Uint8Array): void {
    const { parent } = attempt;
    const current = this.#current;
    this.#attempt = null;
    const proposal = decodeProposal(value);
    const applied = applyOperation(parent.state, proposal, { mutants: this.#ports.mutants });
    if (current?.precomputed && value === current.bytes) {
      const { state } = current.precomputed;
      return this.#ports.adopt(knownRing({ ...state, epoch: parent.state.epoch + 1, parent: parent.hash }));
    }
    // Whoever offered it had applied it to this very ring.
    if (!applied.ok || applied.ring === parent.state) {
      const detail = applied.ok ? 'it changes nothing' : applied.message;
      return this.#ports.trouble('decided operation does not apply', { operation: proposal.operation.type, detail });
    }
    this.#ports.adopt(knownRing(applied.ring));
  }

  #outbid(by: Ballot): void {
    const { backoffMs, backoffMaxMs } = this.#ports.times;
    this.#attempt = null;
    this.#roundSeen = Math.max(this.#roundSeen, by.round);
    const most = Math.min(backoffMaxMs, backoffMs * 2 ** this.#outbids++);
    if (this.#current !== null) this.#wakeIn(this.#current, 1 + this.#ports.random.below(Math.ceil(most)));
  }

  #wakeIn(current: Waiting, ms: number): void {
    this.#ports.wakeAfter(Math.max(0, Math.min(ms, current.deadlineAt - this.#ports.now())));
  }

  #finish(current: Waiting, outcome: OperationOutcome): void {
    answer(current.replyTo, outcome);
    this.#next();
  }
}

function answer(replyTo: readonly Ref<OperationOutcome>[], outcome: OperationOutcome): void {
  for (const ref of replyTo) ref.tell(outcome, { lane: RESPONSE });
}

function timedOut({ offeredAfter, proposal }: Waiting): OperationOutcome {
  const what = proposal.operation.type;
  if (offeredAfter === null)
    return { ok: false, code: 'NO_MAJORITY', message: `${what}: no majority of the voters answered in time; nothing was done` };
  return {
    ok: false,
    code: 'INDETERMINATE',
    message: `${what}: offered for epoch ${offeredAfter.epoch + 1}, but no majority answered in time; it may be done yet`,
  };
}

function versionOf({ generation, epoch }: RingVersion): RingVersion {
  return { generation, epoch };
}

function sameVersion(a: RingVersion, b: RingVersion): boolean {
  return a.generation === b.generation && a.epoch === b.epoch;
}
