/**
 * Scenarios of gossip: a cluster, faults and what must hold then, all drawn from a seed. Each returns what did not hold. Used by the tests, by the
 * hunt for planted bugs and by bench/gossip.ts.
 */
import { SeededRandom } from '../../../runtime/random.ts';
import type { PlanItem } from '../../../runtime/simulation/plan.ts';
import { GossipWorld, type GossipWorldOptions, INTERVAL_MS, nodeName, ringOf } from './world.ts';

export type Scenario = (seed: number, mutants?: readonly string[]) => string[];

const START_MS = 6000;
/** From the fault to the label, at an interval of a second. */
export const DOWN_WITHIN_MS = 6000;
const HEALED_WITHIN_MS = 12_000;

/** One node dies, is labelled everywhere, and comes back as a later start of itself. */
export const killed: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('killed');
  const nodes = 3 + random.below(6);
  const victim = random.below(nodes);
  const atMs = START_MS + random.below(INTERVAL_MS);
  const forMs = 8000 + random.below(6000);
  const plan: PlanItem[] = [{ kind: 'crash', atMs, node: nodeName(victim), forMs, silent: random.chance(0.5) }];
  const world = new GossipWorld({ nodes, seed, plan, mutants });
  const faults: string[] = [];
  world.run(atMs + DOWN_WITHIN_MS);
  for (const other of others(nodes, victim)) expect(faults, world.down(other), [nodeName(victim)], `down as n${other} sees it`);
  world.run(atMs + forMs + HEALED_WITHIN_MS);
  expectAllUp(faults, world, nodes);
  for (let i = 0; i < nodes; i++) expect(faults, world.member(i, victim)?.boot, 2, `boot of n${victim} as n${i} sees it`);
  expectNoneAccused(faults, world, [victim]);
  return faults;
};

/** One node pauses for up to five seconds: no other is accused, and it is soon well again. */
export const paused: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('paused');
  const nodes = 3 + random.below(8);
  const victim = random.below(nodes);
  const forMs = 5000 * random.float();
  const atMs = START_MS + random.below(INTERVAL_MS);
  const world = new GossipWorld({ nodes, seed, mutants, plan: [{ kind: 'pause', atMs, node: nodeName(victim), forMs }] });
  const faults: string[] = [];
  world.run(atMs + forMs + HEALED_WITHIN_MS);
  expectAllUp(faults, world, nodes);
  expectNoneAccused(faults, world, [victim]);
  return faults;
};

/** One node stands still again and again, on a slow network, now and then just while it waits for an answer. */
export const stuttering: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('stuttering');
  const nodes = 3 + random.below(4);
  const victim = random.below(nodes);
  const plan: PlanItem[] = [];
  let atMs = START_MS;
  for (let i = 0; i < 10; i++) {
    const forMs = 600 + random.below(3000);
    plan.push({ kind: 'pause', atMs, node: nodeName(victim), forMs });
    atMs += forMs + 20 + random.below(300);
  }
  const network = { quality: { delay: { kind: 'uniform' as const, minMs: 20, maxMs: 200 } } };
  const world = new GossipWorld({ nodes, seed, mutants, plan, network, scheduling: { policy: 'random' } });
  const faults: string[] = [];
  world.run(atMs + HEALED_WITHIN_MS);
  expectAllUp(faults, world, nodes);
  expectNoneAccused(faults, world, [victim]);
  return faults;
};

/** The machine of one node is suspended: when it goes on, it takes TCP a while to send again what was lost, and so long it hears nobody. */
export const suspended: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('suspended');
  const nodes = 3 + random.below(6);
  const victim = random.below(nodes);
  // Together less than what ends a connection: a new one would take longer still.
  const forMs = 1400 + random.below(2200);
  const cutMs = forMs + random.below(2200);
  const atMs = START_MS + random.below(INTERVAL_MS);
  const from = [nodeName(victim)];
  const plan: PlanItem[] = [
    { kind: 'pause', atMs, node: nodeName(victim), forMs },
    { kind: 'cut', atMs, from, to: others(nodes, victim).map(nodeName), forMs: cutMs, oneWay: false },
  ];
  const world = new GossipWorld({ nodes, seed, mutants, plan });
  const faults: string[] = [];
  world.run(atMs + cutMs + HEALED_WITHIN_MS);
  expectAllUp(faults, world, nodes);
  expectNoneAccused(faults, world, [victim]);
  return faults;
};

