import test from 'ava';
import { QuorumWrites, type WriteProgress, type WriteReply, type WriteVerdict } from '../../../actors/store/quorum-write.ts';

/** Replica (a, b, ...) and what it says; '+' means it was sent the write and says nothing. */
type Step = readonly [replica: string, reply: WriteReply | '+'];

interface Row {
  readonly first: string;
  readonly second?: string;
  readonly standIns?: string;
  readonly w: number | readonly [number, number];
  readonly steps: readonly Step[];
  readonly progress: WriteProgress;
  readonly verdict: WriteVerdict;
  readonly why: string;
}

const bit = (name: string): number => name.charCodeAt(0) - 97;
const mask = (names: string): number => Array.from(names).reduce((all, name) => all | (1 << bit(name)), 0);
const say = (reply: WriteReply | '+', names: string): Step[] => Array.from(names, (name) => [name, reply] as const);
const durable = (names: string): Step[] => say('durable', names);

const ROWS: readonly Row[] = [
  { first: 'abc', w: 2, steps: [], progress: 'waiting', verdict: 'quorumNotMet', why: 'nothing was sent, so nothing can be found later' },
  { first: 'abc', w: 2, steps: say('+', 'abc'), progress: 'waiting', verdict: 'indeterminate', why: 'what was sent may arrive' },
  { first: 'abc', w: 2, steps: durable('a'), progress: 'waiting', verdict: 'indeterminate', why: 'W - 1 is not W' },
  { first: 'abc', w: 2, steps: durable('ac'), progress: 'met', verdict: 'ok', why: 'any two of the three' },
  { first: 'abc', w: 2, steps: durable('aa'), progress: 'waiting', verdict: 'indeterminate', why: 'one node, one vote' },
  { first: 'abc', w: 1, steps: durable('b'), progress: 'met', verdict: 'ok', why: 'one is enough' },
  { first: 'abc', w: 3, steps: durable('ab'), progress: 'waiting', verdict: 'indeterminate', why: 'all means all' },
  {
    first: 'ab',
    w: 3,
    steps: durable('ab'),
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'more than there are can not be met, and two hold it',
  },
  { first: 'ab', w: 3, steps: [], progress: 'lost', verdict: 'quorumNotMet', why: 'known before anything is sent' },
  {
    first: 'abc',
    w: 2,
    steps: say('refused', 'ab'),
    progress: 'lost',
    verdict: 'quorumNotMet',
    why: 'who refuses holds nothing, c was not sent it',
  },
  {
    first: 'abc',
    w: 2,
    steps: [...say('+', 'c'), ...say('refused', 'ab')],
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'c may hold it [T16]',
  },
  {
    first: 'abc',
    w: 2,
    steps: [...durable('a'), ...say('refused', 'bc')],
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'a holds it: no rollback [T16]',
  },
  { first: 'abc', w: 2, steps: say('unknown', 'ab'), progress: 'lost', verdict: 'indeterminate', why: 'silence is not refusal [T16]' },
  {
    first: 'abc',
    w: 2,
    steps: [...say('unknown', 'abc'), ...say('refused', 'abc')],
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'the first attempt may have worked',
  },
  { first: 'abc', w: 2, steps: [...say('unknown', 'ab'), ...durable('ab')], progress: 'met', verdict: 'ok', why: 'late is not never' },
  {
    first: 'abc',
    w: 2,
    steps: [...durable('ab'), ...say('unknown', 'ab')],
    progress: 'met',
    verdict: 'ok',
    why: 'what was confirmed stays so',
  },
  {
    first: 'abc',
    w: 2,
    steps: [...durable('a'), ...durable('d')],
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'a stand-in does not count in a strict quorum [T14]',
  },
  { first: 'abc', standIns: 'dc', w: 2, steps: durable('ad'), progress: 'met', verdict: 'ok', why: 'and does in a sloppy one' },
  {
    first: 'abc',
    standIns: 'da',
    w: 2,
    steps: durable('ad'),
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'not beside the one that it stands in for: they are one copy in the end',
  },
  {
    first: 'abc',
    standIns: 'db eb',
    w: 3,
    steps: [...durable('ade'), ...say('refused', 'c')],
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'nor do two that stand in for the same one',
  },
  {
    first: 'abc',
    second: 'abd',
    standIns: 'ec',
    w: 2,
    steps: durable('ae'),
    progress: 'met',
    verdict: 'ok',
    why: 'while data moves a stand-in counts in both sets, as it gives what it holds to all of them',
  },
  {
    first: 'abc',
    w: 2,
    steps: [...durable('a'), ...say('stale', 'b')],
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'stale is no confirmation, and c may confirm [T19]',
  },
  {
    first: 'abc',
    w: 2,
    steps: say('stale', 'ab'),
    progress: 'stale',
    verdict: 'quorumNotMet',
    why: 'with the present ring it may work, and nobody has it',
  },
  {
    first: 'abc',
    w: 2,
    steps: [...durable('a'), ...say('stale', 'b'), ...say('refused', 'c')],
    progress: 'stale',
    verdict: 'indeterminate',
    why: 'a has it',
  },
  { first: 'abc', second: 'abd', w: 2, steps: durable('ab'), progress: 'met', verdict: 'ok', why: 'a and b are a quorum of both [T19]' },
  {
    first: 'abc',
    second: 'abd',
    w: 2,
    steps: durable('ac'),
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'of the new set only a has it [T19]',
  },
  {
    first: 'abc',
    second: 'abd',
    w: 2,
    steps: durable('ad'),
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'of the old set only a has it [T19]',
  },
  { first: 'abc', second: 'abd', w: 2, steps: durable('acd'), progress: 'met', verdict: 'ok', why: 'two of each' },
  {
    first: 'abc',
    second: 'def',
    w: 2,
    steps: durable('abc'),
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'W + 1 is not W in both [T19]',
  },
  {
    first: 'abc',
    second: 'def',
    w: 2,
    steps: [...durable('ab'), ...say('refused', 'de')],
    progress: 'lost',
    verdict: 'indeterminate',
    why: 'the new set can not be met any more',
  },
  {
    first: 'ab',
    second: 'abc',
    w: [2, 3],
    steps: durable('ab'),
    progress: 'waiting',
    verdict: 'indeterminate',
    why: 'all of the new set are three',
  },
];

