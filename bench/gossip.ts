/**
 * What gossip costs and how fast it is, in virtual time: `node dist/bench/gossip.js --parts bytes,rounds,detection,accusations --runs 1000`.
 * bytes: sent per node and second, beside all-to-all heartbeats in the same run. rounds: intervals until all have a new ring. detection: from a kill to the label on
 * all live nodes. accusations: of healthy nodes, while one pauses 0 to 5 s; exits with 1 when there is one.
 */
import { SeededRandom } from '../runtime/random.ts';
import { paused } from '../test/actors/gossip/scenarios.ts';
import { GossipWorld, INTERVAL_MS, idOf, nodeName } from '../test/actors/gossip/world.ts';
import { oneOf, optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { Crowd, type CrowdKind } from './gossip/crowd.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';
import { quantileOf } from './lib/stats.ts';

const WARM_UP_MS = 10_000;
const MEASURED_MS = 5000;
const DELAY_MS = [20, 80] as const;
const DETECTION_RUNS = 200;
const PARTS = ['bytes', 'rounds', 'detection', 'accusations'] as const;
type Part = (typeof PARTS)[number];

const { values } = optionsOf({
  options: {
    parts: { type: 'string', default: PARTS.join(',') },
    nodes: { type: 'string', default: '3,10,30,100,300' },
    seeds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '1000' },
    json: { type: 'string' },
  },
});
const parts = values.parts.split(',').map((word) => oneOf('parts', word, PARTS));
const sizes = values.nodes.split(',').map((text) => wholeNumber('nodes', text, 2));
const seeds = wholeNumber('seeds', values.seeds);
const runs = wholeNumber('runs', values.runs);

function bytesPerSecond(kind: CrowdKind, nodes: number, seed: number): number {
  const crowd = new Crowd({ nodes, seed, kind, delayMs: DELAY_MS });
  crowd.advance(WARM_UP_MS);
  const before = crowd.bytes;
  crowd.advance(MEASURED_MS);
  return ((crowd.bytes - before) / nodes / MEASURED_MS) * 1000;
}

function bytes(): Row[] {
  return sizes.map((nodes) =>
    rowOf(
      `bytes per node and second, ${nodes} nodes`,
      'B',
      [bytesPerSecond('gossip', nodes, 1)],
      'all-to-all heartbeats',
      [bytesPerSecond('allToAll', nodes, 1)],
      'lower',
    ),
  );
}

/** Intervals from the decision on one node until all have the ring. */
function roundsUntilAll(nodes: number, seed: number): number {
  const crowd = new Crowd({ nodes, seed, kind: 'gossip', delayMs: DELAY_MS });
  crowd.advance(WARM_UP_MS);
  crowd.install(seed % nodes, 2);
  const stepMs = INTERVAL_MS / 50;
  let ms = 0;
  for (; crowd.epochs.some((epoch) => epoch !== 2) && ms < 100 * INTERVAL_MS; ms += stepMs) crowd.advance(stepMs);
  return ms / INTERVAL_MS;
}

function rounds(): Row[] {
  const rows: Row[] = [];
  let worst = 0;
  let product = 0;
  let squares = 0;
  for (const nodes of sizes) {
    const samples = Array.from({ length: seeds }, (_, seed) => roundsUntilAll(nodes, seed));
    const log2 = Math.log2(nodes);
    worst = Math.max(worst, Math.max(...samples) / log2);
    for (const sample of samples) product += sample * log2;
    squares += log2 * log2 * samples.length;
    rows.push(rowOf(`rounds until all have the ring, ${nodes} nodes`, 'rounds', samples, 'log2(n)', [log2]));
  }
  rows.push(rowOf('c of c x log2(n) rounds, fitted', '', [product / squares]), rowOf('c of c x log2(n) rounds, worst', '', [worst]));
  return rows;
}

interface Detection {
  readonly suspectedMs: number;
  readonly downMs: number;
}

/** From the kill until the first suspects it, and until the last shows it down. */
function detect(nodes: number, seed: number): Detection {
  const random = new SeededRandom(seed).fork('detection');
  const victim = random.below(nodes);
  const atMs = 8000 + INTERVAL_MS * random.float();
  const world = new GossipWorld({
    nodes,
    seed,
    plan: [{ kind: 'crash', atMs, node: nodeName(victim), forMs: 60_000, silent: random.chance(0.5) }],
  });
  world.run(atMs + 15_000);
  const isSuspected = world.history.find(
    ({ atMs: seenMs, view }) => seenMs > atMs && view.members.some((member) => member.id === idOf(victim) && member.isSuspected),
  );
  const downMs = Array.from({ length: nodes }, (_, index) => (index === victim ? atMs : (world.downAtMs(index, victim) ?? Infinity)));
  return { suspectedMs: (isSuspected?.atMs ?? Infinity) - atMs, downMs: Math.max(...downMs) - atMs };
}

function detection(): Row[] {
  return [3, 5, 20].flatMap((nodes) => {
    const found = Array.from({ length: DETECTION_RUNS }, (_, seed) => detect(nodes, seed));
    const suspected = Float64Array.from(found.map(({ suspectedMs }) => suspectedMs)).sort();
    const down = Float64Array.from(found.map(({ downMs }) => downMs)).sort();
    const aim = [5 * INTERVAL_MS];
    return [
      rowOf(`first suspicion after a kill, ${nodes} nodes`, 'ms', [...suspected]),
      rowOf(`down on all after a kill, ${nodes} nodes`, 'ms', [...down], 'aim for p99', aim),
      rowOf(`down on all after a kill, ${nodes} nodes, p99`, 'ms', [quantileOf(down, 0.99)], 'aim for p99', aim),
    ];
  });
}

function accusations(): Row[] {
  const failed = Array.from({ length: runs }, (_, seed) => paused(seed)).filter((faults) => faults.length > 0);
  for (const faults of failed.slice(0, 10)) console.log(faults.join('; '));
  if (failed.length > 0) process.exitCode = 1;
  return [rowOf(`runs of ${runs} with an accusation of a healthy node`, 'runs', [failed.length])];
}

const PART: Readonly<Record<Part, () => Row[]>> = { bytes, rounds, detection, accusations };
const setup = setupOf({ intervalMs: INTERVAL_MS, delayMs: DELAY_MS.join(' to '), seeds, runs, time: 'virtual' });
printSetup(setup);
const rows: Row[] = [];
for (const name of parts) {
  const startedAt = performance.now();
  const done = PART[name]();
  rows.push(...done);
  console.log(`\n${name}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  printRows(done);
}
writeReport(values.json, setup, rows);
