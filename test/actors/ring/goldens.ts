/** What the golden files hold, made by the code as it is now. Files are only ever added: what was written once must be read for ever. */
import type { Operation, Proposal } from '../../../actors/ring/operation.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { idOf, keyspaceOf, memberOf, RingWorld } from './ring-world.ts';

export const GOLDEN_DIR = 'test/actors/ring/golden';

/** By file name. */
export function goldenRings(): ReadonlyMap<string, RingState> {
  const first = new RingWorld(1, { partitions: 8, keyspace: null });
  return new Map([
    ['ring-1-first.bin', first.ring],
    ['ring-1-busy.bin', busyRing()],
    ['ring-1-primaries.bin', new RingWorld(1, { partitions: 8, keyspace: { mode: 'cp', pr: 'one', pw: 2 } }).ring],
  ]);
}

/** Everything that a ring can hold. */
function busyRing(): RingState {
  const world = new RingWorld(1, { partitions: 16 });
  const owners = (...numbers: readonly number[]): Uint16Array => Uint16Array.from({ length: 16 }, (_, p) => numbers[p % numbers.length]!);
  const begin = (planned: Uint16Array): void => {
    world.do({ type: 'beginTransition', parent: hashOfRing(world.ring), owners: planned });
  };
  for (const number of [2, 3]) world.do({ type: 'addMember', member: memberOf(number, { capacity: 200, rack: `r${number}`, shards: 4 }) });
  begin(owners(0, 1, 2));
  world.advance();
  world.do({ type: 'createKeyspace', keyspace: keyspaceOf('gone') });
  world.do({ type: 'dropKeyspace', name: 'gone' });
  world.do({
    type: 'createKeyspace',
    keyspace: keyspaceOf('carts', { n: 2, r: 1, w: 'all', mode: 'cp', conflict: 'lww', durability: 'periodic', ttlMs: 86_400_000 }),
  });
  world.do({ type: 'alterKeyspace', name: 'carts', changes: { r: 2 } });
  world.do({ type: 'addMember', member: memberOf(4, { dataCenter: 'dc2' }) });
  world.do({ type: 'removeMember', id: idOf(4) });
  world.do({
    type: 'replaceMember',
    id: idOf(2),
    member: { ...memberOf(5), address: { node: 'n5', host: 'five.example', ports: [0, 65_535, 1] } },
  });
  begin(owners(0, 3, 2));
  world.advance('readNew');
  return world.ring;
}

/** One proposal of each operation, by file name. */
export function goldenProposals(): ReadonlyMap<string, Proposal> {
  const id = 'fedcba9876543210fedcba9876543210';
  const operations: readonly Operation[] = [
    { type: 'addMember', member: memberOf(7, { capacity: 65_535, shards: 256 }) },
    { type: 'removeMember', id },
    { type: 'replaceMember', id, member: memberOf(8) },
    { type: 'setCapacity', id, capacity: 300 },
    { type: 'setAddress', id, address: { node: 'n-8.x', host: '::1', ports: [7_000] } },
    { type: 'excludeMember', id },
    { type: 'includeMember', id },
    { type: 'createKeyspace', keyspace: keyspaceOf('users', { r: 1, w: 'one' }) },
    {
      type: 'alterKeyspace',
      name: 'users',
      changes: { n: 5, r: 'all', w: 2, mode: 'cp', durability: 'none', ttlMs: 1, keyBytesMax: 2, valueBytesMax: 3 },
    },
    { type: 'dropKeyspace', name: 'users' },
    { type: 'beginTransition', parent: '0123456789abcdef', owners: Uint16Array.of(0, 1, 2, 300, 0, 1, 2, 65_535) },
    { type: 'advance', startedAt: 4_294_967_295, step: 'writeNew' },
    { type: 'cancelTransition', startedAt: 1 },
  ];
  const primaries: readonly Operation[] = [
    { type: 'createKeyspace', keyspace: keyspaceOf('users', { pr: 0, pw: 'all' }) },
    { type: 'alterKeyspace', name: 'users', changes: { n: 3, pr: 1, pw: 0 } },
  ];
  const named = (some: readonly Operation[], suffix: string): (readonly [string, Proposal])[] =>
    some.map((operation) => [`proposal-1-${operation.type}${suffix}.bin`, { operationId: idOf(0xabc), operation }]);
  return new Map([...named(operations, ''), ...named(primaries, '-primaries')]);
}
