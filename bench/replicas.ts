/**
 * The replicas of a shard beside the engine they lie in, in one process on one disk: what versions cost. Keys of 16 bytes, values of 100, in memory, durability `none`.
 * `node dist/bench/replicas.js [--runs N] [--operations N]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { COORDINATE, MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from '../actors/store/replica-call.ts';
import { Replicas } from '../actors/store/replicas.ts';
import { CONTEXT_LOCAL, DURABILITY_NONE } from '../actors/store/store-request.ts';
import type { RecordView } from '../actors/version/record-view.ts';
import type { Log } from '../runtime/doors.ts';
import { PiscinaJobRunner } from '../runtime/pool.ts';
import { SeededRandom } from '../runtime/random.ts';
import { realClock } from '../runtime/real/clock.ts';
import { RealFiles } from '../runtime/real/files.ts';
import { RealTimers } from '../runtime/real/timers.ts';
import { LATER } from '../storage/engine/api.ts';
import { Engine } from '../storage/engine/engine.ts';
import type { EngineDoors } from '../storage/engine/options.ts';
import { medianOf } from './lib/stats.ts';

const { values: options } = parseArgs({
  options: { runs: { type: 'string', default: '5' }, operations: { type: 'string', default: '100000' } },
});
const runs = Number(options.runs);
const operations = Number(options.operations);
const KEYS = 10_000;
const IN_FLIGHT = 256;
const VALUE = Buffer.alloc(100, 'v');
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };
const keys = Array.from({ length: KEYS }, (_, i) => Buffer.from(`key${i}`.padEnd(16, '.')));

const dir = mkdtempSync(join(tmpdir(), 'dynactor-replicas-'));
const pool = new PiscinaJobRunner({
  modules: [new URL('../storage/jobs.js', import.meta.url).href],
  threads: 1,
  queueMax: 64,
  log: SILENT,
});
const doors: EngineDoors = {
  clock: realClock(),
  random: new SeededRandom(1),
  log: SILENT,
  timers: new RealTimers(),
  files: new RealFiles(),
  jobs: pool,
};

const engine = await new Promise<Engine>((resolve, reject) => {
  Engine.open(join(dir, 'engine'), {}, doors, (result) => (result.ok ? resolve(result.value) : reject(result.error)));
});

let armed = false;
const replicas = new Replicas({
  dir: join(dir, 'shard-0'),
  doors,
  ring: () => {
    if (armed) return;
    armed = true;
    setImmediate(() => {
      armed = false;
      replicas.drain();
    });
  },
});
await new Promise<void>((resolve, reject) => replicas.open((error) => (error === undefined ? resolve() : reject(error))));

let ended: () => void = () => {};
let failures = 0;
let sample: Buffer = Buffer.alloc(0);
const sink: ReplicaSink = {
  found: () => ended(),
  made(token: number, record: RecordView) {
    if (token === 0) sample = Buffer.from(record.bytes.subarray(record.start, record.end));
  },
  stored: () => ended(),
  failed() {
    failures++;
    ended();
  },
};
const call = new ReplicaCall();
call.keyspace = 1;
call.keyEnd = 16;
call.durability = DURABILITY_NONE;
call.sink = sink;

function ours(verb: typeof READ_LOCAL | typeof COORDINATE | typeof MERGE_IN, i: number): void {
  call.verb = verb;
  call.key = keys[i % KEYS]!;
  call.tokenLow = i % KEYS;
  call.token = i;
  call.contextKind = CONTEXT_LOCAL;
  call.bytes = verb === MERGE_IN ? sample : VALUE;
  call.end = call.bytes.length;
  replicas.run(call);
}

const CASES: Readonly<Record<string, (i: number) => void>> = {
  'engine put': (i) => engine.put(keys[i % KEYS]!, VALUE, 'none', () => ended()),
  coordinate: (i) => ours(COORDINATE, i),
  mergeIn: (i) => ours(MERGE_IN, i),
  'engine get': (i) => {
    if (engine.get(keys[i % KEYS]!, undefined, () => ended()) !== LATER) ended();
  },
  readLocal: (i) => ours(READ_LOCAL, i),
};

/** Per second, with IN_FLIGHT under way. */
function measure(step: (i: number) => void): Promise<number> {
  return new Promise((resolve) => {
    let begun = 0;
    let done = 0;
    const start = performance.now();
    ended = () => {
      if (++done === operations) resolve((operations / (performance.now() - start)) * 1_000);
    };
    const pump = (): void => {
      while (begun < operations && begun - done < IN_FLIGHT) step(begun++);
      if (begun < operations) setImmediate(pump);
    };
    pump();
  });
}

const results = new Map<string, number[]>();
for (let run = 0; run < runs; run++) {
  for (const [name, step] of Object.entries(CASES)) {
    const rate = await measure(step);
    if (run > 0 || runs === 1) results.set(name, [...(results.get(name) ?? []), rate]);
  }
}
const peers: Readonly<Record<string, string>> = { coordinate: 'engine put', mergeIn: 'engine put', readLocal: 'engine get' };
for (const [name, rates] of results) {
  const rate = medianOf(rates);
  const peer = peers[name];
  const ratio = peer === undefined ? '' : `  ${(rate / medianOf(results.get(peer)!)).toFixed(2)} of ${peer}`;
  process.stdout.write(
    `${name.padEnd(12)} ${Math.round(rate).toLocaleString('en').padStart(10)}/s  ${(1e6 / rate).toFixed(2)} us${ratio}\n`,
  );
}
if (failures > 0) process.stdout.write(`${failures} calls failed\n`);
await new Promise<void>((resolve) => replicas.close(() => engine.close(() => resolve())));
await pool.close();
rmSync(dir, { recursive: true, force: true });