/** One node hears nothing of anybody any more, but can be heard: what it says of others convinces nobody. */
export const deaf: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('deaf');
  const nodes = 3 + random.below(5);
  const victim = random.below(nodes);
  const rest = others(nodes, victim);
  const names = rest.map(nodeName);
  const forMs = 8000 + random.below(8000);
  const quality = { lossRatio: 1 };
  const plan = names.map((from): PlanItem => ({ kind: 'degrade', atMs: START_MS, from, to: nodeName(victim), forMs, quality }));
  const world = new GossipWorld({ nodes, seed, mutants, plan });
  const faults: string[] = [];
  world.run(START_MS + forMs + HEALED_WITHIN_MS);
  for (const { seenBy, accused, label } of world.seen) {
    if (seenBy !== nodeName(victim) && accused !== nodeName(victim) && label === 'down') faults.push(`${seenBy} took ${accused} for down`);
  }
  expectAllUp(faults, world, nodes);
  return faults;
};

/** A cut between two groups: each takes the other for down, and after it all find each other again. */
export const partitioned: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('partitioned');
  const nodes = 3 + random.below(6);
  const isLeft = Array.from({ length: nodes }, () => random.chance(0.5));
  isLeft[0] = true;
  isLeft[1] = false;
  const side = (left: boolean): number[] => isLeft.flatMap((value, index) => (value === left ? [index] : []));
  const [left, right] = [side(true), side(false)];
  const forMs = 25_000;
  const cut: PlanItem = { kind: 'cut', atMs: START_MS, from: left.map(nodeName), to: right.map(nodeName), forMs, oneWay: false };
  const world = new GossipWorld({ nodes, seed, mutants, plan: [cut] });
  const faults: string[] = [];
  world.run(START_MS + forMs);
  for (const i of left) expect(faults, world.down(i), right.map(nodeName), `down as n${i} sees it`);
  for (const i of right) expect(faults, world.down(i), left.map(nodeName), `down as n${i} sees it`);
  world.run(START_MS + forMs + 20_000);
  expectAllUp(faults, world, nodes);
  return faults;
};

/** Messages are lost, doubled and late, clocks run wrong and jump, one node works slowly: nobody is accused. */
export const noisy: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('noisy');
  const nodes = 3 + random.below(5);
  const plan: PlanItem[] = [];
  for (let i = 0; i < nodes; i++) {
    const node = nodeName(i);
    plan.push({ kind: 'drift', atMs: 100, node, ppm: random.below(2000) - 1000, forMs: 60_000 });
    plan.push({ kind: 'jump', atMs: 3000 + random.below(20_000), node, byMs: (random.float() - 0.5) * 1e8 });
  }
  plan.push({ kind: 'slow', atMs: START_MS, node: nodeName(random.below(nodes)), factor: 50, forMs: 10_000 });
  const quality = {
    delay: { kind: 'exponential' as const, minMs: 1, meanMs: 30 },
    lossRatio: 0.02,
    duplicateRatio: 0.2,
    reorderRatio: 0.1,
  };
  const world = new GossipWorld({ nodes, seed, mutants, plan, network: { quality } });
  const faults: string[] = [];
  world.run(30_000);
  expectAllUp(faults, world, nodes);
  expectNoneAccused(faults, world, []);
  return faults;
};

