/**
 * PromiseProber: asks voters for promises under all kinds of ballots, all the time, and remembers what they gave, over all their crashes. It accepts nothing, so all it does to
 * the cluster is that others are outbid now and then.
 */
import { compareBallots } from '../../../actors/consensus/ballot.ts';
import type { Ballot, PrepareAnswer, RingMessage, Sender } from '../../../actors/ring-protocol.ts';
import { type Answer, defineActor } from '../../../runtime/actor.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { Check } from './ring-checker.ts';

export const BROKEN_PROMISE = 'a voter broke its promise';

const PROBE_MS = 25;
const ROUNDS = 12;
const ANSWER_MS = 200;

export interface Probed {
  readonly sender: Sender;
  readonly voters: readonly Ref<RingMessage>[];
  /** Of the newest ring. */
  readonly version: () => { readonly generation: number; readonly epoch: number } | null;
  readonly isOver: () => boolean;
}

/** The highest promise that each voter has given, per ring that is to be followed. One for all probers of a run. */
export class PromiseRecord {
  readonly #highest = new Map<string, Ballot>();
  readonly #check: Check;

  constructor(check: Check) {
    this.#check = check;
  }

  /** What was known to be promised when it was asked. */
  highest(voter: string, epoch: number): Ballot | null {
    return this.#highest.get(`${voter} ${epoch}`) ?? null;
  }

  promised(voter: string, epoch: number, ballot: Ballot, before: Ballot | null): void {
    this.#check(before === null || compareBallots(ballot, before) >= 0, BROKEN_PROMISE, () => {
      return `${voter}, epoch ${epoch}: promised ${ballot.round} by ${ballot.proposer}, after ${before?.round} by ${before?.proposer}`;
    });
    const known = this.highest(voter, epoch);
    if (known === null || compareBallots(ballot, known) > 0) this.#highest.set(`${voter} ${epoch}`, ballot);
  }
}

interface Promised {
  readonly type: 'promised';
  readonly voter: string;
  readonly epoch: number;
  readonly ballot: Ballot;
  readonly before: Ballot | null;
  readonly answer: Answer<PrepareAnswer>;
}

export const promiseProber = defineActor<{ readonly type: 'tick' } | Promised, readonly [Probed, PromiseRecord]>(
  'promise-prober',
  (context, { sender, voters, version, isOver }, record) => {
    context.every('tick', PROBE_MS, { type: 'tick' });
    return {
      receive(message): void {
        if (message.type === 'tick') return onTick();
        const { voter, epoch, ballot, before, answer } = message;
        if (answer.ok && answer.value.type === 'promised') record.promised(voter, epoch, ballot, before);
      },
    };

    function onTick(): void {
      const after = version();
      if (after === null || isOver()) return;
      const target = voters[context.random.below(voters.length)]!;
      const voter = target.address.node;
      const ballot: Ballot = { round: 1 + context.random.below(ROUNDS), proposer: sender.id };
      const before = record.highest(voter, after.epoch);
      context.ask<RingMessage, PrepareAnswer>(
        target,
        (replyTo) => ({ type: 'prepare', from: sender, version: after, ballot, replyTo }),
        { timeoutMs: ANSWER_MS },
        (answer) => ({ type: 'promised', voter, epoch: after.epoch, ballot, before, answer }),
      );
    }
  },
);
