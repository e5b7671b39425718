/**
 * The replicas of a shard beside the engine they lie in, in one process on one disk: what versions cost. Keys of 16 bytes, values of 100, in memory, by durability.
 * The peer of a write is a get and a put of the engine, of what lies in it then: keys of 28 bytes, records of 162.
 * `node dist/bench/replicas.js [--runs N] [--operations N]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COORDINATE, MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from '../actors/store/replica-call.ts';
import { Replicas } from '../actors/store/replicas.ts';
import { CONTEXT_LOCAL, DURABILITY_NONE, DURABILITY_SYNC } from '../actors/store/store-request.ts';
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
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { medianOf } from './lib/stats.ts';

const { values: options } = optionsOf({
  options: { runs: { type: 'string', default: '5' }, operations: { type: 'string', default: '100000' } },
});
const runs = wholeNumber('runs', options.runs);
const operations = wholeNumber('operations', options.operations);
const KEYS = 10_000;
const IN_FLIGHT = 256;
const VALUE = Buffer.alloc(100, 'v');
const RECORD = Buffer.alloc(162, 'r');
const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };
const keys = Array.from({ length: KEYS }, (_, i) => Buffer.from(`key${i}`.padEnd(16, '.')));
const engineKeys = keys.map((key) => Buffer.concat([Buffer.alloc(12, 'p'), key]));

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
call.sink = sink;

function peer(durability: 'none' | 'sync', i: number): void {
  const key = engineKeys[i % KEYS]!;
  engine.get(key, undefined, () => undefined);
  engine.put(key, RECORD, durability, () => ended());
}

function ours(verb: typeof READ_LOCAL | typeof COORDINATE | typeof MERGE_IN, i: number, durability = DURABILITY_NONE): void {
  call.durability = durability;
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
  'engine get, put': (i) => peer('none', i),
  coordinate: (i) => ours(COORDINATE, i),
  mergeIn: (i) => ours(MERGE_IN, i),
  'engine get, put, sync': (i) => peer('sync', i),
  'coordinate, sync': (i) => ours(COORDINATE, i, DURABILITY_SYNC),
  'mergeIn, sync': (i) => ours(MERGE_IN, i, DURABILITY_SYNC),
  'engine get': (i) => {
    if (engine.get(engineKeys[i % KEYS]!, undefined, () => ended()) !== LATER) ended();
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
const peers: Readonly<Record<string, string>> = {
  coordinate: 'engine get, put',
  mergeIn: 'engine get, put',
  'coordinate, sync': 'engine get, put, sync',
  'mergeIn, sync': 'engine get, put, sync',
  readLocal: 'engine get',
};
for (const [name, rates] of results) {
  const rate = medianOf(rates);
  const other = peers[name];
  const ratio = other === undefined ? '' : `  ${(medianOf(results.get(other)!) / rate).toFixed(2)} x the time of ${other}`;
  process.stdout.write(
    `${name.padEnd(22)} ${Math.round(rate).toLocaleString('en').padStart(10)}/s  ${(1e6 / rate).toFixed(2)} us${ratio}\n`,
  );
}
if (failures > 0) process.stdout.write(`${failures} calls failed\n`);
await new Promise<void>((resolve) => replicas.close(() => engine.close(() => resolve())));
await pool.close();
rmSync(dir, { recursive: true, force: true });