/** The way between two nodes is broken, all others are well: the two suspect each other, nobody accuses. */
export const bridged: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('bridged');
  const nodes = 3 + random.below(3);
  const cut: PlanItem = { kind: 'cut', atMs: START_MS, from: ['n0'], to: ['n1'], forMs: 14_000, oneWay: random.chance(0.5) };
  const world = new GossipWorld({ nodes, seed, mutants, plan: [cut] });
  const faults: string[] = [];
  world.run(START_MS + 12_000);
  expect(faults, world.member(1, 0)?.isSuspected, true, 'n0 is suspected by n1');
  expectNoneAccused(faults, world, []);
  world.run(START_MS + 14_000 + HEALED_WITHIN_MS);
  expect(faults, world.member(1, 0)?.isSuspected, false, 'n0 is suspected by n1 afterwards');
  expectAllUp(faults, world, nodes);
  return faults;
};

/** What was said of a node that has refuted it comes late to some: it stays void. */
export const late: Scenario = (seed, mutants = []) => {
  const random = new SeededRandom(seed).fork('late');
  const nodes = 4 + random.below(4);
  const plan: PlanItem[] = [{ kind: 'pause', atMs: START_MS, node: 'n0', forMs: 4200 }];
  const clogged = 2600 + random.below(1000);
  for (let i = 1; i < nodes; i++) {
    for (let j = 1; j < nodes; j++) {
      if (i !== j && random.chance(0.3))
        plan.push({ kind: 'clog', atMs: START_MS + clogged, from: nodeName(i), to: nodeName(j), forMs: 5500 - random.below(500) });
    }
  }
  const world = new GossipWorld({ nodes, seed, mutants, plan });
  const faults: string[] = [];
  world.run(START_MS + 4200 + HEALED_WITHIN_MS);
  const wellAtMs = Array.from({ length: nodes }, () => Number.POSITIVE_INFINITY);
  for (const { atMs, index, view } of world.history) {
    const victim = view.members[0];
    if (victim === undefined) continue;
    if (victim.incarnation > 0 && victim.accusers.length === 0) wellAtMs[index] = Math.min(wellAtMs[index]!, atMs);
    else if (victim.incarnation > 0 && atMs > wellAtMs[index]!)
      faults.push(`n${index} believed again what n0 had refuted, at ${Math.round(atMs)} ms`);
  }
  expectAllUp(faults, world, nodes);
  return faults;
};

/** A ring with one member more, decided somewhere, is soon known to all. Returns the world, for figures. */
export function spread(seed: number, nodes: number, options: Partial<GossipWorldOptions> = {}): GossipWorld {
  const world = new GossipWorld({ nodes, seed, ...options });
  world.rings.set(
    2,
    ringOf(
      2,
      Array.from({ length: nodes }, (_, index) => index),
    ),
  );
  return world;
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  killed,
  paused,
  stuttering,
  suspended,
  deaf,
  partitioned,
  noisy,
  bridged,
  late,
};

function others(nodes: number, victim: number): number[] {
  return Array.from({ length: nodes }, (_, index) => index).filter((index) => index !== victim);
}

function expectAllUp(faults: string[], world: GossipWorld, nodes: number): void {
  for (let i = 0; i < nodes; i++) {
    expect(faults, world.view(i).length, nodes, `members as n${i} sees them`);
    expect(faults, world.down(i), [], `down in the end as n${i} sees it`);
  }
}

function expectNoneAccused(faults: string[], world: GossipWorld, except: readonly number[]): void {
  for (const { atMs, seenBy, accused, accusers } of world.accusedBeside(...except.map(nodeName)).slice(0, 1)) {
    faults.push(`${accused} was accused by ${accusers.join(', ')}, as ${seenBy} saw at ${Math.round(atMs)} ms`);
  }
}

function expect(faults: string[], actual: unknown, expected: unknown, what: string): void {
  const [a, b] = [actual, expected].map((value) => JSON.stringify(value));
  if (a !== b) faults.push(`${what}: expected ${b}, got ${a}`);
}
