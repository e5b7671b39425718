/**
 * The ring beside `hash mod n`, and the look-up of preference lists beside a walk.
 * `node dist/bench/ring.js [--members N] [--json FILE]`
 *
 * One cluster of equal nodes grows from 1 to N, one join at a time, each planned and settled; then each of some members is replaced, gets twice its capacity, and
 * the cluster shrinks again. `load`: replicas of the fullest node / mean, by capacity. `moved`: replicas that are copied / what the change asks for: by how
 * much fair loads grow, or what the leaving one held. It may be below 1, since loads need not be fair to the last partition. `hash mod n` puts a key on nodes h mod n, h + 1 mod n, h + 2 mod n; its figures are
 * those of 200,000 keys.
 */
import { planOwners, recommendedPartitions } from '../actors/ring/plan.ts';
import { PreferenceLists } from '../actors/ring/preference-list.ts';
import { Hasher } from '../actors/ring/token.ts';
import { idOf, leastMoves, memberOf, RingWorld, type Traits, worstLoad } from '../test/actors/ring/ring-world.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';

const { values: options } = optionsOf({
  options: { members: { type: 'string', default: '100' }, json: { type: 'string' } },
});
// Numbers above it are those of members that replace others.
const most = wholeNumber('members', options.members, 3, 1_000);
const REPLICAS = 3;
const KEYS = 200_000;
const LOOKUPS = 20_000_000;
const SHOWN = [3, 4, 5, 7, 10, 20, 50, 100];
const PEER = 'hash mod n';

/** High halves of the tokens of some keys. */
const highs = new Uint32Array(KEYS);
const hasher = new Hasher();
for (let i = 0; i < KEYS; i++) {
  hasher.hash(Buffer.from(`user:${i}`));
  highs[i] = hasher.high;
}

/** Figures by name: ours and the peer's, for each step. */
class Figures {
  readonly #ours = new Map<string, number[]>();
  readonly #peers = new Map<string, number[]>();