const NAMES: readonly string[] = ROWS.map(
  ({ first, second, w, steps }) =>
    `${first}${second === undefined ? '' : `/${second}`} w ${String(w)} ${steps.map(([who, what]) => who + what).join(' ')}`,
);

function run(
  { first, second = first, standIns = '', w, steps }: Row,
  mutants?: ReadonlySet<string>,
): { progress: WriteProgress; verdict: WriteVerdict } {
  const writes = new QuorumWrites(2, mutants);
  const [w1, w2] = typeof w === 'number' ? [w, w] : w;
  writes.start(1, mask(first), mask(second), w1, w2);
  for (const pair of standIns.split(' ').filter((it) => it !== '')) writes.addStandIn(1, bit(pair[0]!), bit(pair[1]!));
  for (const [who, reply] of steps) {
    if (reply === '+') writes.sent(1, bit(who));
    else writes.addReply(1, bit(who), reply);
  }
  return { progress: writes.enough(1), verdict: writes.answer(1) };
}

const row = test.macro((t, at: number) => {
  const { progress, verdict } = ROWS[at]!;
  t.deepEqual(run(ROWS[at]!), { progress, verdict });
});

for (const [at, { why }] of ROWS.entries()) test(`quorum write: ${NAMES[at]}: ${why}`, row, at);

const bug = test.macro((t, name: string) => {
  const found = ROWS.filter((it) => {
    const { progress, verdict } = run(it, new Set([name]));
    return progress !== it.progress || verdict !== it.verdict;
  });
  t.true(found.length > 0);
});

for (const name of [
  'ackAtWMinus1',
  'countsReplicaTwice',
  'failedWriteSaidRefused',
  'oneSetInTransition',
  'staleRingIgnored',
  'standInCountedBesideOwner',
]) {
  test(`quorum write: the table finds the planted bug ${name}`, bug, name);
}

test('quorum write: confirmations of the old ring are forgotten, and what it may have left is not, when a write begins again', (t) => {
  const writes = new QuorumWrites(1);
  writes.start(0, mask('abc'), mask('abc'), 2, 2);
  writes.addReply(0, 0, 'durable');
  writes.addReply(0, 1, 'stale');
  writes.restart(0, mask('abc'), mask('abc'), 2, 2);
  t.is(writes.received(0), 0);
  writes.addReply(0, 0, 'refused');
  writes.addReply(0, 1, 'refused');
  t.is(writes.enough(0), 'lost');
  t.is(writes.answer(0), 'indeterminate');
  writes.start(0, mask('abc'), mask('abc'), 2, 2);
  t.is(writes.answer(0), 'quorumNotMet');
});

test('quorum write: a result tells primaries and stand-ins apart [T14]', (t) => {
  const writes = new QuorumWrites(1);
  writes.start(0, mask('abc'), mask('abc'), 2, 2);
  writes.addStandIn(0, bit('d'), bit('c'));
  writes.sent(0, 2);
  writes.addReply(0, 0, 'durable');
  writes.addReply(0, 3, 'durable');
  t.deepEqual([writes.received(0), writes.primaries(0), writes.needed(0)], [2, 1, 2]);
  t.is(writes.silent(0), mask('c'));
});
