import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { NewKeyspace, Operation } from '../../../actors/ring/operation.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import type { RingState, Step } from '../../../actors/ring/ring-state.ts';
import { brokenLaws } from './ring-laws.ts';
import { idOf, keyspaceOf, memberOf, RingWorld, STEPS } from './ring-world.ts';

/** What somebody tries: numbers are those of members, few, so that ids, names and addresses meet again. */
type Try =
  | { readonly do: 'add' | 'remove' | 'exclude' | 'include'; readonly number: number }
  | { readonly do: 'replace'; readonly number: number; readonly by: number }
  | { readonly do: 'capacity'; readonly number: number; readonly capacity: number }
  | { readonly do: 'address'; readonly number: number; readonly as: number }
  | { readonly do: 'copy'; readonly number: number }
  | { readonly do: 'create' | 'alter'; readonly name: string; readonly changes: Partial<NewKeyspace> }
  | { readonly do: 'drop'; readonly name: string }
  | { readonly do: 'plan'; readonly shift: number }
  | { readonly do: 'begin' }
  | { readonly do: 'advance' }
  | { readonly do: 'finish' }
  | { readonly do: 'cancel' }
  | { readonly do: 'step'; readonly step: Step };

const number = fc.integer({ min: 1, max: 7 });
const name = fc.constantFrom('users', 'carts');
const share = fc.constantFrom('one' as const, 'quorum' as const, 'all' as const, 1, 2);
const primaries = fc.oneof(share, fc.constant(0));
const changes: fc.Arbitrary<Partial<NewKeyspace>> = fc.record(
  {
    n: fc.integer({ min: 1, max: 4 }),
    r: share,
    w: share,
    pr: primaries,
    pw: primaries,
    mode: fc.constantFrom('ap' as const, 'cp' as const),
  },
  { requiredKeys: [] },
);
const oneTry: fc.Arbitrary<Try> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('add' as const, 'remove' as const, 'exclude' as const, 'include' as const), number }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), number, by: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('capacity' as const), number, capacity: fc.constantFrom(50, 100, 200) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('address' as const), number, as: number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('copy' as const), number }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('create' as const, 'alter' as const), name, changes }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('plan' as const), shift: fc.integer({ min: 0, max: 7 }) }) },
  { weight: 6, arbitrary: fc.constantFrom({ do: 'begin' } as const, { do: 'advance' } as const, { do: 'finish' } as const) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('step' as const), step: fc.constantFrom(...STEPS) }) },
);
const tries = fc.array(oneTry, { minLength: 5, maxLength: 60, size: 'max' });

/** Runs them all; returns the first law that was broken. */
function run(
  script: readonly Try[],
  mutants: ReadonlySet<string> = new Set(),
  see: (ring: RingState) => void = () => undefined,
): string | undefined {
  const world = new RingWorld(2, { partitions: 8, mutants });
  let plan: Operation | undefined;
  const apply = (operation: Operation): string | undefined => {
    const before = world.ring;
    const applied = world.try(operation);
    if (!applied.ok || applied.ring === before) return undefined;
    see(applied.ring);
    const [broken] = brokenLaws(before, operation, world.ring);
    return broken === undefined ? undefined : `${operation.type}: ${broken}`;
  };
  const advance = (): string | undefined => {
    const { transition } = world.ring;
    return transition === null ? undefined : apply({ type: 'advance', ...transition });
  };
  const step = (one: Exclude<Try, { do: 'plan' }>): string | undefined => {
    if (one.do === 'begin') return plan === undefined ? undefined : apply(plan);
    if (one.do === 'advance') return advance();
    return one.do === 'finish' ? STEPS.map(advance).find((broken) => broken !== undefined) : apply(operationOf(one, world));
  };
  for (const one of script) {
    if (one.do === 'plan') plan = planOf(world.ring, one.shift);
    const broken = one.do === 'plan' ? undefined : step(one);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

/** Owners in turn: laws hold whatever is planned. */
function planOf(ring: RingState, shift: number): Operation {
  const staying = [...ring.members.keys()].filter((i) => ring.members[i]!.state !== 'leaving');
  const owners = ring.owners.map((_, p) => staying[(p * (1 + (shift % 3)) + shift) % staying.length]!);
  return { type: 'beginTransition', parent: hashOfRing(ring), owners };
}

function operationOf(one: Exclude<Try, { do: 'plan' | 'begin' | 'advance' | 'finish' }>, world: RingWorld): Operation {
  switch (one.do) {
    case 'add':
      return { type: 'addMember', member: memberOf(one.number, { rack: `r${one.number % 2}` }) };
    case 'copy':
      return { type: 'addMember', member: { ...memberOf(one.number + 8), id: idOf(one.number) } };
    case 'remove':
      return { type: 'removeMember', id: idOf(one.number) };
    case 'replace':
      return { type: 'replaceMember', id: idOf(one.number), member: memberOf(one.by) };
    case 'exclude':
      return { type: 'excludeMember', id: idOf(one.number) };
    case 'include':
      return { type: 'includeMember', id: idOf(one.number) };
    case 'capacity':
      return { type: 'setCapacity', id: idOf(one.number), capacity: one.capacity };
    case 'address':
      return { type: 'setAddress', id: idOf(one.number), address: memberOf(one.as).address };
    case 'create':
      return { type: 'createKeyspace', keyspace: keyspaceOf(one.name, one.changes) };
    case 'alter':
      return { type: 'alterKeyspace', name: one.name, changes: one.changes };
    case 'drop':
      return { type: 'dropKeyspace', name: one.name };
    case 'cancel':
      return { type: 'cancelTransition', startedAt: world.ring.transition?.startedAt ?? 1 };
    case 'step':
      return { type: 'advance', startedAt: world.ring.transition?.startedAt ?? 1, step: one.step };
  }
}

testProp('apply: no sequence of operations breaks a law', [tries], (t, script) => t.is(run(script), undefined), { numRuns: 150 });

test('apply: random scripts reach steps, removals and exclusions, so that the laws are tried at all', (t) => {
  const seen = new Set<string>();
  for (const script of fc.sample(tries, { numRuns: 60, seed: 1 })) {
    run(script, new Set(), ({ transition, banned, members }) => {
      seen.add(transition?.step ?? 'none');
      if (banned.length > 0) seen.add('banned');
      if (members.some(({ isExcluded }) => isExcluded)) seen.add('excluded');
    });
  }
  for (const what of [...STEPS, 'none', 'banned', 'excluded']) t.true(seen.has(what), what);
});

const PLANTED: Readonly<Record<string, RegExp>> = {
  joinSkipsParentCheck: /a plan is for the ring it was made from/,
  bannedIdAccepted: /its id \w+ is banned/,
  duplicateIdAccepted: /expected rising ids/,
  exclusionUnbounded: /expected fewer than min\(R, W\)/,
  staleStepAccepted: /the step that is complete is the present one/,
  changedAtForgotten: /changedAt of partition/,
};
for (const [mutant, law] of Object.entries(PLANTED)) {
  test(`apply: the laws find a planted bug, when it is ${mutant}`, (t) => {
    const holds = fc.property(tries, (script) => {
      const broken = run(script, new Set([mutant]));
      if (broken !== undefined) throw new Error(broken);
    });
    t.regex(String(fc.check(holds, { numRuns: 400, seed: 7, endOnFailure: true }).errorInstance), law);
  });
}
