import test from 'ava';
import { PurgeRound, type PurgeRoundOptions, type RoundPeer } from '../../../actors/purge/purge-round.ts';

const PEERS: readonly RoundPeer[] = ['a', 'b', 'c', 'd'].map((id) => ({ id, shard: 1 }));
const OPTIONS: PurgeRoundOptions = { members: PEERS, replicas: PEERS.slice(0, 3) };

/** Answers all questions; what was asked, stage by stage: to whom, with whom. */
function play(options: PurgeRoundOptions): readonly string[] {
  const round = new PurgeRound(options);
  const asked: string[] = [];
  for (let questions = round.next(); questions.length > 0; questions = round.next()) {
    asked.push(`${round.stage}: ${questions.map(({ to, peers }) => to.id + peers.map(({ id }) => `-${id}`).join('')).join(' ')}`);
    for (const [i, { stage, to }] of questions.entries())
      if (round.answered(stage, to.id, 100 + i) !== (i === questions.length - 1)) asked.push('ended early, or late');
  }
  return [...asked, `${round.stage}`];
}

test('purge round: all members are asked, then every two replicas, then all replicas twice', (t) => {
  t.deepEqual(play(OPTIONS), ['check: a b c d', 'compare: a-b-c b-c', 'install: a b c', 'sweep: a b c', 'undefined']);
});

test('purge round: where there is one replica nothing is compared', (t) => {
  t.deepEqual(play({ ...OPTIONS, replicas: PEERS.slice(0, 1) }), ['check: a b c d', 'install: a', 'sweep: a', 'undefined']);
});

test('purge round: an answer that comes twice, or to another stage, or of who was not asked, counts for nothing', (t) => {
  const round = new PurgeRound({ members: PEERS.slice(0, 2), replicas: PEERS.slice(0, 2) });
  round.next();
  t.false(round.answered('check', 'a', 5));
  t.false(round.answered('check', 'a', 5));
  t.false(round.answered('install', 'b', 5));
  t.false(round.answered('check', 'z', 5));
  t.true(round.answered('check', 'b', 3));
  t.is(round.wallMs, 3);
});

test('purge round: what expires is dead by the clock that is furthest behind, whatever replicas say later', (t) => {
  const round = new PurgeRound({ members: PEERS, replicas: PEERS.slice(0, 2) });
  round.next();
  for (const [i, { id }] of PEERS.entries()) round.answered('check', id, [70, 30, 50, 90][i]!);
  round.next();
  round.answered('compare', 'a', 10);
  t.is(round.wallMs, 30);
});

for (const [mutant, wanted] of [
  ['membersUnasked', 'check: a b c'],
  ['purgedUncompared', 'install: a b c'],
  ['purgedBeforeInstalled', 'sweep: a b c'],
] as const)
  test(`purge round: the planted bug ${mutant} leaves out a stage, or some of it`, (t) => {
    const played = play({ ...OPTIONS, mutants: new Set([mutant]) });
    t.true(played.includes(wanted));
    t.notDeepEqual(played, play(OPTIONS));
  });
