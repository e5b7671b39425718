import test from 'ava';
import { Proposer, type ProposerAction, type ProposerOptions } from '../../../actors/consensus/proposer.ts';
import type { Accepted } from '../../../actors/ring-protocol.ts';

const P = 'a'.repeat(32);
const OWN = Buffer.from('own');
const OPTIONS: ProposerOptions = {
  ballot: { round: 5, proposer: P },
  voters: ['x', 'y', 'z'],
  needed: 2,
  value: OWN,
  mutants: new Set(),
};

function started(options: Partial<ProposerOptions> = {}): Proposer {
  const proposer = new Proposer({ ...OPTIONS, ...options });
  proposer.start();
  return proposer;
}

function accepted(round: number, value: string): Accepted {
  return { ballot: { round, proposer: P }, proposal: Buffer.from(value) };
}

function shown(action: ProposerAction): string {
  return action.type === 'accept' || action.type === 'decided' ? `${action.type} ${Buffer.from(action.value).toString()}` : action.type;
}

test('proposer: decides its own value, when a majority promises nothing else and accepts it', (t) => {
  const proposer = new Proposer(OPTIONS);
  t.is(proposer.start().type, 'prepare');
  t.is(proposer.addPromise('x', null).type, 'wait');
  t.is(shown(proposer.addPromise('z', null)), 'accept own');
  t.is(proposer.addAccept('y').type, 'wait');
  t.is(shown(proposer.addAccept('x')), 'decided own');
  t.is(proposer.addAccept('z').type, 'wait');
});

test('proposer: takes over the value of the highest ballot among the promises', (t) => {
  const proposer = started({ needed: 3 });
  proposer.addPromise('x', accepted(2, 'two'));
  proposer.addPromise('y', accepted(4, 'four'));
  t.is(shown(proposer.addPromise('z', accepted(3, 'three'))), 'accept four');
});

test('proposer: counts nobody twice, and no stranger', (t) => {
  const proposer = started();
  proposer.addPromise('x', null);
  t.is(proposer.addPromise('x', null).type, 'wait');
  t.is(proposer.addPromise('w', null).type, 'wait');
  proposer.addPromise('y', null);
  proposer.addAccept('z');
  t.is(proposer.addAccept('z').type, 'wait');
  t.is(proposer.addAccept('w').type, 'wait');
});

test('proposer: a late promise changes nothing once values are out', (t) => {
  const proposer = started();
  proposer.addPromise('x', null);
  proposer.addPromise('y', null);
  t.is(proposer.addPromise('z', accepted(4, 'four')).type, 'wait');
  t.is(shown(proposer.again('z')), 'accept own');
});

test('proposer: gives up, when a voter has promised a higher ballot, in either phase', (t) => {
  const by = { round: 6, proposer: P };
  t.deepEqual(started().addRefusal(by), { type: 'outbid', by });
  const accepting = started();
  accepting.addPromise('x', null);
  accepting.addPromise('y', null);
  t.deepEqual(accepting.addRefusal(by), { type: 'outbid', by });
  t.is(accepting.addAccept('x').type, 'wait');
});

test('proposer: refusals that are not above its ballot are old', (t) => {
  t.is(started().addRefusal({ round: 5, proposer: P }).type, 'wait');
});

test('proposer: tells again only who has not answered', (t) => {
  const proposer = started();
  proposer.addPromise('x', null);
  t.is(proposer.again('x').type, 'wait');
  t.is(proposer.again('y').type, 'prepare');
  proposer.addPromise('y', null);
  t.is(shown(proposer.again('x')), 'accept own');
});

test('proposer: without a value it finds that there is nothing, or takes over what there is', (t) => {
  const idle = started({ value: null });
  idle.addPromise('x', null);
  t.is(idle.addPromise('y', null).type, 'nothing');
  t.is(idle.again('z').type, 'wait');
  const busy = started({ value: null });
  busy.addPromise('x', accepted(1, 'one'));
  t.is(shown(busy.addPromise('y', null)), 'accept one');
  busy.addAccept('x');
  t.is(shown(busy.addAccept('y')), 'decided one');
});

test('proposer: a single voter is a majority', (t) => {
  const proposer = started({ voters: ['x'], needed: 1 });
  t.is(shown(proposer.addPromise('x', null)), 'accept own');
  t.is(shown(proposer.addAccept('x')), 'decided own');
});
