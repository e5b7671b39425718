import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { isEnough } from '../../../actors/gossip/accusations.ts';
import { Membership } from '../../../actors/gossip/membership.ts';
import type { Accusation, Heartbeat } from '../../../actors/gossip-protocol.ts';
import { accusationOf, beatOf } from './arbitraries.ts';
import { idOf } from './world.ts';

const NONE: ReadonlySet<string> = new Set();

function membershipOf(nodes: number, self = 0): Membership {
  const membership = new Membership(idOf(self), 1, NONE);
  membership.setMembers(
    Array.from({ length: nodes }, (_, index) => idOf(index)),
    0,
  );
  return membership;
}

/** All heard of, in boot 1. */
function awareOf(nodes: number, self = 0): Membership {
  const membership = membershipOf(nodes, self);
  membership.hear(
    Array.from({ length: nodes }, (_, index) => beatOf(index, 1, 0, 0)).filter(({ id }) => id !== idOf(self)),
    [],
    0,
  );
  return membership;
}

const enough = test.macro((t: ExecutionContext, accusers: number, possible: number, expected: boolean) => {
  t.is(isEnough(accusers, possible, NONE), expected);
});
for (const [accusers, possible, expected] of [
  [0, 0, false],
  [0, 1, false],
  [1, 0, true],
  [1, 1, true],
  [1, 2, false],
  [1, 4, false],
  [2, 2, true],
  [2, 4, true],
  [4, 4, true],
] as const) {
  test(`accusations: ${accusers} are ${expected ? '' : 'not '}enough, when ${possible} can accuse`, enough, accusers, possible, expected);
}

test('membership: one accuser makes nobody down, two do', (t) => {
  const membership = awareOf(5);
  membership.hear([], [accusationOf(1, 2)], 0);
  t.deepEqual([...membership.down], []);
  membership.hear([], [accusationOf(1, 2), accusationOf(1, 2)], 0);
  t.deepEqual([...membership.down], []);
  membership.hear([], [accusationOf(1, 3)], 0);
  t.deepEqual([...membership.down], [idOf(1)]);
});

test('membership: of two members one accuser is enough', (t) => {
  const membership = awareOf(2);
  t.deepEqual(membership.accuse(idOf(1)), accusationOf(1, 0));
  t.deepEqual([...membership.down], [idOf(1)]);
});

test('membership: who reaches none of the others takes them for down on its own word, when there are three', (t) => {
  const membership = awareOf(3);
  membership.accuse(idOf(1));
  t.deepEqual([...membership.down], []);
  membership.accuse(idOf(2));
  t.deepEqual([...membership.down].sort(), [idOf(1), idOf(2)]);
});

test('membership: another that reaches nobody convinces nobody', (t) => {
  const membership = awareOf(3);
  membership.hear([], [accusationOf(0, 2), accusationOf(1, 2)], 0);
  t.deepEqual([...membership.down], []);
});

test('membership: an accusation is void at a later incarnation and at a later start, and does not come back', (t) => {
  for (const later of [beatOf(1, 1, 1, 0), beatOf(1, 2, 0, 0)]) {
    const membership = awareOf(5);
    membership.hear([], [accusationOf(1, 2), accusationOf(1, 3)], 0);
    t.deepEqual(membership.hear([later], [], 0).beats, [later]);
    t.deepEqual([...membership.down], []);
    t.deepEqual(membership.hear([], [accusationOf(1, 2), accusationOf(1, 3)], 0).accusations, []);
    t.deepEqual([...membership.down], []);
  }
});

test('membership: an accusation against a life that is not known yet waits for its heartbeat', (t) => {
  const membership = awareOf(5);
  t.deepEqual(membership.hear([], [accusationOf(1, 2, 1, 7)], 0).accusations, []);
  const both = membership.hear([beatOf(1, 1, 7, 0)], [accusationOf(1, 2, 1, 7)], 0);
  t.is(both.accusations.length, 1);
});

test('membership: who is accused has to refute, and has then', (t) => {
  const membership = awareOf(3);
  t.true(membership.hear([], [accusationOf(0, 1)], 0).isAccused);
  const own = membership.refute(0);
  t.like(own, { boot: 1, incarnation: 1 });
  t.false(membership.hear([], [accusationOf(0, 1)], 0).isAccused);
  t.deepEqual(membership.view(0, () => false).members[0]?.accusers, []);
});