  note(name: string, ours: number, peer?: number): void {
    add(this.#ours, name, ours);
    if (peer !== undefined) add(this.#peers, name, peer);
  }

  rows(unit: string): Row[] {
    return [...this.#ours].map(([name, samples]) => {
      const peers = this.#peers.get(name);
      return peers === undefined ? rowOf(name, unit, samples) : rowOf(name, unit, samples, PEER, peers);
    });
  }
}

function add(figures: Map<string, number[]>, name: string, figure: number): void {
  figures.set(name, [...(figures.get(name) ?? []), figure]);
}

/** Replicas of keys that `hash mod n` copies when n changes, beside the least. */
function moduloMoves(from: number, to: number): number {
  let moved = 0;
  for (const high of highs) {
    for (let i = 0; i < REPLICAS; i++) {
      const node = (high + i) % to;
      const distance = (((node - high) % from) + from) % from;
      if (node >= from || distance >= REPLICAS) moved++;
    }
  }
  return moved / ((KEYS * REPLICAS * Math.abs(to - from)) / Math.max(from, to));
}

function moduloLoad(capacities: readonly number[]): number {
  const held = new Float64Array(capacities.length);
  for (const high of highs) for (let i = 0; i < REPLICAS; i++) held[(high + i) % capacities.length]!++;
  const mean = (KEYS * REPLICAS) / capacities.reduce((sum, capacity) => sum + capacity, 0);
  return Math.max(...capacities.map((capacity, i) => held[i]! / capacity / mean));
}

/** Changes a ring, and says what it moved beside the least, and the load after it. */
function change(world: RingWorld, operate: () => void): { readonly moved: number; readonly load: number } {
  const before = world.ring;
  operate();
  const { ring } = world;
  const plan = world.settle();
  return { moved: plan.moved / leastMoves(before, ring, plan), load: worstLoad(ring, plan) };
}

function equalNodes(figures: Figures, times: Figures): void {
  const world = new RingWorld(1, { partitions: recommendedPartitions(most) });
  for (let count = 2; count <= most; count++) {
    const { moved, load } = change(world, () => {
      world.do({ type: 'addMember', member: memberOf(count) });
      const begun = performance.now();
      planOwners(world.ring);
      times.note(`plan of a join, 2 to ${most} nodes`, performance.now() - begun);
    });
    if (count < 3) continue;
    const modulo = moduloLoad(Array.from({ length: count }, () => 1));
    figures.note(`load, 3 to ${most} equal nodes`, load, modulo);
    if (SHOWN.includes(count)) figures.note(`load, ${count} equal nodes`, load, modulo);
    if (count < 4) continue;
    figures.note(`moved, join of the 4th to ${most}th`, moved, moduloMoves(count - 1, count));
  }
  for (let number = 2, count = most; count > 4; count--, number++) {
    if (count % 5 === 0) {
      const { moved } = change(world, () => world.do({ type: 'replaceMember', id: idOf(number), member: memberOf(1_000 + number) }));
      figures.note(`moved, replacement, ${most} to 5 nodes`, moved, 1);
    } else if (count % 5 === 1) {
      const { moved, load } = change(world, () => world.do({ type: 'setCapacity', id: idOf(number), capacity: 200 }));
      figures.note(`moved, capacity doubled, ${most} to 5 nodes`, moved);
      figures.note(`load, one capacity doubled, ${most} to 5 nodes`, load);
      world.do({ type: 'setCapacity', id: idOf(number), capacity: 100 });
      world.settle();
    }
    const leaver = count % 5 === 0 ? 1_000 + number : number;
    const { moved, load } = change(world, () => world.do({ type: 'removeMember', id: idOf(leaver) }));
    figures.note(`moved, leave, ${most} to 5 nodes`, moved, moduloMoves(count, count - 1));
    figures.note(`load after it`, load, moduloLoad(Array.from({ length: count - 1 }, () => 1)));
  }
}

function unequalNodes(figures: Figures): void {
  const capacityOf = (number: number): Traits => ({ capacity: [1, 2, 4][number % 3]! });
  const world = new RingWorld(9, { partitions: 256 }, capacityOf);
  const name = 'capacities 1:2:4, nine nodes';
  figures.note(
    `load, ${name}`,
    worstLoad(world.ring, planOwners(world.ring)),
    moduloLoad(world.ring.members.map(({ capacity }) => capacity)),
  );
  figures.note(
    `moved, ${name}: join`,
    change(world, () => world.do({ type: 'addMember', member: memberOf(10, capacityOf(10)) })).moved,
    moduloMoves(9, 10),
  );
  figures.note(`moved, ${name}: leave`, change(world, () => world.do({ type: 'removeMember', id: idOf(3) })).moved, moduloMoves(10, 9));
  figures.note(`moved, ${name}: capacity 1 to 4`, change(world, () => world.do({ type: 'setCapacity', id: idOf(6), capacity: 4 })).moved);
}

/** Racks and data centers: fair loads are those that the spread over them allows. */
function spreadNodes(figures: Figures): void {
  const shapes: readonly [string, (number: number) => Traits][] = [
    ['3 racks', (number) => ({ rack: `r${number % 3}` })],
    ['4 racks', (number) => ({ rack: `r${number % 4}` })],
    ['2 data centers', (number) => ({ dataCenter: `d${number % 2}` })],
  ];
  for (const [name, traitsOf] of shapes) {
    const world = new RingWorld(8, { partitions: 256 }, traitsOf);
    for (let number = 9; number <= 12; number++) {
      const { moved, load } = change(world, () => world.do({ type: 'addMember', member: memberOf(number, traitsOf(number)) }));
      figures.note(`moved, ${name}: join of the 9th to 12th`, moved, moduloMoves(number - 1, number));
      figures.note(`load, ${name}: after it`, load);
    }
  }
}

/** Millions a second. */
function lookups(): Row[] {
  const { ring } = new RingWorld(30, { partitions: 1_024 });
  const lists = new PreferenceLists(ring);
  const rate = (count: number, step: (high: number) => number): number => {
    let sum = 0;
    const begun = performance.now();
    for (let i = 0; i < count; i++) sum += step(highs[i % KEYS]!);
    const seconds = (performance.now() - begun) / 1_000;
    if (sum === 0) throw new Error('expected members to be found');
    return count / seconds / 1e6;
  };
  const cached = (high: number): number => {
    const { members, stride } = lists.of(REPLICAS).read;
    const at = lists.partitionOf(high) * stride;
    return members[at]! + members[at + 1]! + members[at + 2]!;
  };
  const walked = (high: number): number => {
    const found = new Set<number>();
    for (let p = lists.partitionOf(high); found.size < REPLICAS; p = (p + 1) % ring.owners.length) found.add(ring.owners[p]!);
    let sum = 0;
    for (const member of found) sum += member;
    return sum;
  };
  const key = Buffer.from('user:1234567890123');
  const hashed = (high: number): number => {
    key.writeUInt32LE(high, 4);
    hasher.hash(key);
    return cached(hasher.high);
  };
  const runs = [1, 2, 3];
  return [
    rowOf(
      'look-up of 3 replicas by token',
      'M/s',
      runs.map(() => rate(LOOKUPS, cached)),
      'walk',
      runs.map(() => rate(LOOKUPS / 20, walked)),
    ),
    rowOf(
      'the same, hash of the key included',
      'M/s',
      runs.map(() => rate(LOOKUPS / 10, hashed)),
    ),
  ];
}

const setup = setupOf({
  members: most,
  partitions: recommendedPartitions(most),
  replicas: REPLICAS,
  durability: 'none (nothing is stored)',
});
printSetup(setup);
const figures = new Figures();
const times = new Figures();
equalNodes(figures, times);
unequalNodes(figures);
spreadNodes(figures);
const rows = [...figures.rows('x'), ...times.rows('ms'), ...lookups()];
printRows(rows);
if (options.json !== undefined) writeReport(options.json, setup, rows);
