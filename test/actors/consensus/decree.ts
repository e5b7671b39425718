/**
 * One decree, decided by pure cores over a network that loses, repeats and reorders: some acceptors, some proposers that try again and again, crashes that leave what was
 * durable. Small and fast, so that thousands of schedules are gone through in a test.
 */
import { type AcceptorState, accept, FRESH_ACCEPTOR, promise } from '../../../actors/consensus/acceptor.ts';
import { Proposer, type ProposerAction } from '../../../actors/consensus/proposer.ts';
import type { Accepted, Ballot } from '../../../actors/ring-protocol.ts';
import { SeededRandom } from '../../../runtime/random.ts';

export interface DecreeResult {
  /** Values that some proposer saw decided. */
  readonly decided: readonly string[];
  /** Values that a majority of acceptors had accepted under one ballot. */
  readonly chosen: readonly string[];
}

interface Attempt {
  readonly owner: string;
  readonly proposer: Proposer;
}

type Letter =
  | { readonly type: 'prepare'; readonly attempt: Attempt; readonly to: string; readonly ballot: Ballot }
  | { readonly type: 'accept'; readonly attempt: Attempt; readonly to: string; readonly ballot: Ballot; readonly value: Uint8Array }
  | { readonly type: 'promised'; readonly attempt: Attempt; readonly from: string; readonly accepted: Accepted | null }
  | { readonly type: 'accepted'; readonly attempt: Attempt; readonly from: string }
  | { readonly type: 'refused'; readonly attempt: Attempt; readonly promised: Ballot };

const STEPS = 400;
const BEGIN_RATIO = 0.05;
const CRASH_RATIO = 0.05;

class Decree {
  readonly random: SeededRandom;
  readonly mutants: ReadonlySet<string>;
  readonly acceptors: readonly string[];
  readonly states = new Map<string, AcceptorState>();
  readonly rounds = new Map<string, number>();
  readonly attempts = new Map<string, Attempt>();
  readonly decided = new Set<string>();
  /** Ballot and value: who has accepted it. */
  readonly accepted = new Map<string, Set<string>>();
  letters: Letter[] = [];
  values = 0;

  constructor(seed: number, mutants: ReadonlySet<string>) {
    this.random = new SeededRandom(seed).fork('decree');
    this.mutants = mutants;
    const count = 3 + 2 * this.random.below(2);
    this.acceptors = Array.from({ length: count }, (_, i) => `v${i}`);
    for (const name of this.acceptors) this.states.set(name, FRESH_ACCEPTOR);
  }

  get needed(): number {
    return Math.floor(this.acceptors.length / 2) + 1;
  }

  run(): DecreeResult {
    const proposers = Array.from({ length: 2 + this.random.below(2) }, (_, i) => `p${i}`);
    for (let step = 0; step < STEPS; step++) {
      if (this.letters.length === 0 || this.random.chance(BEGIN_RATIO)) this.begin(proposers[this.random.below(proposers.length)]!);
      else if (this.random.chance(CRASH_RATIO)) this.crash();
      else this.deliver();
    }
    const chosen = [...this.accepted].filter(([, by]) => by.size >= this.needed).map(([name]) => name.split('=')[1]!);
    return { decided: [...this.decided], chosen: [...new Set(chosen)] };
  }

  begin(owner: string): void {
    const round = (this.rounds.get(owner) ?? 0) + 1;
    this.rounds.set(owner, round);
    // What is told again is told to the same attempt.
    const attempt = this.attempts.get(owner);
    if (attempt !== undefined && this.random.chance(0.5)) {
      for (const voter of this.acceptors) this.send(attempt, [voter], attempt.proposer.again(voter));
      return;
    }
    const proposer = new Proposer({
      ballot: { round, proposer: owner },
      voters: this.acceptors,
      needed: this.needed,
      value: Buffer.from(`${++this.values}`),
      mutants: this.mutants,
    });
    const next = { owner, proposer };
    this.attempts.set(owner, next);
    this.send(next, this.acceptors, proposer.start());
  }

  /** An acceptor or a proposer loses what is not durable. */
  crash(): void {
    if (this.random.chance(0.5)) {
      const name = this.acceptors[this.random.below(this.acceptors.length)]!;
      if (this.mutants.has('acceptorForgetsPromise')) this.states.set(name, FRESH_ACCEPTOR);
      return;
    }
    const owners = [...this.attempts.keys()];
    if (owners.length === 0) return;
    const owner = owners[this.random.below(owners.length)]!;
    this.attempts.delete(owner);
    if (this.mutants.has('ballotReused')) this.rounds.delete(owner);
  }

  deliver(): void {
    const at = this.random.below(this.letters.length);
    const letter = this.letters[at]!;
    // Some come twice, some never.
    if (!this.random.chance(0.1)) this.letters.splice(at, 1);
    if (this.random.chance(0.1)) return;
    const { attempt } = letter;
    switch (letter.type) {
      case 'prepare':
      case 'accept':
        return this.ask(letter);
      case 'promised':
        return this.answer(attempt, attempt.proposer.addPromise(letter.from, letter.accepted));
      case 'accepted':
        return this.answer(attempt, attempt.proposer.addAccept(letter.from));
      case 'refused':
        return this.answer(attempt, attempt.proposer.addRefusal(letter.promised));
    }
  }

  ask(letter: Extract<Letter, { type: 'prepare' | 'accept' }>): void {
    const { attempt, to } = letter;
    const state = this.states.get(to)!;
    const step = letter.type === 'prepare' ? promise(state, letter.ballot) : accept(state, letter.ballot, letter.value);
    this.states.set(to, step.state);
    const { answer } = step;
    if (answer.type === 'refused') this.letters.push({ type: 'refused', attempt, promised: answer.promised });
    else if (answer.type === 'promised') this.letters.push({ type: 'promised', attempt, from: to, accepted: answer.accepted });
    else {
      this.letters.push({ type: 'accepted', attempt, from: to });
      const { round, proposer } = step.state.accepted!.ballot;
      const key = `${round}/${proposer}=${Buffer.from(step.state.accepted!.proposal).toString()}`;
      this.accepted.set(key, (this.accepted.get(key) ?? new Set()).add(to));
    }
  }

  answer(attempt: Attempt, action: ProposerAction): void {
    if (this.attempts.get(attempt.owner) === attempt) this.send(attempt, this.acceptors, action);
  }

  send(attempt: Attempt, voters: readonly string[], action: ProposerAction): void {
    const { ballot } = attempt.proposer;
    if (action.type === 'decided') this.decided.add(Buffer.from(action.value).toString());
    for (const to of voters) {
      if (action.type === 'prepare') this.letters.push({ type: 'prepare', attempt, to, ballot });
      if (action.type === 'accept') this.letters.push({ type: 'accept', attempt, to, ballot, value: action.value });
    }
  }
}

export function runDecree(seed: number, mutants: readonly string[] = []): DecreeResult {
  return new Decree(seed, new Set(mutants)).run();
}