test('membership: a later life of its own that others know is passed by, of another start it is reported', (t) => {
  const membership = awareOf(3);
  t.true(membership.hear([beatOf(0, 1, 5, 9)], [], 0).isAccused);
  t.like(membership.refute(0), { incarnation: 6 });
  t.is(membership.hear([beatOf(0, 2, 0, 0)], [], 0).copyBoot, 2);
  t.is(membership.own.boot, 1);
});

test('membership: strangers neither accuse nor are accused, and who leaves is forgotten as both', (t) => {
  const membership = awareOf(4);
  t.deepEqual(membership.hear([], [accusationOf(1, 9), accusationOf(9, 1), accusationOf(1, 1)], 0).accusations, []);
  membership.hear([], [accusationOf(1, 2), accusationOf(1, 3), accusationOf(2, 3)], 0);
  membership.setMembers([0, 1, 2].map(idOf), 0);
  t.deepEqual(membership.accusationsAgainst(idOf(1)), [accusationOf(1, 2)]);
  t.deepEqual(membership.accusationsAgainst(idOf(2)), []);
});

test('membership: a view shows who is silent for how long, and itself always up', (t) => {
  const membership = awareOf(3);
  membership.hear([beatOf(1, 1, 0, 4, 3)], [accusationOf(0, 1), accusationOf(0, 2)], 500);
  const [self, other, silent] = membership.view(2000, (id) => id === idOf(2)).members;
  t.like(self, { label: 'up', isSuspected: false, silentMs: 0 });
  t.like(other, { silentMs: 1500, heartbeat: 4, switchedTo: { generation: 1, epoch: 3 }, isSuspected: false });
  t.like(silent, { silentMs: 2000, isSuspected: true });
});

/** What one sends: heartbeats, and accusations against the lives in them. */
const messages = fc.array(
  fc.record({
    accused: fc.integer({ min: 1, max: 3 }),
    accuser: fc.integer({ min: 1, max: 4 }),
    boot: fc.integer({ min: 1, max: 2 }),
    incarnation: fc.nat(2),
    heartbeat: fc.nat(3),
    isAccused: fc.boolean(),
  }),
  { maxLength: 15 },
);

interface Sent {
  readonly beats: readonly Heartbeat[];
  readonly accusations: readonly Accusation[];
}

testProp('membership: in which order and how often it hears does not matter', [messages, fc.func(fc.integer())], (t, drawn, rank) => {
  const sent = drawn.map(
    ({ accused, accuser, boot, incarnation, heartbeat, isAccused }): Sent => ({
      beats: [beatOf(accused, boot, incarnation, heartbeat)],
      accusations: isAccused ? [accusationOf(accused, accuser, boot, incarnation)] : [],
    }),
  );
  const after = (list: readonly Sent[]): unknown => {
    const membership = membershipOf(6);
    for (const { beats, accusations } of list) membership.hear(beats, accusations, 0);
    return membership.view(0, () => false);
  };
  const shuffled = [...sent, ...sent].map((message, index) => ({ message, key: rank(index) })).sort((a, b) => a.key - b.key);
  t.deepEqual(after(shuffled.map(({ message }) => message)), after(sent));
});

testProp('membership: what one knows better makes the other equal', [messages, messages], (t, one, other) => {
  const [a, b] = [one, other].map((drawn) => {
    const membership = membershipOf(6);
    for (const { accused, accuser, boot, incarnation, heartbeat, isAccused } of drawn) {
      membership.hear(
        [beatOf(accused, boot, incarnation, heartbeat)],
        isAccused ? [accusationOf(accused, accuser, boot, incarnation)] : [],
        0,
      );
    }
    return membership;
  }) as [Membership, Membership];
  const full = a.all();
  b.hear(full.beats, full.accusations, 0);
  const answer = b.betterThan(full);
  a.hear(answer.beats, answer.accusations, 0);
  const show = (membership: Membership): unknown => membership.view(0, () => false);
  t.deepEqual(show(a), show(b));
  t.deepEqual(b.betterThan(a.all()).beats, []);
});
