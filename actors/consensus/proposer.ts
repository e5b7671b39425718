/**
 * Proposer: one attempt to get a decision, under one ballot. `start` it, give it the answers, do what it says. It is over when it says `decided`, `nothing` or
 * `outbid`; the next attempt is a new one under a higher ballot.
 *
 * ```
 *   start -> prepare -- promises of a majority --> accept -- acceptances of a majority --> decided
 *                \______________ a higher ballot ______________/--> outbid
 * ```
 * What it asks to accept is what a majority may have accepted already, where the promises name something: the value of the highest ballot among
 * them. Only when they name nothing it is its own. So `decided` may give another's value, and its own is still to be decided, for another epoch.
 * Source: [Paxos Made Simple 2.2], P2c.
 */
import { assert } from '../../runtime/errors.ts';
import type { Accepted, Ballot } from '../ring-protocol.ts';
import { compareBallots } from './ballot.ts';

export interface ProposerOptions {
  /** Never used before by anybody. */
  readonly ballot: Ballot;
  readonly voters: readonly string[];
  /** How many of them are enough: any two such sets have a voter in common. */
  readonly needed: number;
  /** Its own; null: it has none, and only wants to know whether there is one already. */
  readonly value: Uint8Array | null;
  readonly mutants: ReadonlySet<string>;
}

export type ProposerAction =
  /** To be told to all voters that have not answered, again and again. */
  | { readonly type: 'prepare' }
  | { readonly type: 'accept'; readonly value: Uint8Array }
  | { readonly type: 'wait' }
  | { readonly type: 'decided'; readonly value: Uint8Array }
  /** A majority has accepted nothing, and there is nothing to propose: when it promised, nothing was decided. */
  | { readonly type: 'nothing' }
  | { readonly type: 'outbid'; readonly by: Ballot };

type Phase = 'idle' | 'preparing' | 'accepting' | 'over';

const WAIT: Readonly<ProposerAction> = { type: 'wait' };

export class Proposer {
  readonly ballot: Ballot;
  readonly #options: ProposerOptions;
  #phase: Phase = 'idle';
  #highest: Accepted | null = null;
  #value: Uint8Array | null;
  #promised: string[] = [];
  #accepted: string[] = [];

  constructor(options: ProposerOptions) {
    this.#options = options;
    this.ballot = options.ballot;
    this.#value = options.value;
  }

  start(): ProposerAction {
    assert(this.#phase === 'idle', 'proposer: started twice');
    this.#phase = 'preparing';
    return { type: 'prepare' };
  }

  /** What to tell a voter that is to be told again; wait: it has answered, or nothing is to be told. */
  again(voter: string): ProposerAction {
    if (this.#phase === 'preparing' && !this.#promised.includes(voter)) return { type: 'prepare' };
    if (this.#phase === 'accepting' && this.#value !== null && !this.#accepted.includes(voter))
      return { type: 'accept', value: this.#value };
    return WAIT;
  }

  addPromise(voter: string, accepted: Accepted | null): ProposerAction {
    if (this.#phase !== 'preparing' || !this.#count(this.#promised, voter)) return WAIT;
    if (accepted !== null && (this.#highest === null || compareBallots(accepted.ballot, this.#highest.ballot) > 0))
      this.#highest = accepted;
    if (!this.#isEnough(this.#promised)) return WAIT;
    const isStubborn = this.#options.mutants.has('decidesOwnValue') && this.#value !== null;
    if (this.#highest !== null && !isStubborn) this.#value = Buffer.from(this.#highest.proposal);
    this.#phase = this.#value === null ? 'over' : 'accepting';
    return this.#value === null ? { type: 'nothing' } : { type: 'accept', value: this.#value };
  }

  addAccept(voter: string): ProposerAction {
    if (this.#phase !== 'accepting' || this.#value === null || !this.#count(this.#accepted, voter)) return WAIT;
    if (!this.#isEnough(this.#accepted)) return WAIT;
    this.#phase = 'over';
    return { type: 'decided', value: this.#value };
  }

  /** A voter has promised `promised` to somebody. */
  addRefusal(promised: Ballot): ProposerAction {
    // An old refusal, or one that the network has kept: it is not above this attempt.
    if (this.#phase === 'over' || compareBallots(promised, this.ballot) <= 0) return WAIT;
    this.#phase = 'over';
    return { type: 'outbid', by: promised };
  }

  #isEnough(voters: readonly string[]): boolean {
    const { needed, mutants } = this.#options;
    return voters.length >= (mutants.has('quorumOneTooFew') ? needed - 1 : needed);
  }

  /** Returns false when it does not count: not a voter, or counted already. */
  #count(counted: string[], voter: string): boolean {
    const { voters, mutants } = this.#options;
    if (!voters.includes(voter)) return false;
    if (counted.includes(voter) && !mutants.has('doubleCountsAnswers')) return false;
    counted.push(voter);
    return true;
  }
}
