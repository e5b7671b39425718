import test from 'ava';
import { type AcceptorAnswer, type AcceptorState, accept, FRESH_ACCEPTOR, promise } from '../../../actors/consensus/acceptor.ts';
import { compareBallots, sameBallot } from '../../../actors/consensus/ballot.ts';
import type { Ballot } from '../../../actors/ring-protocol.ts';

const A = 'a'.repeat(32);
const B = 'b'.repeat(32);
const X = Buffer.from('x');
const Y = Buffer.from('y');
const ballot = (round: number, proposer = A): Ballot => ({ round, proposer });
const promisedTo = (round: number, proposer = A): AcceptorState => ({ promised: ballot(round, proposer), accepted: null });

test('ballot: ordered by round, then by proposer', (t) => {
  t.true(compareBallots(ballot(1, B), ballot(2, A)) < 0);
  t.true(compareBallots(ballot(2, B), ballot(2, A)) > 0);
  t.true(sameBallot(ballot(2, B), ballot(2, B)));
  t.false(sameBallot(ballot(2, A), ballot(2, B)));
});

const prepares = test.macro((t, state: AcceptorState, asked: Ballot, answer: AcceptorAnswer['type']) => {
  const step = promise(state, asked);
  t.is(step.answer.type, answer);
  t.deepEqual(step.state.promised, answer === 'promised' ? asked : state.promised);
  t.is(step.state.accepted, state.accepted);
});
test('acceptor: promises, when it has promised nothing', prepares, FRESH_ACCEPTOR, ballot(1), 'promised');
test('acceptor: promises a higher round', prepares, promisedTo(1, B), ballot(2, A), 'promised');
test('acceptor: promises a higher proposer of the same round', prepares, promisedTo(1, A), ballot(1, B), 'promised');
test('acceptor: refuses a lower round', prepares, promisedTo(2, A), ballot(1, B), 'refused');
test('acceptor: refuses a lower proposer of the same round', prepares, promisedTo(1, B), ballot(1, A), 'refused');

test('acceptor: a promise asked for twice is given twice, and changes nothing', (t) => {
  const state = promisedTo(3);
  const step = promise(state, ballot(3));
  t.is(step.state, state);
  t.deepEqual(step.answer, { type: 'promised', accepted: null });
});

test('acceptor: a promise names what was accepted', (t) => {
  const { state } = accept(FRESH_ACCEPTOR, ballot(1), X);
  t.deepEqual(promise(state, ballot(2, B)).answer, { type: 'promised', accepted: { ballot: ballot(1), proposal: X } });
});

const accepts = test.macro((t, state: AcceptorState, asked: Ballot, answer: AcceptorAnswer['type']) => {
  const step = accept(state, asked, Y);
  t.is(step.answer.type, answer);
  if (answer === 'refused') t.is(step.state, state);
  else t.deepEqual(step.state, { promised: asked, accepted: { ballot: asked, proposal: Y } });
});
test('acceptor: accepts what it has promised', accepts, promisedTo(2), ballot(2), 'accepted');
test(
  'acceptor: accepts a ballot above what it has promised, though nobody prepared it here',
  accepts,
  promisedTo(2),
  ballot(3),
  'accepted',
);
test('acceptor: does not accept a ballot below what it has promised', accepts, promisedTo(2, B), ballot(2, A), 'refused');
test('acceptor: a higher ballot replaces what was accepted', accepts, accept(FRESH_ACCEPTOR, ballot(1), X).state, ballot(2), 'accepted');

test('acceptor: what is accepted twice changes nothing', (t) => {
  const { state } = accept(FRESH_ACCEPTOR, ballot(1), X);
  t.is(accept(state, ballot(1), X).state, state);
});
